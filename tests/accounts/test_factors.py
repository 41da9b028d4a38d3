import re
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.actions.authenticators import accept_authenticator_code
from accounts.actions.recovery_codes import accept_recovery_code, issue_recovery_codes
from accounts.models import (
    AuditEntry,
    AuthenticatorFactor,
    EmailCodeFactor,
    OutgoingMessage,
    RecoveryCode,
    RecoveryCodeFactor,
    User,
)
from accounts.tenancy import tenant
from tests.accounts.browsing import (
    KEY,
    app_code,
    authenticator_of,
    browser,
    is_signed_in,
    mailed_code,
    show_code,
    sign_in_fully,
    type_password,
)
from tests.accounts.conftest import Clock
from tests.cast import Cast, sign_in

VERIFY = "accounts:factor-verify"
ENROL = "accounts:factor-enrol"


def _mail_factor(person: User) -> EmailCodeFactor:
    with tenant(person.lender_id, login=True):
        return EmailCodeFactor.objects.get(user=person)


def _fresh_account(cast: Cast, person: User) -> None:
    """As just created: no factor at all."""
    with tenant(cast.lender.pk):
        EmailCodeFactor.objects.filter(user=person).delete()


def _codes_on(page: str) -> list[str]:
    return re.findall(r"<strong>([0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5})</strong>", page)


def _issue(person: User) -> list[str]:
    with tenant(person.lender_id):
        return issue_recovery_codes(actor=person, person=person)


# --- showing a factor ------------------------------------------------------------------------------------------------


def test_a_code_of_the_app_leads_in(cast: Cast) -> None:
    factor = authenticator_of(cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    page = client.get(reverse(VERIFY)).content.decode()
    assert "Work phone" in page
    assert 'autocomplete="one-time-code"' in page
    assert show_code(client, factor, app_code(factor, timezone.now())).status_code == 302
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("seconds", "accepted"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)]
)
def test_a_clock_may_be_one_step_off(cast: Cast, seconds: int, accepted: bool) -> None:
    factor = authenticator_of(cast.owner)
    now = timezone.now().replace(second=15)
    with tenant(cast.lender.pk):
        code = app_code(factor, now + timedelta(seconds=seconds))
        assert accept_authenticator_code(factor, code, now=now) is accepted


def test_the_published_vectors_hold(cast: Cast) -> None:
    """RFC 6238 appendix B, SHA-1, the last six of its eight digits."""
    for moment, code in (
        (59, "287082"),
        (1111111109, "081804"),
        (1234567890, "005924"),
        (20000000000, "353130"),
    ):
        with tenant(cast.lender.pk):
            AuthenticatorFactor.objects.all().delete()
        factor = authenticator_of(cast.owner)
        now = datetime.fromtimestamp(moment, tz=UTC)
        with tenant(cast.lender.pk):
            assert accept_authenticator_code(factor, code, now=now)
    assert KEY == b"12345678901234567890"


def test_a_used_code_is_dead_even_while_its_window_lasts(cast: Cast) -> None:
    factor = authenticator_of(cast.owner)
    code = app_code(factor, timezone.now())
    first, second = browser(cast.lender), browser(cast.lender)
    type_password(first, "owen")
    type_password(second, "owen")
    assert show_code(first, factor, code).status_code == 302
    assert show_code(second, factor, code).status_code == 200
    assert not is_signed_in(second)


def test_an_older_step_is_dead_once_a_newer_one_was_used(cast: Cast) -> None:
    factor = authenticator_of(cast.owner)
    now = timezone.now()
    with tenant(cast.lender.pk):
        assert accept_authenticator_code(factor, app_code(factor, now), now=now)
        assert not accept_authenticator_code(factor, app_code(factor, now - timedelta(seconds=30)), now=now)


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "1234567", "abcdef", "\uff11\uff12\uff13\uff14\uff15\uff16", "12 34", "0x1234", "-12345"],
)
def test_what_is_not_six_digits_is_no_code(cast: Cast, typed: str) -> None:
    factor = authenticator_of(cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    assert show_code(client, factor, typed).status_code == 200
    assert not is_signed_in(client)


def test_spaces_in_a_code_do_not_matter(cast: Cast) -> None:
    factor = authenticator_of(cast.owner)
    code = app_code(factor, timezone.now())
    client = browser(cast.lender)
    type_password(client, "owen")
    assert show_code(client, factor, f" {code[:3]} {code[3:]} ").status_code == 302


def test_another_persons_factor_opens_nothing_and_counts_as_a_wrong_code(cast: Cast) -> None:
    theirs = authenticator_of(cast.payer)
    client = browser(cast.lender)
    type_password(client, "owen")
    assert show_code(client, theirs, app_code(theirs, timezone.now())).status_code == 200
    assert not is_signed_in(client)
    with tenant(cast.lender.pk):
        assert cast.owner.guards.get(proof="factor").failures == 1
        assert not cast.payer.guards.filter(proof="factor").exists()
        theirs.refresh_from_db()
        assert theirs.last_step == -1


def test_another_lenders_factor_does_not_exist_here(cast: Cast) -> None:
    theirs = authenticator_of(cast.other_owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    assert show_code(client, theirs, app_code(theirs, timezone.now())).status_code == 200
    assert show_code(client, "not-a-uuid", "123456").status_code == 200
    assert not is_signed_in(client)


def test_the_second_step_without_the_first_leads_to_sign_in(cast: Cast) -> None:
    factor = authenticator_of(cast.owner)
    client = browser(cast.lender)
    assert client.get(reverse(VERIFY)).url == reverse("account_login")
    assert show_code(client, factor, app_code(factor, timezone.now())).url == reverse("account_login")
    assert client.post(reverse("accounts:factor-send-code")).url == reverse("account_login")
    for name in ("factor-enrol", "factor-enrol-authenticator"):
        assert client.get(reverse(f"accounts:{name}")).url == reverse("account_login")
        assert client.post(reverse(f"accounts:{name}")).url == reverse("account_login")
    for name in ("factor-enrol-code", "factor-enrol-email", "factor-enrol-done"):
        assert client.post(reverse(f"accounts:{name}")).url == reverse("account_login")
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.exists()


def test_several_factors_are_offered_strongest_first_and_each_can_be_chosen(cast: Cast) -> None:
    app = authenticator_of(cast.owner)
    _issue(cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    # Nothing is mailed before somebody asks for it.
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(template="factor-code").exists()
        recovery = RecoveryCodeFactor.objects.get(user=cast.owner)
    page = client.get(reverse(VERIFY)).content.decode()
    mail = _mail_factor(cast.owner)
    assert f'value="{app.public_id}"' in page
    assert f"?factor={mail.public_id}" in page
    assert f"?factor={recovery.public_id}" in page
    page = client.get(f"{reverse(VERIFY)}?factor={mail.public_id}").content.decode()
    assert "o…n@people.example" in page
    assert "owen@people.example" not in page
    answer = client.post(reverse("accounts:factor-send-code"))
    assert answer.url == f"{reverse(VERIFY)}?factor={mail.public_id}"
    assert show_code(client, mail, mailed_code(cast.owner)).status_code == 302


def test_wrong_codes_on_one_factor_leave_the_others_alone(cast: Cast) -> None:
    app = authenticator_of(cast.owner)
    codes = _issue(cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    for _ in range(3):
        show_code(client, app, "000000")
    with tenant(cast.lender.pk):
        recovery = RecoveryCodeFactor.objects.get(user=cast.owner)
        assert RecoveryCode.objects.filter(user=cast.owner, used_at__isnull=False).count() == 0
    assert show_code(client, recovery, codes[0]).status_code == 302


def test_one_may_start_over_as_somebody_else(cast: Cast) -> None:
    client = browser(cast.lender)
    type_password(client, "owen")
    assert client.get(reverse("account_login")).url == reverse(VERIFY)
    client.post(reverse("account_logout"))
    assert client.get(reverse("account_login")).status_code == 200


# --- mailed codes ----------------------------------------------------------------------------------------------------


def test_a_mailed_code_works_once(cast: Cast) -> None:
    first, second = browser(cast.lender), browser(cast.lender)
    type_password(first, "owen")
    type_password(second, "owen")
    code = mailed_code(cast.owner)
    factor = _mail_factor(cast.owner)
    assert show_code(first, factor, code).status_code == 302
    assert show_code(second, factor, code).status_code == 200
    assert not is_signed_in(second)


def test_a_mailed_code_dies_after_ten_minutes(cast: Cast, clock: Clock) -> None:
    client = browser(cast.lender)
    type_password(client, "owen")
    clock.advance(minutes=10, seconds=1)
    page = show_code(client, _mail_factor(cast.owner), mailed_code(cast.owner))
    assert page.status_code == 200
    assert "expired" in page.content.decode()
    assert not is_signed_in(client)


def test_the_next_code_can_be_asked_for_after_a_minute_and_replaces_the_first(
    cast: Cast, clock: Clock
) -> None:
    client = browser(cast.lender)
    type_password(client, "owen")
    first = mailed_code(cast.owner)
    client.post(reverse("accounts:factor-send-code"))
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.filter(template="factor-code").count() == 1
    assert 'data-wait="' in client.get(reverse(VERIFY)).content.decode()
    clock.advance(seconds=61)
    client.post(reverse("accounts:factor-send-code"))
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.filter(template="factor-code").count() == 2
    second = mailed_code(cast.owner)
    if first != second:
        assert show_code(client, _mail_factor(cast.owner), first).status_code == 200
    assert show_code(client, _mail_factor(cast.owner), second).status_code == 302


def test_signing_in_again_and_again_does_not_fill_the_mailbox(cast: Cast) -> None:
    for _ in range(4):
        type_password(browser(cast.lender), "owen")
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.filter(template="factor-code").count() == 1


def test_no_code_and_no_key_is_readable_in_the_database(cast: Cast) -> None:
    app = authenticator_of(cast.owner)
    codes = _issue(cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    client.post(reverse("accounts:factor-send-code"))
    code = mailed_code(cast.owner)
    with tenant(cast.lender.pk):
        assert KEY not in bytes(app.encrypted_key)
        assert code not in _mail_factor(cast.owner).code_hash
        stored = "".join(RecoveryCode.objects.values_list("code_hash", flat=True))
        details = "".join(str(entry.details) for entry in AuditEntry.objects.all())
    for recovery in codes:
        assert recovery not in stored
        assert recovery.replace("-", "") not in stored + details
    assert code not in details


# --- recovery codes --------------------------------------------------------------------------------------------------


def test_a_recovery_code_works_once_and_each_use_is_mailed_with_the_number_left(cast: Cast) -> None:
    codes = _issue(cast.owner)
    with tenant(cast.lender.pk):
        factor = RecoveryCodeFactor.objects.get(user=cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    assert show_code(client, factor, codes[3].lower().replace("-", " ")).status_code == 302
    assert is_signed_in(client)
    again = browser(cast.lender)
    type_password(again, "owen")
    assert show_code(again, factor, codes[3]).status_code == 200
    with tenant(cast.lender.pk):
        notice = OutgoingMessage.objects.get(template="security-notice", context__event="recovery_code_used")
        assert notice.context["left"] == 9
        assert notice.recipient == cast.owner.email


def test_ten_codes_of_sixty_four_bits_and_more(cast: Cast) -> None:
    codes = _issue(cast.owner)
    assert len(set(codes)) == 10
    for code in codes:
        letters = code.replace("-", "")
        assert len(letters) * 5 >= 64
        assert not set(letters) & set("OILU")


def test_letters_that_are_misread_are_forgiven(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        codes = issue_recovery_codes(actor=cast.owner, person=cast.owner)
        factor = RecoveryCodeFactor.objects.get(user=cast.owner)
        misread = codes[0].replace("0", "O").replace("1", "l")
        assert accept_recovery_code(factor, misread, now=timezone.now())


def test_new_codes_kill_the_old_ones(cast: Cast) -> None:
    old = _issue(cast.owner)
    client = sign_in(cast.owner)
    page = client.post(reverse("accounts:recovery-codes")).content.decode()
    new = _codes_on(page)
    assert len(new) == 10
    assert not set(new) & set(old)
    with tenant(cast.lender.pk):
        factor = RecoveryCodeFactor.objects.get(user=cast.owner)
        assert not any(accept_recovery_code(factor, code, now=timezone.now()) for code in old)
        assert accept_recovery_code(factor, new[0], now=timezone.now())
        assert OutgoingMessage.objects.filter(context__event="recovery_codes_renewed").count() == 1


def test_three_codes_left_are_warned_about(cast: Cast) -> None:
    codes = _issue(cast.owner)
    client = sign_in(cast.owner)
    with tenant(cast.lender.pk):
        factor = RecoveryCodeFactor.objects.get(user=cast.owner)
        for code in codes[:6]:
            accept_recovery_code(factor, code, now=timezone.now())
    assert "notice--warn" not in client.get(reverse("accounts:security")).content.decode()
    with tenant(cast.lender.pk):
        accept_recovery_code(factor, codes[6], now=timezone.now())
    page = client.get(reverse("accounts:security")).content.decode()
    assert "3 unused codes left" in page
    assert "notice--warn" in page


def test_recovery_codes_stand_for_a_factor_and_are_none_by_themselves(cast: Cast) -> None:
    _issue(cast.owner)
    _fresh_account(cast, cast.owner)
    client = browser(cast.lender)
    assert type_password(client, "owen").url == reverse(ENROL)


# --- setting one up --------------------------------------------------------------------------------------------------


def _prove_mailbox(client: object, person: User) -> None:
    answer = client.post(reverse(ENROL), {"code": mailed_code(person)})  # type: ignore[attr-defined]
    assert answer.status_code == 302
    assert answer.url == reverse(ENROL)


def test_a_fresh_account_sets_up_an_app_and_is_in(cast: Cast) -> None:
    _fresh_account(cast, cast.owner)
    client = browser(cast.lender)
    assert type_password(client, "owen").url == reverse(ENROL)
    _prove_mailbox(client, cast.owner)
    assert "Authenticator app" in client.get(reverse(ENROL)).content.decode()
    page = client.get(reverse("accounts:factor-enrol-authenticator")).content.decode()
    assert 'src="data:image/svg+xml' in page
    with tenant(cast.lender.pk):
        factor = AuthenticatorFactor.objects.get(user=cast.owner)
        assert not factor.confirmed
    page = client.post(
        reverse("accounts:factor-enrol-authenticator"),
        {"code": app_code(factor, timezone.now()), "name": "Phone of Owen"},
    ).content.decode()
    codes = _codes_on(page)
    assert len(codes) == 10
    assert not is_signed_in(client)
    # A reload shows no code again.
    for path in (ENROL, "accounts:factor-enrol-authenticator"):
        assert _codes_on(client.get(reverse(path)).content.decode()) == []
    again = client.post(
        reverse("accounts:factor-enrol-authenticator"), {"code": app_code(factor, timezone.now())}
    )
    assert _codes_on(again.content.decode()) == []
    answer = client.post(reverse("accounts:factor-enrol-done"))
    assert answer.status_code == 302
    assert is_signed_in(client)
    with tenant(cast.lender.pk):
        factor.refresh_from_db()
        assert factor.confirmed
        assert factor.name == "Phone of Owen"
        assert OutgoingMessage.objects.filter(context__event="factor_added").count() == 1
        assert AuditEntry.objects.filter(code="factor.added").count() == 1


def test_a_fresh_account_may_choose_mailed_codes(cast: Cast) -> None:
    _fresh_account(cast, cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    _prove_mailbox(client, cast.owner)
    page = client.post(reverse("accounts:factor-enrol-email")).content.decode()
    assert len(_codes_on(page)) == 10
    client.post(reverse("accounts:factor-enrol-done"))
    assert is_signed_in(client)
    assert _mail_factor(cast.owner).confirmed


def test_a_password_alone_sets_nothing_up(cast: Cast) -> None:
    _fresh_account(cast, cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    assert client.get(reverse("accounts:factor-enrol-authenticator")).url == reverse(ENROL)
    assert client.post(reverse("accounts:factor-enrol-authenticator"), {"code": "123456"}).url == reverse(
        ENROL
    )
    assert client.post(reverse("accounts:factor-enrol-email")).url == reverse(ENROL)
    assert client.post(reverse("accounts:factor-enrol-done")).url == reverse(ENROL)
    wrong = "000000" if mailed_code(cast.owner) != "000000" else "111111"
    assert client.post(reverse(ENROL), {"code": wrong}).status_code == 200
    assert client.post(reverse("accounts:factor-enrol-email")).url == reverse(ENROL)
    assert not is_signed_in(client)
    with tenant(cast.lender.pk):
        assert not AuthenticatorFactor.objects.exists()
        assert not _mail_factor(cast.owner).confirmed


def test_whoever_has_a_factor_cannot_add_one_half_way_through_sign_in(cast: Cast) -> None:
    authenticator_of(cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    for name in ("factor-enrol", "factor-enrol-authenticator"):
        assert client.get(reverse(f"accounts:{name}")).url == reverse(VERIFY)
        assert client.post(reverse(f"accounts:{name}"), {"code": "123456"}).url == reverse(VERIFY)
    assert client.post(reverse("accounts:factor-enrol-email")).url == reverse(VERIFY)
    assert client.post(reverse("accounts:factor-enrol-code")).url == reverse(VERIFY)
    with tenant(cast.lender.pk):
        assert AuthenticatorFactor.objects.count() == 1


def test_a_wrong_first_code_switches_no_app_on(cast: Cast) -> None:
    _fresh_account(cast, cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    _prove_mailbox(client, cast.owner)
    client.get(reverse("accounts:factor-enrol-authenticator"))
    page = client.post(reverse("accounts:factor-enrol-authenticator"), {"code": "000000"})
    assert page.status_code == 200
    assert "sets its clock by itself" in page.content.decode()
    with tenant(cast.lender.pk):
        assert not AuthenticatorFactor.objects.get().confirmed
        assert not RecoveryCodeFactor.objects.exists()


def test_the_proof_of_the_mailbox_ages(cast: Cast, clock: Clock) -> None:
    _fresh_account(cast, cast.owner)
    client = browser(cast.lender)
    type_password(client, "owen")
    _prove_mailbox(client, cast.owner)
    clock.advance(minutes=11)
    assert client.post(reverse("accounts:factor-enrol-email")).url == reverse(ENROL)
    assert not _mail_factor(cast.owner).confirmed


def test_after_a_mailed_reset_a_mailed_code_is_not_offered_beside_an_app(cast: Cast) -> None:
    app = authenticator_of(cast.owner)
    client = browser(cast.lender)
    client.post(reverse("account_reset_password"), {"identifier": "owen"})
    with tenant(cast.lender.pk):
        path = OutgoingMessage.objects.get(template="password-reset").context["action_path"]
    form = client.get(path)
    assert client.post(form.url, {"password": "a lighthouse near Bergen"}).url == reverse(VERIFY)
    mail = _mail_factor(cast.owner)
    page = client.get(reverse(VERIFY)).content.decode()
    assert str(mail.public_id) not in page
    assert client.post(reverse("accounts:factor-send-code")).url == reverse(VERIFY)
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(template="factor-code").exists()
    assert show_code(client, mail, "123456").status_code == 200
    assert not is_signed_in(client)
    assert show_code(client, app, app_code(app, timezone.now())).status_code == 302
    assert is_signed_in(client)


def test_a_second_app_needs_the_first_one_shown_freshly(cast: Cast, clock: Clock) -> None:
    client = sign_in_fully(cast.owner)
    clock.advance(minutes=11)
    answer = client.get(reverse("accounts:factor-enrol-authenticator"))
    assert answer.url.startswith(reverse(VERIFY))
    client.post(reverse("accounts:factor-send-code"))
    back = show_code(
        client, _mail_factor(cast.owner), mailed_code(cast.owner), next=reverse("accounts:factor-enrol")
    )
    assert back.url == reverse("accounts:factor-enrol")
    assert client.get(reverse("accounts:factor-enrol-authenticator")).status_code == 200
    with tenant(cast.lender.pk):
        factor = AuthenticatorFactor.objects.get(user=cast.owner)
    page = client.post(
        reverse("accounts:factor-enrol-authenticator"), {"code": app_code(factor, clock.now())}
    )
    assert len(_codes_on(page.content.decode())) == 10
    with tenant(cast.lender.pk):
        factor.refresh_from_db()
        assert factor.confirmed
