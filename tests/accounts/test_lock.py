from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actions.sign_in_guard import CEILING, UNTIL_LIFTED, lift_lock
from accounts.models import AuditEntry, EmailCodeFactor, OutgoingMessage, SignInAttempt, SignInGuard, User
from accounts.queries.sign_in import locks_of
from accounts.tenancy import tenant
from tests.accounts.browsing import (
    app_code,
    authenticator_of,
    browser,
    is_signed_in,
    mailed_code,
    show_code,
    sign_in_fully,
    type_password,
    without_noise,
)
from tests.accounts.conftest import Clock
from tests.cast import OTHER_PASSWORD, Cast

SPELLINGS = ("owen", "OWEN", "owen@people.example", " 70001 ", "Owen@people.example")


def _lock(cast: Cast, *names: str) -> None:
    for name in names or ("owen",) * 5:
        type_password(browser(cast.lender), name, "not the password")


def _guards(cast: Cast) -> list[dict[str, object]]:
    with tenant(cast.lender.pk):
        return list(SignInGuard.objects.order_by("pk").values())


def _mail_factor(person: User) -> EmailCodeFactor:
    with tenant(person.lender_id, login=True):
        return EmailCodeFactor.objects.get(user=person)


def test_five_failures_lock_the_account_and_the_page_says_until_when(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 20:00 UTC is 14:00 in Denver in June.
    monkeypatch.setattr(timezone, "now", lambda: datetime(2026, 6, 10, 20, 2, tzinfo=UTC))
    for _ in range(4):
        assert type_password(browser(cast.lender), "owen", "wrong").status_code == 200
    fifth = type_password(browser(cast.lender), "owen", "wrong")
    page = fifth.content.decode()
    assert fifth.status_code == 429
    assert "locked until 2:17 PM" in page.replace("\u202f", " ").replace("\xa0", " ")
    assert "does not help" in page
    assert reverse("account_reset_password") in page
    assert cast.lender.support_phone in page


def test_the_right_password_is_refused_during_the_lock_without_a_hash(cast: Cast, hashes: list[str]) -> None:
    _lock(cast)
    hashes.clear()
    assert type_password(browser(cast.lender), "owen").status_code == 429
    assert hashes == []


def test_attempts_during_the_lock_change_and_prolong_nothing(cast: Cast, clock: Clock) -> None:
    _lock(cast)
    before = _guards(cast)
    for _ in range(10):
        clock.advance(minutes=1)
        assert type_password(browser(cast.lender), "owen", "wrong").status_code == 429
    assert _guards(cast) == before
    clock.advance(minutes=5, seconds=1)
    assert type_password(browser(cast.lender), "owen").status_code == 302


def test_one_account_has_one_counter_under_every_spelling(cast: Cast) -> None:
    _lock(cast, *SPELLINGS)
    for spelling in SPELLINGS:
        assert type_password(browser(cast.lender), spelling).status_code == 429


def test_an_unknown_name_locks_with_the_very_same_page(
    cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: fixed)
    pages = {}
    for name in ("owen", "nobody", "nobody@people.example", "99999"):
        answers = [type_password(browser(cast.lender), name, "wrong") for _ in range(7)]
        pages[name] = [(answer.status_code, without_noise(answer, name)) for answer in answers]
    assert [status for status, _ in pages["owen"]] == [200] * 4 + [429] * 3
    for name in ("nobody", "nobody@people.example", "99999"):
        assert pages[name] == pages["owen"], name


def test_the_same_names_at_the_other_lender_are_untouched(cast: Cast) -> None:
    _lock(cast, *SPELLINGS)
    assert type_password(browser(cast.other_lender), "owen", OTHER_PASSWORD).status_code == 302


def test_a_locked_colleague_locks_nobody_else(cast: Cast) -> None:
    _lock(cast)
    assert type_password(browser(cast.lender), "paula").status_code == 302


def test_failures_far_apart_do_not_add_up(cast: Cast, clock: Clock) -> None:
    for _ in range(12):
        assert type_password(browser(cast.lender), "owen", "wrong").status_code == 200
        clock.advance(minutes=4)


def test_a_right_password_without_the_second_step_clears_nothing(cast: Cast) -> None:
    for _ in range(4):
        type_password(browser(cast.lender), "owen", "wrong")
    assert type_password(browser(cast.lender), "owen").status_code == 302
    assert type_password(browser(cast.lender), "owen", "wrong").status_code == 429


def test_a_complete_sign_in_clears_the_counter(cast: Cast) -> None:
    for _ in range(4):
        type_password(browser(cast.lender), "owen", "wrong")
    sign_in_fully(cast.owner)
    assert _guards(cast) == []
    assert type_password(browser(cast.lender), "owen", "wrong").status_code == 200


def test_the_fifth_try_may_still_be_right(cast: Cast) -> None:
    for _ in range(4):
        type_password(browser(cast.lender), "owen", "wrong")
    assert type_password(browser(cast.lender), "owen").status_code == 302


def test_a_hundred_failures_in_a_row_end_guessing_for_good(cast: Cast, clock: Clock) -> None:
    with tenant(cast.lender.pk):
        SignInGuard.objects.create(
            key=f"user:{cast.owner.pk}",
            user=cast.owner,
            proof="password",
            failures=1,
            consecutive_failures=CEILING - 1,
            window_started_at=timezone.now() - timedelta(hours=1),
            last_attempt_at=timezone.now() - timedelta(hours=1),
        )
    page = type_password(browser(cast.lender), "owen", "wrong")
    assert page.status_code == 429
    assert "time alone does not end this lock" in page.content.decode()
    clock.advance(days=400)
    assert type_password(browser(cast.lender), "owen").status_code == 429
    with tenant(cast.lender.pk):
        [lock] = locks_of(cast.owner, timezone.now())
        assert lock.until_lifted
        assert lock.until == UNTIL_LIFTED


def test_guessing_gets_at_most_twenty_passwords_checked_in_an_hour(
    cast: Cast, clock: Clock, hashes: list[str]
) -> None:
    for number in range(120):
        # From many addresses, so that the loose brake per address does not help.
        type_password(browser(cast.lender, address=f"203.0.113.{number}"), "owen", "wrong")
        clock.advance(seconds=30)
    assert 15 <= len(hashes) <= 20


def _reset_link(person: User) -> str:
    with tenant(person.lender_id):
        message = OutgoingMessage.objects.filter(user=person, template="password-reset").latest("pk")
        return str(message.context["action_path"])


def test_a_reset_opens_the_lock_together_with_the_second_step_only(cast: Cast, clock: Clock) -> None:
    _lock(cast)
    client = browser(cast.lender)
    client.post(reverse("account_reset_password"), {"identifier": "owen"})
    form = client.get(_reset_link(cast.owner))
    answer = client.post(form.url, {"password": "a lighthouse near Bergen"})
    assert answer.url == reverse("accounts:factor-verify")
    # The mailbox alone leaves the lock in force for everybody who types passwords.
    assert type_password(browser(cast.lender), "owen", "a lighthouse near Bergen").status_code == 429
    show_code(client, _mail_factor(cast.owner), mailed_code(cast.owner))
    assert is_signed_in(client)
    assert type_password(browser(cast.lender), "owen", "a lighthouse near Bergen").status_code == 302
    with tenant(cast.lender.pk):
        entry = AuditEntry.objects.get(code="sign_in.lock_lifted")
        assert (entry.actor_id, entry.subject) == (cast.owner.pk, "user:owen")
        assert entry.details == {"failures": {"password": 5}}


def test_a_sign_in_without_a_lock_lifts_none(cast: Cast) -> None:
    _lock(cast, "owen", "owen")
    sign_in_fully(cast.owner)
    with tenant(cast.lender.pk):
        assert not AuditEntry.objects.filter(code="sign_in.lock_lifted").exists()


def test_support_lifts_every_counter_at_once_and_it_is_on_record(cast: Cast) -> None:
    _lock(cast)
    with tenant(cast.lender.pk):
        lift_lock(person=cast.owner, agent=cast.support, reason="Caller read the code back")
        assert locks_of(cast.owner, timezone.now()) == []
        entry = AuditEntry.objects.get(code="sign_in.lock_lifted")
        assert (entry.actor_id, entry.subject, entry.reason) == (
            cast.support.pk,
            "user:owen",
            "Caller read the code back",
        )
        assert SignInAttempt.objects.filter(user=cast.owner, outcome="unlocked").count() == 1
    assert type_password(browser(cast.lender), "owen").status_code == 302


def test_lifting_needs_a_reason_and_another_person(cast: Cast) -> None:
    _lock(cast)
    before = _guards(cast)
    with tenant(cast.lender.pk):
        with pytest.raises(ValueError, match="reason"):
            lift_lock(person=cast.owner, agent=cast.support, reason=" ")
        with pytest.raises(ValueError, match="own lock"):
            lift_lock(person=cast.support, agent=cast.support, reason="Mine")
        assert not AuditEntry.objects.filter(code="sign_in.lock_lifted").exists()
    assert _guards(cast) == before


def test_the_person_is_told_once_a_day(cast: Cast, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime(2026, 6, 10, 12, tzinfo=UTC)
    monkeypatch.setattr(clock, "_real", lambda: noon)
    for _ in range(3):
        _lock(cast)
        clock.advance(minutes=16)
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.filter(template="sign-in-locked", user=cast.owner).count() == 1
        assert AuditEntry.objects.filter(code="sign_in.locked", subject="user:owen").count() == 3
    clock.advance(days=1)
    _lock(cast)
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.filter(template="sign-in-locked", user=cast.owner).count() == 2


def test_every_attempt_is_on_record_with_where_it_came_from(cast: Cast) -> None:
    type_password(browser(cast.lender, HTTP_USER_AGENT="Probe/1"), "owen", "wrong")
    type_password(browser(cast.lender), "nobody", "wrong")
    with tenant(cast.lender.pk):
        rows = list(
            SignInAttempt.objects.order_by("pk").values_list("user_id", "outcome", "address", "user_agent")
        )
    assert rows[0] == (cast.owner.pk, "wrong_password", "198.51.100.7", "Probe/1")
    assert rows[1][:3] == (None, "unknown", "198.51.100.7")


def test_wrong_codes_lock_the_second_step_only(cast: Cast, clock: Clock) -> None:
    client = browser(cast.lender)
    type_password(client, "owen")
    factor = _mail_factor(cast.owner)
    right = mailed_code(cast.owner)
    wrong = "000000" if right != "000000" else "111111"
    answers = [show_code(client, factor, wrong) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200] * 4 + [429]
    refused = show_code(client, factor, right)
    assert refused.status_code == 429
    page = refused.content.decode()
    assert "locked until" in page
    assert cast.lender.support_phone in page
    # The password has a counter of its own, and a second browser does not get round the lock.
    other = browser(cast.lender)
    assert type_password(other, "owen").status_code == 302
    assert show_code(other, factor, right).status_code == 429
    assert not is_signed_in(client)
    clock.advance(minutes=15, seconds=1)
    # The mailed code has died of age meanwhile; a fresh one opens.
    client.post(reverse("accounts:factor-send-code"))
    assert show_code(client, factor, mailed_code(cast.owner)).status_code == 302


def test_a_hundred_wrong_codes_shut_the_second_step_until_support_opens_it(cast: Cast, clock: Clock) -> None:
    factor = authenticator_of(cast.owner)
    with tenant(cast.lender.pk):
        SignInGuard.objects.create(
            key=f"user:{cast.owner.pk}",
            user=cast.owner,
            proof="factor",
            failures=4,
            consecutive_failures=CEILING - 1,
            window_started_at=timezone.now(),
            last_attempt_at=timezone.now(),
        )
    client = browser(cast.lender)
    type_password(client, "owen")
    assert show_code(client, factor, "000000").status_code == 429
    clock.advance(days=30)
    client = browser(cast.lender)
    type_password(client, "owen")
    assert show_code(client, factor, app_code(factor, clock.now())).status_code == 429
    with tenant(cast.lender.pk):
        lift_lock(person=cast.owner, agent=cast.support, reason="Caller read the code back")
    assert show_code(client, factor, app_code(factor, clock.now())).status_code == 302


def test_a_spelling_of_a_known_name_cannot_be_told_from_its_key(cast: Cast) -> None:
    type_password(browser(cast.lender), "Secret.Project@rival.example", "wrong")
    [guard] = _guards(cast)
    assert str(guard["key"]).startswith("typed:")
    assert "rival" not in str(guard["key"])
    with tenant(cast.lender.pk):
        assert "rival" not in SignInAttempt.objects.get().key
