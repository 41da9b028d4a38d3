import uuid

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, AuthenticatorFactor, EmailCodeFactor, Lender, OutgoingMessage, User
from accounts.queries.sessions import device_name, open_sessions
from accounts.tenancy import tenant
from tests.accounts.browsing import (
    authenticator_of,
    browser,
    is_signed_in,
    mailed_code,
    session_key,
    show_code,
    sign_in_fully,
    type_password,
)
from tests.accounts.conftest import Clock
from tests.cast import PASSWORD, Cast, make_dealership, sign_in

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605 Version/18.0 Safari/604.1"

PAGES = ("accounts:security", "accounts:session-list", "accounts:attempt-list", "account_change_password")


def _handle(person: User, client: Client) -> str:
    with tenant(person.lender_id):
        return next(one.handle for one in open_sessions(person, session_key(client)) if one.is_this_one)


@pytest.mark.parametrize("who", ["owner", "viewer", "stranger", "finance", "support", "other_owner"])
@pytest.mark.parametrize("page", PAGES)
def test_everybody_has_these_pages_for_the_own_account(cast: Cast, who: str, page: str) -> None:
    answer = sign_in(getattr(cast, who)).get(reverse(page))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.parametrize("page", PAGES)
def test_anonymous_visitors_sign_in_first(cast: Cast, page: str) -> None:
    assert browser(cast.lender).get(reverse(page)).url.startswith(reverse("account_login"))


def test_whoever_still_owes_a_second_step_gets_none_of_them(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        EmailCodeFactor.objects.filter(user=cast.owner).delete()
    client = sign_in(cast.owner)
    for page in PAGES:
        assert client.get(reverse(page)).url == reverse("accounts:factor-enrol")


# --- factors ---------------------------------------------------------------------------------------------------------


def _removal(factor: object) -> str:
    return reverse("accounts:factor-remove", args=[factor.public_id])  # type: ignore[attr-defined]


def test_a_factor_is_removed_after_a_question_and_the_person_is_told(cast: Cast) -> None:
    app = authenticator_of(cast.owner)
    client = sign_in(cast.owner)
    assert "Work phone" in client.get(reverse("accounts:security")).content.decode()
    assert client.get(_removal(app)).status_code == 200
    with tenant(cast.lender.pk):
        assert AuthenticatorFactor.objects.filter(pk=app.pk).exists()
    client.post(_removal(app))
    with tenant(cast.lender.pk):
        assert not AuthenticatorFactor.objects.filter(pk=app.pk).exists()
        assert OutgoingMessage.objects.get(context__event="factor_removed").context["detail"] == "Work phone"
        assert AuditEntry.objects.filter(code="factor.removed", actor=cast.owner).count() == 1


def test_the_factor_of_the_session_removed_asks_for_another(cast: Cast) -> None:
    app = authenticator_of(cast.owner)
    client = sign_in(cast.owner)
    client.post(_removal(app))
    answer = client.get(reverse("accounts:security"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("accounts:factor-verify"))


def test_the_last_factor_stays_where_one_is_required(cast: Cast) -> None:
    client = sign_in(cast.owner)
    with tenant(cast.lender.pk):
        only = EmailCodeFactor.objects.get(user=cast.owner)
    page = client.post(_removal(only), follow=True).content.decode()
    assert "Add another one first" in page
    with tenant(cast.lender.pk):
        assert EmailCodeFactor.objects.filter(pk=only.pk, confirmed=True).exists()
        assert not OutgoingMessage.objects.exists()


def test_the_last_factor_may_go_where_it_is_optional(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        Lender.objects.update(dealer_factor_rule=Lender.FactorRule.OPTIONAL)
        only = EmailCodeFactor.objects.get(user=cast.owner)
    client = sign_in(cast.owner)
    client.post(_removal(only))
    page = client.get(reverse("accounts:security"))
    assert "a stolen password would be enough" in page.content.decode()


def test_removing_needs_a_factor_shown_freshly(cast: Cast, clock: Clock) -> None:
    app = authenticator_of(cast.owner)
    client = sign_in(cast.owner)
    clock.advance(minutes=11)
    for answer in (client.get(_removal(app)), client.post(_removal(app))):
        assert answer.url.startswith(reverse("accounts:factor-verify"))
    assert client.post(reverse("accounts:recovery-codes")).url.startswith(reverse("accounts:factor-verify"))
    with tenant(cast.lender.pk):
        assert AuthenticatorFactor.objects.filter(pk=app.pk).exists()
        assert not OutgoingMessage.objects.exists()


@pytest.mark.parametrize("method", ["get", "post"])
def test_another_persons_factor_is_as_unknown_as_none(cast: Cast, method: str) -> None:
    for theirs in (authenticator_of(cast.payer), authenticator_of(cast.other_owner)):
        client = sign_in(cast.owner)
        answer = getattr(client, method)(_removal(theirs))
        nothing = getattr(client, method)(reverse("accounts:factor-remove", args=[uuid.uuid4()]))
        assert answer.status_code == nothing.status_code == 404
    with tenant(cast.lender.pk):
        assert AuthenticatorFactor.objects.filter(user=cast.payer).exists()


def test_a_person_without_a_factor_shows_the_password_again(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        Lender.objects.update(dealer_factor_rule=Lender.FactorRule.OFF)
        EmailCodeFactor.objects.filter(user=cast.owner).delete()
    client = browser(cast.lender)
    type_password(client, "owen")
    answer = client.get(reverse("account_change_password"), follow=True)
    assert answer.redirect_chain[-1][0].startswith(reverse("account_reauthenticate"))
    assert client.post(reverse("account_reauthenticate"), {"present": "wrong"}).status_code == 200
    assert client.get(reverse("account_change_password")).status_code == 302
    target = reverse("account_change_password")
    answer = client.post(reverse("account_reauthenticate"), {"present": PASSWORD, "next": target})
    assert answer.url == target
    assert client.get(target).status_code == 200
    away = client.post(
        reverse("account_reauthenticate"), {"present": PASSWORD, "next": "https://evil.example/"}
    )
    assert away.url == reverse("accounts:security")


def test_the_password_does_not_stand_in_for_a_factor(cast: Cast, clock: Clock) -> None:
    client = sign_in_fully(cast.owner)
    clock.advance(minutes=11)
    answer = client.post(reverse("account_reauthenticate"), {"present": PASSWORD})
    assert answer.url == reverse("accounts:factor-verify")
    assert client.get(reverse("account_change_password")).status_code == 302


def test_a_step_up_changes_the_session_key_and_keeps_the_session_listed(cast: Cast, clock: Clock) -> None:
    client = sign_in_fully(cast.owner)
    before = session_key(client)
    clock.advance(minutes=11)
    client.post(reverse("accounts:factor-send-code"))
    with tenant(cast.lender.pk):
        factor = EmailCodeFactor.objects.get(user=cast.owner)
    target = reverse("account_change_password")
    assert show_code(client, factor, mailed_code(cast.owner), next=target).url == target
    assert session_key(client) != before
    with tenant(cast.lender.pk):
        assert UserSession.objects.get(user=cast.owner).session_key == session_key(client)


# --- sessions --------------------------------------------------------------------------------------------------------


def test_the_list_shows_device_address_and_which_is_this_one(cast: Cast) -> None:
    sign_in_fully(cast.owner, HTTP_USER_AGENT=IPHONE, address="203.0.113.9")
    here = sign_in_fully(cast.owner, HTTP_USER_AGENT=FIREFOX)
    page = here.get(reverse("accounts:session-list")).content.decode()
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert "203.0.113.9" in page
    assert page.index("Firefox on Linux") < page.index("this one") < page.index("Safari on iPhone")
    assert session_key(here) not in page


def test_the_list_costs_the_same_for_one_device_and_for_six(cast: Cast) -> None:
    def statements(client: Client) -> int:
        client.get(reverse("accounts:session-list"))
        with CaptureQueriesContext(connection) as asked:
            assert client.get(reverse("accounts:session-list")).status_code == 200
        return len(asked)

    here = sign_in_fully(cast.owner)
    alone = statements(here)
    for _ in range(5):
        sign_in_fully(cast.owner)
    assert here.get(reverse("accounts:session-list")).content.decode().count("<tr>") == 7
    assert statements(here) == alone


def test_a_session_that_has_run_out_is_not_listed(cast: Cast) -> None:
    there = sign_in_fully(cast.owner, HTTP_USER_AGENT=IPHONE)
    here = sign_in_fully(cast.owner, HTTP_USER_AGENT=FIREFOX)
    Session.objects.filter(session_key=session_key(there)).update(expire_date=timezone.now())
    assert "Safari on iPhone" not in here.get(reverse("accounts:session-list")).content.decode()


def test_ending_another_session_ends_it_at_its_next_request(cast: Cast) -> None:
    there = sign_in_fully(cast.owner)
    here = sign_in_fully(cast.owner)
    here.post(reverse("accounts:session-end", args=[_handle(cast.owner, there)]))
    assert not is_signed_in(there)
    assert is_signed_in(here)


def test_ending_all_others_keeps_this_one(cast: Cast) -> None:
    others = [sign_in_fully(cast.owner) for _ in range(2)]
    here = sign_in_fully(cast.owner)
    here.post(reverse("accounts:session-end-others"))
    assert [is_signed_in(one) for one in others] == [False, False]
    assert is_signed_in(here)
    with tenant(cast.lender.pk):
        assert UserSession.objects.filter(user=cast.owner).count() == 1


def test_ending_this_one_signs_out(cast: Cast) -> None:
    here = sign_in_fully(cast.owner)
    assert here.post(reverse("accounts:session-end", args=[_handle(cast.owner, here)])).url == reverse(
        "account_login"
    )
    assert not is_signed_in(here)


def test_somebody_elses_session_is_as_unknown_as_none(cast: Cast) -> None:
    theirs, far = sign_in_fully(cast.payer), sign_in_fully(cast.other_owner)
    here = sign_in_fully(cast.owner)
    for handle in (_handle(cast.payer, theirs), _handle(cast.other_owner, far), "0" * 32):
        assert here.post(reverse("accounts:session-end", args=[handle])).status_code == 404
    assert is_signed_in(theirs)
    assert is_signed_in(far)
    page = here.get(reverse("accounts:session-list")).content.decode()
    assert page.count("this one") == 1
    assert page.count("/end/") == 1


def test_get_ends_nothing(cast: Cast) -> None:
    here = sign_in_fully(cast.owner)
    assert here.get(reverse("accounts:session-end-others")).status_code == 405
    assert here.get(reverse("accounts:session-end", args=[_handle(cast.owner, here)])).status_code == 405
    assert is_signed_in(here)


def test_recent_sign_ins_are_listed_for_the_person_only(cast: Cast) -> None:
    type_password(browser(cast.lender, address="203.0.113.77"), "owen", "wrong")
    type_password(browser(cast.lender, address="203.0.113.88"), "paula", "wrong")
    page = sign_in_fully(cast.owner).get(reverse("accounts:attempt-list")).content.decode()
    assert "203.0.113.77" in page
    assert "Wrong password" in page
    assert "203.0.113.88" not in page


@pytest.mark.parametrize(
    ("agent", "name"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("", "Unknown device"),
        ("curl/8.5.0", "curl/8.5.0"),
        ("<script>alert(1)</script>", "scriptalert(1)/script"),
    ],
)
def test_devices_are_named_as_people_name_them(agent: str, name: str) -> None:
    assert device_name(agent) == name


def test_pages_cost_no_write_within_a_minute(cast: Cast, clock: Clock) -> None:
    client = sign_in_fully(cast.owner)
    is_signed_in(client)
    with tenant(cast.lender.pk):
        before = UserSession.objects.get(user=cast.owner).last_seen_at
    clock.advance(seconds=30)
    is_signed_in(client)
    with tenant(cast.lender.pk):
        assert UserSession.objects.get(user=cast.owner).last_seen_at == before
    clock.advance(seconds=31)
    is_signed_in(client)
    with tenant(cast.lender.pk):
        assert UserSession.objects.get(user=cast.owner).last_seen_at > before


# --- the dealership on the screen ------------------------------------------------------------------------------------


def test_one_switches_between_the_own_dealerships_only(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        second = make_dealership("Zenith Trucks", "10009")
        cast.owner.memberships.create(user=cast.owner, dealership=second, role="viewer")
    client = sign_in(cast.owner)
    switch = reverse("accounts:switch-dealership")
    assert client.post(switch, {"dealership": str(second.public_id)}).status_code == 302
    assert "Zenith Trucks" in client.get(reverse("accounts:security")).content.decode()
    assert client.session["dealership"] == str(second.public_id)
    for wrong in (cast.stranger_dealership.public_id, cast.other_dealership.public_id, uuid.uuid4(), "x", ""):
        assert client.post(switch, {"dealership": str(wrong)}).status_code == 404
    assert client.session["dealership"] == str(second.public_id)
    assert client.get(switch).status_code == 405
    assert browser(cast.lender).post(switch, {"dealership": "x"}).url.startswith(reverse("account_login"))


def test_a_dealer_without_a_dealership_reads_why(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        cast.owner.memberships.update(expires_on=timezone.localdate() - timezone.timedelta(days=3))
    client = sign_in(cast.owner)
    page = client.get(reverse("accounts:no-membership"))
    assert page.status_code == 200
    assert cast.lender.support_phone in page.content.decode()
    assert client.get(reverse("accounts:security")).status_code == 200


def test_people_with_a_dealership_and_staff_do_not_get_that_page(cast: Cast) -> None:
    for person in (cast.owner, cast.finance):
        assert sign_in(person).get(reverse("accounts:no-membership")).status_code == 302
