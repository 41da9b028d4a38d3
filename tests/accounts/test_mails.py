import re
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts import tenant_tasks
from accounts.actions.delivery import GIVE_UP_AFTER, claim_message, message_failed, message_sent
from accounts.actions.outbox import order_message
from accounts.emails import write_mail
from accounts.models import AuditEntry, LenderHost, OutgoingMessage, User
from accounts.tasks import deliver_message, sweep_outgoing_messages
from accounts.tenancy import platform, tenant
from tests.accounts.browsing import browser, type_password
from tests.accounts.conftest import Clock
from tests.cast import Cast, host_of

SECURITY_EVENTS = (
    "password_changed",
    "password_reset",
    "factor_added",
    "factor_removed",
    "recovery_codes_renewed",
    "recovery_code_used",
    "new_device",
)


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the broker was told."""
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        tenant_tasks.current_app, "send_task", lambda name, args=(), **_: sent.append((name, *args))
    )
    return sent


def _order(cast: Cast, **changed: Any) -> OutgoingMessage:
    values: dict[str, Any] = {
        "key": "probe",
        "template": "factor-code",
        "recipient": cast.owner.email,
        "context": {"code": "123456", "expires_at": "2026-06-10T20:12:00+00:00"},
        "user": cast.owner,
        "is_secret": True,
    }
    values.update(changed)
    with tenant(cast.lender.pk):
        return order_message(**values)


def _stored(message: OutgoingMessage) -> OutgoingMessage:
    with tenant(message.lender_id):
        return OutgoingMessage.objects.get(pk=message.pk)


class BrokenServer(EmailBackend):
    """A mail server that answers 451."""

    def send_messages(self, messages: Any) -> int:
        raise OSError("451 try again later")


def test_a_mail_leaves_once_and_forgets_its_secret(cast: Cast) -> None:
    message = _order(cast)
    assert deliver_message(cast.lender.pk, message.pk) is True
    assert deliver_message(cast.lender.pk, message.pk) is False
    [sent] = mail.outbox
    assert sent.to == ["owen@people.example"]
    assert "123456" in sent.body
    stored = _stored(message)
    assert (stored.state, stored.attempts, stored.context) == ("sent", 1, {})
    assert stored.sent_at is not None


def test_the_mail_has_the_lenders_name_clock_and_both_parts(cast: Cast) -> None:
    message = _order(cast)
    deliver_message(cast.lender.pk, message.pk)
    [sent] = mail.outbox
    assert sent.from_email == '"Summit Dealer Capital" <portal@summit.example>'
    assert sent.reply_to == ["help@summit.example"]
    assert sent.subject == "Your code for Summit Dealer Capital"
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert str(message.public_id) in sent.extra_headers["Message-ID"]
    [(page, kind)] = sent.alternatives
    assert kind == "text/html"
    for part in (sent.body, page):
        assert "123456" in part
        # 20:12 UTC is 14:12 in Denver.
        assert "2:12" in part.replace("\u202f", " ")
        assert cast.lender.support_phone in part


def test_names_stand_in_plain_text_as_they_are(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.owner.pk).update(full_name="Owen O'Hara & <Sons>")
        cast.owner.refresh_from_db()
    deliver_message(cast.lender.pk, _order(cast).pk)
    [sent] = mail.outbox
    assert "Owen O'Hara & <Sons>" in sent.body
    assert "<Sons>" not in sent.alternatives[0][0]


def test_links_lead_to_the_primary_host_whatever_host_was_asked(cast: Cast, settings: Any) -> None:
    settings.PUBLIC_SCHEME, settings.PUBLIC_PORT = "https", "8443"
    with platform():
        LenderHost.objects.create(host="second.testserver", lender=cast.lender)
    client = Client(HTTP_HOST="second.testserver", HTTP_X_FORWARDED_HOST="evil.example")
    client.post(reverse("account_reset_password"), {"identifier": "owen"})
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.get(template="password-reset")
    deliver_message(cast.lender.pk, message.pk)
    [sent] = mail.outbox
    for part in (sent.body, sent.alternatives[0][0]):
        links = set(re.findall(r"https?://[^\s\"'<>]+", part))
        assert links
        assert all(link.startswith("https://summit.testserver:8443/account/") for link in links), links
    assert "owen" in sent.body
    # The very link in the mail works.
    path = re.search(r"https://summit\.testserver:8443(/account/password/new/\S+)", sent.body)
    assert path is not None
    assert browser(cast.lender).get(path.group(1)).status_code == 302


def test_a_forged_host_orders_nothing(cast: Cast) -> None:
    client = Client(HTTP_HOST="evil.example")
    assert client.post(reverse("account_reset_password"), {"identifier": "owen"}).status_code == 404
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize("event", SECURITY_EVENTS)
def test_every_security_notice_says_what_when_and_what_to_do(cast: Cast, event: str) -> None:
    message = _order(
        cast,
        template="security-notice",
        is_secret=False,
        context={
            "event": event,
            "detail": "Work phone",
            "left": 3,
            "moment": "2026-06-10T20:12:00+00:00",
            "address": "198.51.100.7",
        },
    )
    deliver_message(cast.lender.pk, message.pk)
    [sent] = mail.outbox
    assert len(sent.subject) > 10
    for part in (sent.body, sent.alternatives[0][0]):
        assert "198.51.100.7" in part
        assert cast.lender.support_phone in part
        assert reverse("account_reset_password") in part
        assert "3 unused codes" in part


@pytest.mark.parametrize("factor", [True, False])
@pytest.mark.parametrize("until", ["2026-06-10T20:27:00+00:00", None])
def test_the_mail_about_a_lock_says_until_when(cast: Cast, factor: bool, until: str | None) -> None:
    message = _order(
        cast,
        template="sign-in-locked",
        is_secret=False,
        context={"locked_until": until, "moment": "2026-06-10T20:12:00+00:00", "factor": factor},
    )
    deliver_message(cast.lender.pk, message.pk)
    [sent] = mail.outbox
    for part in (sent.body, sent.alternatives[0][0]):
        assert ("2:27" in part) is (until is not None)
        assert "wrong codes" in part if factor else "wrong passwords" in part


def test_a_french_lender_writes_dates_in_french(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        cast.lender.__class__.objects.filter(pk=cast.lender.pk).update(
            locale="fr_FR", time_zone="Europe/Paris"
        )
    message = _order(cast)
    with tenant(cast.lender.pk):
        assert "22:12" in write_mail(OutgoingMessage.objects.get(pk=message.pk)).body


def test_a_server_that_refuses_is_asked_again_later_and_later(
    cast: Cast, clock: Clock, settings: Any
) -> None:
    settings.EMAIL_BACKEND = f"{BrokenServer.__module__}.{BrokenServer.__qualname__}"
    message = _order(cast)
    pauses = []
    for _ in range(5):
        assert deliver_message(cast.lender.pk, message.pk) is False
        stored = _stored(message)
        assert stored.state == "waiting"
        assert "451 try again later" in stored.last_error
        assert stored.context["code"] == "123456"
        pauses.append(round((stored.next_attempt_at - timezone.now()).total_seconds() / 60))
        # Too early, nothing is tried.
        assert deliver_message(cast.lender.pk, message.pk) is False
        assert _stored(message).attempts == stored.attempts
        clock.advance(minutes=pauses[-1], seconds=1)
    assert pauses == [1, 5, 15, 60, 120]
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert deliver_message(cast.lender.pk, message.pk) is True
    assert len(mail.outbox) == 1


def test_after_a_day_a_message_is_given_up_on_record(cast: Cast, clock: Clock, settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{BrokenServer.__module__}.{BrokenServer.__qualname__}"
    message = _order(cast)
    for _ in range(40):
        deliver_message(cast.lender.pk, message.pk)
        clock.advance(hours=1)
    stored = _stored(message)
    assert (stored.state, stored.context) == ("failed", {})
    assert stored.next_attempt_at <= message.created_at + GIVE_UP_AFTER
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.get(code="message.given_up").subject == "message:probe"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert deliver_message(cast.lender.pk, message.pk) is False


def test_a_template_that_is_missing_loses_no_message(cast: Cast) -> None:
    message = _order(cast, template="no-such-template")
    assert deliver_message(cast.lender.pk, message.pk) is False
    stored = _stored(message)
    assert stored.state == "waiting"
    assert "TemplateDoesNotExist" in stored.last_error


def test_a_worker_that_dies_lets_go_of_its_message(cast: Cast, clock: Clock) -> None:
    message = _order(cast)
    with tenant(cast.lender.pk):
        assert claim_message(message_id=message.pk, now=timezone.now()) is not None
    # The worker is gone before it sends; nobody else touches the message for five minutes.
    assert deliver_message(cast.lender.pk, message.pk) is False
    clock.advance(minutes=5, seconds=1)
    assert deliver_message(cast.lender.pk, message.pk) is True
    assert len(mail.outbox) == 1


def test_a_worker_that_took_too_long_takes_nothing_back_from_the_next(cast: Cast, clock: Clock) -> None:
    message = _order(cast)
    with tenant(cast.lender.pk):
        slow = claim_message(message_id=message.pk, now=timezone.now())
    clock.advance(minutes=5, seconds=1)
    with tenant(cast.lender.pk):
        second = claim_message(message_id=message.pk, now=timezone.now())
        assert slow is not None
        assert second is not None
        message_failed(message=slow, error="timed out", now=timezone.now())
        assert _stored(message).state == OutgoingMessage.State.SENDING
        message_sent(message=second, now=timezone.now())
        message_failed(message=second, error="and then the line broke", now=timezone.now())
        assert _stored(message).state == OutgoingMessage.State.SENT
    assert deliver_message(cast.lender.pk, message.pk) is False
    assert mail.outbox == []


def test_the_sweep_finds_what_the_broker_forgot_at_every_lender(
    cast: Cast, hints: list[tuple[Any, ...]], clock: Clock
) -> None:
    here = _order(cast)
    late = _order(cast, key="later")
    done = _order(cast, key="done")
    deliver_message(cast.lender.pk, done.pk)
    with tenant(cast.lender.pk):
        claimed = claim_message(message_id=late.pk, now=timezone.now())
        assert claimed is not None
        message_failed(message=claimed, error="451", now=timezone.now())
    with tenant(cast.other_lender.pk):
        there = order_message(
            key="probe",
            template="factor-code",
            recipient="owen@people.example",
            context={},
            user=cast.other_owner,
        )
    hints.clear()
    assert sweep_outgoing_messages() == 2
    name = "accounts.tasks.deliver_message"
    assert hints == [(name, cast.lender.pk, here.pk), (name, cast.other_lender.pk, there.pk)]
    clock.advance(seconds=61)
    hints.clear()
    assert sweep_outgoing_messages() == 3


def test_one_lenders_message_does_not_leave_through_another(cast: Cast) -> None:
    message = _order(cast)
    assert deliver_message(cast.other_lender.pk, message.pk) is False
    assert mail.outbox == []
    assert _stored(message).attempts == 0


def test_the_same_order_twice_is_one_message(cast: Cast) -> None:
    assert _order(cast).pk == _order(cast).pk


@pytest.fixture
def committed(transactional_db: None, cast: Cast) -> Cast:
    return cast


@pytest.mark.concurrency
def test_the_worker_is_asked_after_the_commit_and_not_at_all_after_a_rollback(
    committed: Cast, hints: list[tuple[Any, ...]]
) -> None:
    cast = committed
    type_password(browser(cast.lender), "owen")
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.get(template="factor-code")
    assert hints == [("accounts.tasks.deliver_message", cast.lender.pk, message.pk)]
    hints.clear()
    with pytest.raises(RuntimeError, match="halfway"), tenant(cast.lender.pk):
        order_message(
            key="lost", template="factor-code", recipient="x@people.example", context={}, user=cast.owner
        )
        raise RuntimeError("halfway")
    assert hints == []
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(key="lost").exists()


@pytest.mark.concurrency
def test_a_broker_that_is_away_loses_nothing(committed: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    cast = committed

    def away(*_: Any, **__: Any) -> None:
        raise ConnectionRefusedError("no broker")

    monkeypatch.setattr(tenant_tasks.current_app, "send_task", away)
    assert type_password(browser(cast.lender), "owen").status_code == 302
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.get(template="factor-code")
    assert message.state == "waiting"
    assert message.next_attempt_at <= timezone.now() + timedelta(seconds=1)
    assert deliver_message(cast.lender.pk, message.pk) is True


def test_hosts_named_in_mails_are_the_registrys(cast: Cast) -> None:
    assert host_of(cast.lender.pk) == "summit.testserver"
