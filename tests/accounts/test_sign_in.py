from itertools import product
from typing import Any

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import EmailCodeFactor, Lender, OutgoingMessage, SignInAttempt, SignInGuard, User
from accounts.tasks import tidy_up
from accounts.tenancy import platform, tenant
from tests.accounts.browsing import (
    app_code,
    authenticator_of,
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
from tests.cast import OTHER_PASSWORD, PASSWORD, Cast, host_of

IDENTIFIERS = ("owen", "owen@people.example", "70001")


def test_password_and_mailed_code_lead_in(cast: Cast) -> None:
    client = browser(cast.lender)
    answer = type_password(client, "owen")
    assert answer.status_code == 302
    assert answer.url == reverse("accounts:factor-verify")
    assert not is_signed_in(client)
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
    answer = show_code(client, factor, mailed_code(cast.owner))
    assert answer.status_code == 302
    assert is_signed_in(client)


def test_exactly_the_six_right_of_twelve_combinations_pass(cast: Cast) -> None:
    passed = set()
    for lender, identifier, password in product(
        (cast.lender, cast.other_lender), IDENTIFIERS, (PASSWORD, OTHER_PASSWORD)
    ):
        client = browser(lender)
        if type_password(client, identifier, password).status_code == 302:
            passed.add((lender.pk, identifier, password))
    assert passed == {(cast.lender.pk, name, PASSWORD) for name in IDENTIFIERS} | {
        (cast.other_lender.pk, name, OTHER_PASSWORD) for name in IDENTIFIERS
    }


@pytest.mark.parametrize("typed", [" owen ", "OWEN", "Owen@People.Example", " 70001"])
def test_letter_case_and_stray_spaces_do_not_matter(cast: Cast, typed: str) -> None:
    assert type_password(browser(cast.lender), typed).status_code == 302


def test_the_password_itself_is_taken_as_typed(cast: Cast) -> None:
    assert type_password(browser(cast.lender), "owen", PASSWORD + " ").status_code == 200
    assert type_password(browser(cast.lender), "owen", PASSWORD.upper()).status_code == 200


def test_a_session_of_one_lender_is_nobody_at_the_other_and_lives_on_at_home(cast: Cast) -> None:
    home = sign_in_fully(cast.owner)
    away = browser(cast.other_lender)
    away.cookies[settings.SESSION_COOKIE_NAME] = session_key(home)
    assert not is_signed_in(away)
    assert is_signed_in(home)


def test_a_half_finished_sign_in_is_dead_at_the_other_lender(cast: Cast) -> None:
    home = browser(cast.lender)
    type_password(home, "owen")
    away = browser(cast.other_lender)
    away.cookies[settings.SESSION_COOKIE_NAME] = session_key(home)
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
    assert away.get(reverse("accounts:factor-verify")).url == reverse("account_login")
    assert show_code(away, factor, mailed_code(cast.owner)).url == reverse("account_login")
    assert not is_signed_in(away)


def test_a_new_password_ends_a_half_finished_sign_in(cast: Cast) -> None:
    client = browser(cast.lender)
    type_password(client, "owen")
    code = mailed_code(cast.owner)
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
        cast.owner.set_password("another harbour at night")
        cast.owner.save()
    assert show_code(client, factor, code).url == reverse("account_login")
    assert not is_signed_in(client)


def test_the_session_key_changes_with_the_sign_in(cast: Cast) -> None:
    client = browser(cast.lender)
    type_password(client, "owen")
    before = session_key(client)
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
    show_code(client, factor, mailed_code(cast.owner))
    assert session_key(client) != before
    stale = browser(cast.lender)
    stale.cookies[settings.SESSION_COOKIE_NAME] = before
    assert not is_signed_in(stale)


def _refusal(cast: Cast, typed: str, hashes: list[str]) -> tuple[int, str, int]:
    client = browser(cast.lender)
    hashes.clear()
    answer = type_password(client, typed, "not the password")
    return answer.status_code, without_noise(answer, typed), len(hashes)


def test_unknown_wrong_and_switched_off_answer_alike_with_one_hash_each(
    cast: Cast, hashes: list[str]
) -> None:
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.payer.pk).update(is_active=False)
        User.objects.filter(pk=cast.viewer.pk).update(password="!never activated")
    answers = {
        typed: _refusal(cast, typed, hashes)
        for typed in (
            *IDENTIFIERS,
            "nobody",
            "nobody@people.example",
            "99999",
            "paula",
            "vera",
            "sam",
        )
    }
    status, body, count = answers["owen"]
    assert (status, count) == (200, 1)
    assert "do not belong together" in body
    assert set(answers.values()) == {(200, body, 1)}


def test_somebody_switched_off_cannot_sign_in_with_the_right_password(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.owner.pk).update(is_active=False)
    assert type_password(browser(cast.lender), "owen").status_code == 200


def test_switching_somebody_off_ends_the_session_at_the_next_request(cast: Cast) -> None:
    client = sign_in_fully(cast.owner)
    assert is_signed_in(client)
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.owner.pk).update(is_active=False)
    assert not is_signed_in(client)


@pytest.mark.parametrize(
    "target",
    [
        "https://coast.testserver/account/security/",
        "//coast.testserver/account/security/",
        "https://evil.example/",
        "//evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "http:///evil.example",
    ],
)
def test_sign_in_leads_to_this_host_only(cast: Cast, target: str) -> None:
    client = browser(cast.lender)
    type_password(client, "owen", next=target)
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
    answer = show_code(client, factor, mailed_code(cast.owner))
    assert answer.status_code == 302
    assert answer.url.startswith("/")
    assert "evil" not in answer.url
    assert "coast" not in answer.url


def test_sign_in_leads_back_to_the_page_that_asked(cast: Cast) -> None:
    client = browser(cast.lender)
    answer = client.get(reverse("accounts:session-list"))
    assert answer.url == f"{reverse('account_login')}?next={reverse('accounts:session-list')}"
    page = client.get(answer.url)
    assert f'name="next" value="{reverse("accounts:session-list")}"' in page.content.decode()


def test_the_form_helps_password_managers(cast: Cast) -> None:
    page = browser(cast.lender).get(reverse("account_login")).content.decode()
    assert 'autocomplete="username"' in page
    assert 'autocomplete="current-password"' in page
    assert cast.lender.support_phone in page
    assert cast.lender.support_hours in page


def test_sign_out_ends_the_session_on_the_server(cast: Cast) -> None:
    client = sign_in_fully(cast.owner)
    key = session_key(client)
    assert client.get(reverse("account_logout")).status_code == 200
    assert is_signed_in(client)
    assert client.post(reverse("account_logout")).url == reverse("account_login")
    replay = browser(cast.lender)
    replay.cookies[settings.SESSION_COOKIE_NAME] = key
    assert not is_signed_in(replay)
    with tenant(cast.lender.pk):
        outcomes = list(
            SignInAttempt.objects.filter(user=cast.owner).order_by("pk").values_list("outcome", flat=True)
        )
    assert outcomes == ["password_passed", "signed_in", "signed_out"]


def test_half_an_hour_without_activity_ends_the_session(cast: Cast, clock: Clock) -> None:
    client = sign_in_fully(cast.owner)
    assert is_signed_in(client)
    clock.advance(minutes=29)
    assert is_signed_in(client)
    clock.advance(minutes=29)
    assert is_signed_in(client)
    clock.advance(minutes=31)
    assert not is_signed_in(client)
    assert "half an hour" in client.get(reverse("account_login")).content.decode()


def test_activity_does_not_carry_a_session_past_twelve_hours(cast: Cast, clock: Clock) -> None:
    client = sign_in_fully(cast.owner)
    for _ in range(25):
        clock.advance(minutes=28)
        assert is_signed_in(client)
    clock.advance(minutes=28)
    assert not is_signed_in(client)


def test_of_allauth_only_the_needed_pages_exist(cast: Cast) -> None:
    client = browser(cast.lender)
    for path in (
        "signup/",
        "email/",
        "confirm-email/x/",
        "login/",
        "password/set/",
        "inactive/",
        "login/code/",
    ):
        assert client.get(f"/account/{path}").status_code == 404, path


def test_the_office_has_no_password_form(cast: Cast) -> None:
    client = browser(cast.lender)
    for method in (client.get, client.post):
        answer = method("/admin/login/", {"username": "fiona", "password": PASSWORD})
        assert answer.status_code == 302
        assert answer.url.startswith(reverse("account_login"))
    assert not is_signed_in(client)


def test_a_password_alone_gives_staff_no_session_anywhere(cast: Cast) -> None:
    client = browser(cast.lender)
    type_password(client, "fiona")
    for path in ("/admin/", reverse("accounts:security"), reverse("accounts:session-list")):
        answer = client.get(path, follow=True)
        # Whatever was asked for, the way ends at the second step.
        assert answer.redirect_chain[-1][0] == reverse("accounts:factor-verify"), path
    client.post("/admin/login/", {"username": "fiona", "password": PASSWORD})
    assert not is_signed_in(client)


def _rule(cast: Cast, rule: Lender.FactorRule) -> None:
    with tenant(cast.lender.pk):
        Lender.objects.filter(pk=cast.lender.pk).update(dealer_factor_rule=rule)


def _without_factors(cast: Cast, person: User) -> None:
    with tenant(cast.lender.pk):
        EmailCodeFactor.objects.filter(user=person).delete()


def test_where_the_lender_leaves_it_open_a_dealer_without_a_factor_gets_in_by_password(cast: Cast) -> None:
    _rule(cast, Lender.FactorRule.OPTIONAL)
    _without_factors(cast, cast.owner)
    client = browser(cast.lender)
    assert type_password(client, "owen").url == reverse("accounts:security")
    assert is_signed_in(client)


def test_whoever_has_a_factor_shows_it_even_where_it_is_optional(cast: Cast) -> None:
    _rule(cast, Lender.FactorRule.OPTIONAL)
    client = browser(cast.lender)
    assert type_password(client, "owen").url == reverse("accounts:factor-verify")
    assert not is_signed_in(client)


def test_staff_need_a_factor_whatever_the_rule_for_dealers(cast: Cast) -> None:
    _rule(cast, Lender.FactorRule.OFF)
    _without_factors(cast, cast.finance)
    client = browser(cast.lender)
    assert type_password(client, "fiona").url == reverse("accounts:factor-enrol")
    assert not is_signed_in(client)


def test_a_dealer_in_grace_gets_in_and_is_told_until_when(cast: Cast, clock: Clock) -> None:
    _without_factors(cast, cast.owner)
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.owner.pk).update(
            factor_grace_until=timezone.now() + timezone.timedelta(minutes=20)
        )
    client = browser(cast.lender)
    type_password(client, "owen")
    assert "A second step is required from" in client.get(reverse("accounts:security")).content.decode()
    clock.advance(minutes=21)
    # A running session meets the rule as soon as it applies.
    assert client.get(reverse("accounts:security")).url == reverse("accounts:factor-enrol")


def test_an_unknown_host_has_no_sign_in(cast: Cast) -> None:
    assert Client(HTTP_HOST="elsewhere.testserver").get(reverse("account_login")).status_code == 404


def test_a_forwarded_host_changes_nothing(cast: Cast) -> None:
    client = Client(HTTP_HOST=host_of(cast.lender.pk), HTTP_X_FORWARDED_HOST="coast.testserver")
    page = client.get(reverse("account_login")).content.decode()
    assert cast.lender.name in page
    assert cast.other_lender.name not in page


@pytest.mark.parametrize("wanted", ["fr", "fr-FR,fr;q=0.9", "de", "en-GB", "x" * 300, "*", "\u00e9"])
def test_a_page_is_in_one_language_and_says_which(cast: Cast, wanted: str) -> None:
    page = browser(cast.lender).post(
        reverse("account_login"), {"login": "", "password": ""}, HTTP_ACCEPT_LANGUAGE=wanted
    )
    text = page.content.decode()
    assert '<html lang="en">' in text
    assert "Enter your password." in text


def test_signing_in_works_while_redis_is_away(cast: Cast, settings: Any) -> None:
    away = {**settings.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
    settings.CACHES = {"default": away}
    assert is_signed_in(sign_in_fully(cast.owner))


def test_a_new_kind_of_device_is_mailed_but_not_the_first_nor_a_known_one(cast: Cast) -> None:
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:{0}) Gecko/20100101 Firefox/{0}"
    sign_in_fully(cast.owner, HTTP_USER_AGENT=firefox.format("140.0"))
    sign_in_fully(cast.owner, HTTP_USER_AGENT=firefox.format("141.0"))
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(template="security-notice").exists()
    sign_in_fully(cast.owner, HTTP_USER_AGENT="Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) Safari/604.1")
    with tenant(cast.lender.pk):
        notice = OutgoingMessage.objects.get(template="security-notice")
    assert (notice.context["event"], notice.context["detail"]) == ("new_device", "Safari on iPhone")


def test_a_session_whose_factor_is_gone_shows_another_and_goes_on_to_the_portal(cast: Cast) -> None:
    client = sign_in_fully(cast.owner)
    app = authenticator_of(cast.owner)
    with tenant(cast.lender.pk):
        EmailCodeFactor.objects.filter(user=cast.owner).delete()
    answer = client.get(reverse("accounts:security"), follow=True)
    assert (
        answer.redirect_chain[-1][0]
        == f"{reverse('accounts:factor-verify')}?next={reverse('portal:dashboard')}"
    )
    code = app_code(app, timezone.now())
    assert show_code(client, app, code, next=reverse("portal:dashboard")).url == reverse("portal:dashboard")
    assert is_signed_in(client)


def test_what_serves_nothing_any_more_is_forgotten(cast: Cast, clock: Clock) -> None:
    client = sign_in_fully(cast.owner)
    type_password(browser(cast.lender), "nobody", "wrong")
    type_password(browser(cast.lender), "paula", "wrong")
    tidy_up()
    assert is_signed_in(client)
    with tenant(cast.lender.pk):
        assert SignInGuard.objects.count() == 2
    clock.advance(days=91)
    tidy_up()
    with tenant(cast.lender.pk):
        assert [guard.user_id for guard in SignInGuard.objects.all()] == [cast.payer.pk]
        assert not UserSession.objects.exists()
    assert not Session.objects.filter(session_key=session_key(client)).exists()


def test_platform_registry_stays_shut_to_the_sign_in_role(cast: Cast) -> None:
    with platform():
        assert Lender.objects.count() == 2
    with tenant(cast.lender.pk, login=True):
        assert list(Lender.objects.all()) == [cast.lender]
