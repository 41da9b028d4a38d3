import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, EmailCodeFactor, OutgoingMessage, SignInAttempt, User
from accounts.tasks import deliver_message
from accounts.tenancy import tenant
from tests.accounts.browsing import (
    browser,
    is_signed_in,
    mailed_code,
    session_key,
    show_code,
    sign_in_fully,
    type_password,
    without_noise,
)
from tests.accounts.conftest import Clock
from tests.cast import OTHER_PASSWORD, PASSWORD, Cast, sign_in

NEW = "a lighthouse near Bergen"


def _ask(client: Client, identifier: str) -> object:
    return client.post(reverse("account_reset_password"), {"identifier": identifier})


def _link(person: User) -> str:
    with tenant(person.lender_id):
        message = OutgoingMessage.objects.filter(user=person, template="password-reset").latest("pk")
        return str(message.context["action_path"])


def _password_of(person: User) -> str:
    with tenant(person.lender_id):
        return str(User.objects.get(pk=person.pk).password)


# --- what a password may be ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "twelve chars",
        "correct horse battery staple",
        "ÄÖÜ ßßß éé 東京東京東京",
        "🐢🐢🐢 slow and steady 🐢",
        "              spaces       ",
        "x9" * 32 + "ab",
        "a quiet word about Alder and a lighthouse",
        "q" * 64 + "w" * 64,
    ],
)
def test_long_passwords_of_any_kind_are_fine(inside: Cast, password: str) -> None:
    validate_password(password, inside.owner)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("elevenchars", "at least 12"),
        ("a" * 60 + "b" * 69, "at most 128"),
        ("Summit Dealer Capital", "built on"),
        ("summitsummit12", "built on"),
        ("aldermotors2026", "built on"),
        ("alder motors 26", "built on"),
        ("forecourt1234!", "built on"),
        ("owen@people.example", "built on"),
        ("Owen.70001.Alder", "built on"),
        ("owenowenowen12", "built on"),
        ("password1234", "common"),
        ("passwordpassword", "easy to guess"),
        ("123456789012", "easy to guess"),
        ("dealership2026", "easy to guess"),
        ("password1234567", "easy to guess"),
        ("Welcome!!2026!!", "easy to guess"),
        ("qwertyuiopasdf", "easy to guess"),
        ("aaaaaaaaaaaaaaa", "easy to guess"),
        ("a1b2a1b2a1b2a1b2", "easy to guess"),
        ("0987654321098", "easy to guess"),
    ],
)
def test_a_refused_password_says_why(inside: Cast, password: str, says: str) -> None:
    with pytest.raises(ValidationError) as refused:
        validate_password(password, inside.owner)
    assert any(says in message for message in refused.value.messages), refused.value.messages


# --- forgotten -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identifier", ["owen", "owen@people.example", "70001", " Owen@People.Example "])
def test_the_mail_comes_for_any_identifier_and_names_the_user(cast: Cast, identifier: str) -> None:
    _ask(browser(cast.lender), identifier)
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.get(template="password-reset")
        assert message.recipient == "owen@people.example"
        assert message.context["username"] == "owen"
        assert message.is_secret


def test_the_answer_is_the_same_for_nobody(cast: Cast, hashes: list[str]) -> None:
    answers = {}
    for identifier in ("owen", "nobody", "nobody@people.example", "99999"):
        client = browser(cast.lender)
        answer = client.post(reverse("account_reset_password"), {"identifier": identifier}, follow=True)
        answers[identifier] = (answer.redirect_chain, without_noise(answer))
    assert len({str(answer) for answer in answers.values()}) == 1
    assert hashes == []
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.count() == 1


def test_nobody_switched_off_is_mailed(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.owner.pk).update(is_active=False)
    _ask(browser(cast.lender), "owen")
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.exists()


def test_five_mails_an_hour_per_account_whatever_is_typed(cast: Cast) -> None:
    spellings = ("owen", "owen@people.example", "70001", "OWEN", "owen", "70001", "owen")
    statuses = [
        _ask(browser(cast.lender, address=f"203.0.113.{number}"), name).status_code  # type: ignore[attr-defined]
        for number, name in enumerate(spellings)
    ]
    assert statuses == [302] * 5 + [429] * 2
    # The same person's other account, at the other lender, is not slowed.
    assert _ask(browser(cast.other_lender), "owen").status_code == 302  # type: ignore[attr-defined]


def test_what_opens_the_account_stands_nowhere_but_in_the_mail(cast: Cast) -> None:
    _ask(browser(cast.lender), "owen")
    token = _link(cast.owner).rstrip("/").partition("-")[2]
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.get(template="password-reset")
        assert token in str(message.context)
        assert token not in message.key
        # The names under which the mail is logged and kept on record say nothing either.
        kept = [*AuditEntry.objects.values_list("subject", "details"), OutgoingMessage.objects.get().key]
    assert token not in str(kept)
    assert deliver_message(cast.lender.pk, message.pk) is True
    with tenant(cast.lender.pk):
        assert token not in str(OutgoingMessage.objects.values().get())


def test_opening_the_link_consumes_nothing_and_the_new_password_does(cast: Cast) -> None:
    _ask(browser(cast.lender), "owen")
    path = _link(cast.owner)
    for _ in range(3):
        scanner = browser(cast.lender)
        page = scanner.get(path, follow=True)
        assert page.status_code == 200
        assert "no-store" in page["Cache-Control"]
        assert 'autocomplete="new-password"' in page.content.decode()
    client = browser(cast.lender)
    form = client.get(path).url
    assert "set-password" in form
    assert client.post(form, {"password": NEW}).url == reverse("accounts:factor-verify")
    assert type_password(browser(cast.lender), "owen", NEW).status_code == 302
    assert type_password(browser(cast.lender), "owen", PASSWORD).status_code == 200
    late = browser(cast.lender)
    page = late.get(path, follow=True)
    assert "no longer works" in page.content.decode()
    assert client.post(form, {"password": "yet another lighthouse"}).status_code == 200
    assert type_password(browser(cast.lender), "owen", NEW).status_code == 302


def test_a_refused_new_password_leaves_the_link_alive(cast: Cast) -> None:
    before = _password_of(cast.owner)
    _ask(browser(cast.lender), "owen")
    client = browser(cast.lender)
    form = client.get(_link(cast.owner)).url
    page = client.post(form, {"password": "short"})
    assert page.status_code == 200
    assert "at least 12" in page.content.decode()
    assert _password_of(cast.owner) == before
    assert client.post(form, {"password": NEW}).status_code == 302


def test_the_link_is_dead_at_the_other_lender(cast: Cast) -> None:
    _ask(browser(cast.lender), "owen")
    before = (_password_of(cast.owner), _password_of(cast.other_owner))
    away = browser(cast.other_lender)
    page = away.get(_link(cast.owner), follow=True)
    assert "no longer works" in page.content.decode()
    away.post(_link(cast.owner), {"password": NEW})
    away.post(_link(cast.owner).rsplit("-", 2)[0] + "-set-password/", {"password": NEW})
    assert (_password_of(cast.owner), _password_of(cast.other_owner)) == before


def test_the_link_dies_after_an_hour(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import datetime, timedelta

    from django.contrib.auth.tokens import PasswordResetTokenGenerator

    _ask(browser(cast.lender), "owen")
    monkeypatch.setattr(
        PasswordResetTokenGenerator,
        "_now",
        lambda self: datetime.now() + timedelta(minutes=61),  # noqa: DTZ005 (as Django itself counts)
    )
    page = browser(cast.lender).get(_link(cast.owner), follow=True)
    assert "no longer works" in page.content.decode()


def test_the_link_dies_with_the_next_sign_in(cast: Cast) -> None:
    _ask(browser(cast.lender), "owen")
    sign_in_fully(cast.owner)
    page = browser(cast.lender).get(_link(cast.owner), follow=True)
    assert "no longer works" in page.content.decode()


@pytest.mark.parametrize(
    "path", ["0-x-y", "1-abc-0123456789abcdef", "zzzzzzzzzzzzz-abc-def", "1-set-password"]
)
def test_a_made_up_link_is_refused_in_words(cast: Cast, path: str) -> None:
    page = browser(cast.lender).get(f"/account/password/new/{path}/")
    assert page.status_code == 200
    assert "no longer works" in page.content.decode()


def test_a_reset_ends_every_session_asks_the_second_step_and_tells_the_person(cast: Cast) -> None:
    elsewhere = sign_in_fully(cast.owner)
    assert is_signed_in(elsewhere)
    client = browser(cast.lender)
    _ask(client, "owen")
    client.post(client.get(_link(cast.owner)).url, {"password": NEW})
    assert not is_signed_in(elsewhere)
    assert not is_signed_in(client)
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
        assert OutgoingMessage.objects.get(context__event="password_reset").recipient == cast.owner.email
        assert AuditEntry.objects.filter(code="password.reset", actor=cast.owner).count() == 1
        assert SignInAttempt.objects.filter(user=cast.owner, outcome="password_reset").count() == 1
    client.post(reverse("accounts:factor-send-code"))
    assert show_code(client, factor, mailed_code(cast.owner)).status_code == 302
    assert is_signed_in(client)


def test_somebody_switched_off_meanwhile_cannot_use_the_link(cast: Cast) -> None:
    _ask(browser(cast.lender), "owen")
    client = browser(cast.lender)
    form = client.get(_link(cast.owner)).url
    before = _password_of(cast.owner)
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.owner.pk).update(is_active=False)
    assert "no longer works" in client.post(form, {"password": NEW}).content.decode()
    assert _password_of(cast.owner) == before


@pytest.mark.parametrize("who", ["payer", "stranger", "finance"])
def test_somebody_else_signed_in_at_the_same_browser_gets_the_same_answer(cast: Cast, who: str) -> None:
    client = sign_in(getattr(cast, who))
    assert _ask(client, "owen").status_code == 302  # type: ignore[attr-defined]
    assert _ask(client, "nobody").status_code == 302  # type: ignore[attr-defined]
    form = client.get(_link(cast.owner)).url
    client.post(form, {"password": NEW})
    assert type_password(browser(cast.lender), "owen", NEW).status_code == 302
    assert type_password(browser(cast.lender), getattr(cast, who).username).status_code == 302


def test_a_link_used_while_signed_in_as_somebody_else_signs_them_out(cast: Cast) -> None:
    client = sign_in_fully(cast.payer)
    _ask(browser(cast.lender), "owen")
    form = client.get(_link(cast.owner)).url
    client.post(form, {"password": NEW})
    assert not is_signed_in(client)
    assert type_password(browser(cast.lender), "owen", NEW).status_code == 302


# --- changed ---------------------------------------------------------------------------------------------------------


def test_a_changed_password_keeps_this_device_and_ends_the_others(cast: Cast) -> None:
    here, there = sign_in_fully(cast.owner), sign_in(cast.owner)
    is_signed_in(there)
    key = session_key(here)
    answer = here.post(reverse("account_change_password"), {"present": PASSWORD, "password": NEW})
    assert answer.url == reverse("accounts:security")
    assert is_signed_in(here)
    assert session_key(here) != key
    assert not is_signed_in(there)
    assert type_password(browser(cast.lender), "owen", NEW).status_code == 302
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.filter(context__event="password_changed").count() == 1
    # The same name at the other lender keeps its own.
    assert type_password(browser(cast.other_lender), "owen", OTHER_PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("present", "password", "says"),
    [
        ("wrong", NEW, "not your present password"),
        (PASSWORD, "short", "at least 12"),
        (PASSWORD, PASSWORD, "Choose another one"),
        ("", NEW, "Enter your present password"),
        (PASSWORD, "", "Enter a new password"),
    ],
)
def test_a_refused_change_says_why_and_changes_nothing(
    cast: Cast, present: str, password: str, says: str
) -> None:
    client = sign_in(cast.owner)
    before = _password_of(cast.owner)
    page = client.post(reverse("account_change_password"), {"present": present, "password": password})
    assert page.status_code == 200
    assert says in page.content.decode()
    assert _password_of(cast.owner) == before
    assert is_signed_in(client)


def test_a_changed_password_needs_a_factor_shown_freshly(cast: Cast, clock: Clock) -> None:
    client = sign_in_fully(cast.owner)
    before = _password_of(cast.owner)
    clock.advance(minutes=11)
    answer = client.post(reverse("account_change_password"), {"present": PASSWORD, "password": NEW})
    assert answer.url.startswith(reverse("accounts:factor-verify"))
    assert _password_of(cast.owner) == before


def test_the_present_password_is_guessed_no_more_often_than_at_sign_in(cast: Cast) -> None:
    client = sign_in(cast.owner)
    statuses = [
        client.post(
            reverse("account_change_password"), {"present": f"guess {n}", "password": NEW}
        ).status_code
        for n in range(6)
    ]
    assert statuses == [200] * 4 + [429] * 2
    right = client.post(reverse("account_change_password"), {"present": PASSWORD, "password": NEW})
    assert right.status_code == 429
    assert type_password(browser(cast.lender), "owen").status_code == 429


def test_anonymous_visitors_are_led_to_sign_in(cast: Cast) -> None:
    client = browser(cast.lender)
    for name in ("account_change_password", "account_reauthenticate"):
        assert client.get(reverse(name)).url.startswith(reverse("account_login"))
        assert client.post(reverse(name), {"present": PASSWORD, "password": NEW}).url.startswith(
            reverse("account_login")
        )
