"""An agent finds the caller, sees why the sign-in fails, has the machine check the identity, and unlocks."""

import re
import uuid
from datetime import date, timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    AuditEntry,
    AuthenticatorFactor,
    EmailCodeFactor,
    Membership,
    OutgoingMessage,
    RecoveryCode,
    RecoveryCodeFactor,
    SignInAttempt,
    SignInGuard,
    User,
)
from accounts.tenancy import tenant
from support.actions.identity import (
    Judgement,
    Refusal,
    RefusedError,
    judge_identity_code,
    send_identity_code,
)
from support.actions.unlock import unlock_person
from support.models import IdentityCheck
from support.queries.people import masked, person_file, search_people
from tests.cast import anonymous, make_dealership, make_person
from tests.support.staging import a_payment, a_ticket, lock

SEARCH = "/support/unlock/"


def page_of(person: User) -> str:
    return reverse("support:unlock-person", args=[person.public_id])


def mailed_code(cast, person: User) -> str:
    """What stands in the person's latest mail."""
    with tenant(cast.lender.pk):
        mail = OutgoingMessage.objects.filter(template="identity-code", recipient=person.email).latest("pk")
    return mail.context["code"]


def passed_check(cast, person: User, agent: User | None = None) -> IdentityCheck:
    agent = agent or cast.support
    with tenant(cast.lender.pk):
        check = send_identity_code(person=person, agent=agent, now=timezone.now())
        code = mailed_code(cast, person)
        verdict = judge_identity_code(person=person, agent=agent, typed=code, now=timezone.now())
    assert verdict == Judgement.PASSED
    return check


def unlocking(cast, person: User, agent: User | None = None, **changes):
    with tenant(cast.lender.pk):
        return unlock_person(
            **{
                "person": person,
                "agent": agent or cast.support,
                "reason": "Mistyped the new password.",
                "lender": cast.lender,
                "now": timezone.now(),
                **changes,
            }
        )


def snapshot(cast):
    with tenant(cast.lender.pk):
        return (
            list(SignInGuard.objects.order_by("pk").values()),
            list(IdentityCheck.objects.order_by("pk").values()),
            SignInAttempt.objects.count(),
            OutgoingMessage.objects.count(),
            AuditEntry.objects.count(),
        )


def is_locked(cast, person: User) -> bool:
    with tenant(cast.lender.pk):
        return SignInGuard.objects.filter(user=person, locked_until__gt=timezone.now()).exists()


# --- who may come to the desk ----------------------------------------------------------------------------------------


def test_only_agents_find_the_desk(cast, client_of) -> None:
    lock(cast.payer)
    before = snapshot(cast)
    dealers = (cast.owner, cast.payer, cast.viewer, cast.stranger, cast.other_owner)
    for person in (*dealers, cast.finance, cast.other_finance):
        client = client_of(person)
        assert client.get(SEARCH, {"q": "paula"}).status_code == 404
        assert client.get(page_of(cast.payer)).status_code == 404
        for act in ("send", "check", "unlock"):
            body = {"act": act, "code": "12345678", "reason": "Please"}
            assert client.post(page_of(cast.payer), body).status_code == 404
    visitor = anonymous(cast.lender)
    for answer in (visitor.get(SEARCH), visitor.get(page_of(cast.payer)), visitor.post(page_of(cast.payer))):
        assert answer.status_code == 302
        assert reverse("account_login") in answer["Location"]
    assert snapshot(cast) == before


def test_an_agent_without_the_second_factor_sees_nothing(cast, client_of) -> None:
    with tenant(cast.lender.pk):
        agent = make_person("uma", kind=User.Kind.SUPPORT)
        EmailCodeFactor.objects.filter(user=agent).delete()
    for path in (SEARCH, page_of(cast.payer), "/support/queue/"):
        answer = client_of(agent).get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/")


def test_an_agent_of_another_lender_finds_nobody_here(cast, client_of) -> None:
    lock(cast.payer)
    with tenant(cast.other_lender.pk):
        foreign = make_person("ugo", kind=User.Kind.SUPPORT)
    client = client_of(foreign)
    before = snapshot(cast)
    assert "paula" not in client.get(SEARCH, {"q": "pau"}).content.decode()
    assert client.get(page_of(cast.payer)).status_code == 404
    assert client.post(page_of(cast.payer), {"act": "send"}).status_code == 404
    # Both lenders have an Owen, and Alder's customer number is Cedar's, too.
    page = client.get(SEARCH, {"q": "owen"}).content.decode()
    assert "Cedar Autos" in page
    assert "Alder Motors" not in page
    assert snapshot(cast) == before


# --- search ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("paula", {"paula"}),
        ("PAU", {"paula"}),
        ("paula@people.example", {"paula"}),
        ("alder", {"owen", "paula", "vera"}),
        ("Alder  Motors", {"owen", "paula", "vera"}),
        ("10002", {"sam"}),
        ("70001", {"owen"}),
        ("t-100001", {"sam"}),
        ("fio", {"fiona"}),
        ("pa", set()),
        ("", set()),
        ("   ", set()),
        ("%%%", set()),
        ("___", set()),
        ("pau\x00la", {"paula"}),
        ("x" * 500, set()),
        ("cedar", set()),
        ("'; --", set()),
    ],
)
def test_the_search_finds_by_what_a_caller_can_say(cast, client_of, words, names) -> None:
    a_ticket(cast, actor=cast.stranger, dealership=cast.stranger_dealership)
    with tenant(cast.lender.pk):
        rows, more = search_people(words, now=timezone.now())
    assert {row.person.username for row in rows} == names
    assert not more
    assert client_of(cast.support).get(SEARCH, {"q": words}).status_code == 200


def test_the_search_finds_who_made_a_payment(cast) -> None:
    with tenant(cast.lender.pk):
        a_payment(cast)
        rows, _more = search_people("p-100777", now=timezone.now())
    assert [row.person.username for row in rows] == ["paula"]


def test_the_search_says_who_is_locked_and_stops_at_twenty(
    cast, client_of, django_assert_max_num_queries
) -> None:
    with tenant(cast.lender.pk):
        for n in range(24):
            make_person(f"clerk{n:02}", dealership=cast.dealership)
    lock(cast.payer)
    with tenant(cast.lender.pk), django_assert_max_num_queries(3):
        rows, more = search_people("alder", now=timezone.now())
        assert (len(rows), more) == (20, True)
        assert all(row.dealerships == "Alder Motors" for row in rows)
    page = client_of(cast.support).get(SEARCH, {"q": "paula"}).content.decode()
    assert "Locked" in page
    assert "paula@people.example" not in page
    assert "There are more" in client_of(cast.support).get(SEARCH, {"q": "alder"}).content.decode()


# --- why the sign-in fails -------------------------------------------------------------------------------------------


def diagnosis(cast, person: User):
    with tenant(cast.lender.pk):
        person.refresh_from_db()
        return person_file(person, lender=cast.lender, now=timezone.now()).diagnosis


def tried(cast, person: User, outcome: str) -> None:
    with tenant(cast.lender.pk):
        SignInAttempt.objects.create(key=f"user:{person.pk}", user=person, outcome=outcome)


def test_a_lock_is_told_with_its_reason_and_its_end(cast) -> None:
    guard = lock(cast.payer)
    zone = cast.lender.zone
    text = diagnosis(cast, cast.payer).text
    clock = [
        moment.astimezone(zone).strftime("%-I:%M") for moment in (guard.last_attempt_at, guard.locked_until)
    ]
    time_of_day = r"(?:.*?)(\d+:\d\d)\W[AP]M M[DS]T"
    found = re.fullmatch(rf"Locked since {time_of_day} after 5 wrong passwords until {time_of_day}\.", text)
    assert found, text
    assert [found[1], found[2]] == clock


def test_a_lock_that_time_does_not_end_says_so(cast) -> None:
    guard = lock(cast.payer, failures=100)
    with tenant(cast.lender.pk):
        guard.locked_until = guard.locked_until.replace(year=9999)
        guard.save()
    assert diagnosis(cast, cast.payer).text.endswith("until somebody lifts it.")


def test_both_locks_are_told(cast, client_of) -> None:
    lock(cast.payer)
    lock(cast.payer, proof=SignInGuard.Proof.FACTOR)
    page = client_of(cast.support).get(page_of(cast.payer)).content.decode()
    assert "Locked since" in page
    assert "Second factor locked since" in page


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([], "no_attempt"),
        (["signed_in"], "fine"),
        (["signed_in", "wrong_password"], "wrong_password"),
        (["wrong_password", "signed_in", "signed_out"], "fine"),
        (["password_passed"], "factor_outstanding"),
        (["password_passed", "wrong_code"], "wrong_code"),
        (["signed_in", "password_reset"], "reset"),
        (["wrong_password", "unlocked"], "unlocked"),
    ],
)
def test_the_last_attempts_are_told_in_one_line(cast, outcomes, code) -> None:
    for outcome in outcomes:
        tried(cast, cast.payer, outcome)
    assert diagnosis(cast, cast.payer).code == code


def test_what_stands_in_the_way_is_told_hardest_first(cast) -> None:
    tried(cast, cast.payer, "signed_in")
    with tenant(cast.lender.pk):
        Membership.objects.filter(user=cast.payer).update(expires_on=date(2020, 1, 1))
    assert diagnosis(cast, cast.payer).code == "expired_membership"
    with tenant(cast.lender.pk):
        Membership.objects.filter(user=cast.payer).delete()
    assert diagnosis(cast, cast.payer).code == "no_membership"
    with tenant(cast.lender.pk):
        cast.payer.set_unusable_password()
        cast.payer.save()
    assert diagnosis(cast, cast.payer).code == "never_activated"
    lock(cast.payer)
    assert diagnosis(cast, cast.payer).code == "locked"
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.payer.pk).update(is_active=False)
    assert diagnosis(cast, cast.payer).code == "off"


def test_a_switched_off_dealership_is_no_way_in(cast) -> None:
    with tenant(cast.lender.pk):
        cast.dealership.is_active = False
        cast.dealership.save()
    assert diagnosis(cast, cast.payer).code == "expired_membership"


def test_the_page_names_factors_without_their_secrets(cast, client_of) -> None:
    with tenant(cast.lender.pk):
        AuthenticatorFactor.objects.create(
            user=cast.payer, name="Telephone", confirmed=True, encrypted_key=b"key-bytes"
        )
        AuthenticatorFactor.objects.create(
            user=cast.payer, name="Half done", confirmed=False, encrypted_key=b"key-bytes"
        )
        codes = RecoveryCodeFactor.objects.create(user=cast.payer, name="", confirmed=True)
        for n in range(3):
            RecoveryCode.objects.create(
                factor=codes,
                user=cast.payer,
                code_hash=f"hash{n}",
                used_at=timezone.now() if n == 0 else None,
            )
    page = client_of(cast.support).get(page_of(cast.payer)).content.decode()
    assert "Authenticator app: Telephone" in page
    assert "Recovery codes, 2 left" in page
    for secret in ("Half done", "key-bytes", "hash1", "paula@people.example"):
        assert secret not in page
    assert masked("paula@people.example") == "p•••@p•••.example"
    assert masked("paula@people.example") in page


def test_every_look_is_written_down(cast, client_of) -> None:
    client = client_of(cast.support)
    for _look in range(2):
        client.get(page_of(cast.payer))
    with tenant(cast.lender.pk):
        looks = AuditEntry.objects.filter(code="person.viewed", actor=cast.support)
        assert [look.subject for look in looks] == ["user:paula", "user:paula"]
    client.get(SEARCH, {"q": "paula"})
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.filter(code="person.viewed").count() == 2
    # A refused form shows the page as well.
    assert client.post(page_of(cast.payer), {"act": "check", "code": ""}).status_code == 200
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.filter(code="person.viewed").count() == 3


@pytest.mark.parametrize("key", [uuid.UUID(int=0), "x", "1"])
def test_a_made_up_person_is_not_found(cast, client_of, key) -> None:
    assert client_of(cast.support).get(f"/support/unlock/{key}/").status_code == 404


def test_a_page_costs_the_same_however_much_there_is(cast, client_of) -> None:
    client = client_of(cast.support)

    def cost() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(page_of(cast.payer)).status_code == 200
        return len(seen)

    cost()
    few = cost()
    with tenant(cast.lender.pk):
        for n in range(8):
            dealership = make_dealership(f"Rooftop {n}", f"9000{n}")
            Membership.objects.create(user=cast.payer, dealership=dealership, role="viewer")
            tried(cast, cast.payer, "wrong_password")
            EmailCodeFactor.objects.create(user=cast.payer, name=f"Mail {n}", confirmed=True)
    for n in range(8):
        a_ticket(cast, subject=f"Question {n}")
    lock(cast.payer)
    assert cost() == few


# --- the code --------------------------------------------------------------------------------------------------------


def test_the_code_goes_to_the_registered_address_and_nowhere_else(cast, client_of) -> None:
    lock(cast.payer)
    client = client_of(cast.support)
    shown = [client.get(page_of(cast.payer)), client.post(page_of(cast.payer), {"act": "send"}, follow=True)]
    code = mailed_code(cast, cast.payer)
    digits = code.replace(" ", "")
    assert re.fullmatch(r"\d{8}", digits)
    shown.append(client.post(page_of(cast.payer), {"act": "check", "code": "1234"}, follow=True))
    shown.append(client.post(page_of(cast.payer), {"act": "check", "code": code}, follow=True))
    shown.append(client.post(page_of(cast.payer), {"act": "unlock", "reason": "Mistyped it"}, follow=True))
    for answer in shown:
        assert answer.status_code == 200
        assert code not in answer.content.decode()
        assert digits not in answer.content.decode()
    with tenant(cast.lender.pk):
        mail = OutgoingMessage.objects.get(template="identity-code")
        assert (mail.recipient, mail.is_secret) == ("paula@people.example", True)
        check = IdentityCheck.objects.get()
        assert digits not in str(vars(check))
        trail = str(list(AuditEntry.objects.values()))
        assert digits not in trail
        assert code not in trail
        codes = list(AuditEntry.objects.order_by("pk").values_list("code", flat=True))
    acts = ["identity.code_sent", "identity.check_wrong", "identity.check_passed", "person.unlocked"]
    assert [one for one in codes if one in acts] == acts
    assert not is_locked(cast, cast.payer)


@pytest.mark.parametrize("form", ["{}", " {} ", "{0:.4}-{0:.8}", "no. {}"])
def test_the_code_may_be_typed_with_gaps(cast, form) -> None:
    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
        digits = mailed_code(cast, cast.payer).replace(" ", "")
        typed = f"{digits[:4]}-{digits[4:]}" if "-" in form else form.format(digits)
        verdict = judge_identity_code(person=cast.payer, agent=cast.support, typed=typed, now=timezone.now())
    assert verdict == Judgement.PASSED


def test_three_wrong_codes_end_the_check(cast, client_of) -> None:
    lock(cast.payer)
    client = client_of(cast.support)
    client.post(page_of(cast.payer), {"act": "send"})
    right = mailed_code(cast, cast.payer)
    said = []
    for _try in range(3):
        answer = client.post(page_of(cast.payer), {"act": "check", "code": "00000000x"}, follow=True)
        said.append(answer.content.decode())
    assert "Tries left: 2." in said[0]
    assert "Tries left: 1." in said[1]
    assert "Wrong for the third time" in said[2]
    answer = client.post(page_of(cast.payer), {"act": "check", "code": right}, follow=True)
    assert "There is no open code" in answer.content.decode()
    with tenant(cast.lender.pk):
        assert IdentityCheck.objects.get().state == IdentityCheck.State.FAILED
    answer = client.post(page_of(cast.payer), {"act": "unlock", "reason": "Please"}, follow=True)
    assert "Check the caller" in answer.content.decode()
    assert is_locked(cast, cast.payer)


def test_a_code_expires(cast) -> None:
    now = timezone.now()
    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=now)
        code = mailed_code(cast, cast.payer)
        late = now + timedelta(minutes=10)
        judge = {"person": cast.payer, "agent": cast.support, "typed": code}
        assert judge_identity_code(**judge, now=late) == Judgement.EXPIRED
        assert judge_identity_code(**judge, now=now) == Judgement.NONE_OPEN


def test_a_new_code_ends_the_one_before(cast) -> None:
    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
        first = mailed_code(cast, cast.payer)
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
        verdict = judge_identity_code(person=cast.payer, agent=cast.support, typed=first, now=timezone.now())
        assert verdict == Judgement.WRONG
        states = list(IdentityCheck.objects.order_by("pk").values_list("state", "tries"))
    assert states == [("failed", 0), ("sent", 1)]


def test_another_agents_code_is_not_accepted(cast) -> None:
    lock(cast.payer)
    with tenant(cast.lender.pk):
        uma = make_person("uma", kind=User.Kind.SUPPORT)
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
        code = mailed_code(cast, cast.payer)
        verdict = judge_identity_code(person=cast.payer, agent=uma, typed=code, now=timezone.now())
        assert verdict == Judgement.NONE_OPEN
    passed_check(cast, cast.payer)
    with pytest.raises(RefusedError) as refusal:
        unlocking(cast, cast.payer, agent=uma)
    assert refusal.value.refusal == Refusal.NO_CHECK
    assert is_locked(cast, cast.payer)


@pytest.mark.parametrize("act", ["contact", "off", "self", "many"])
def test_when_no_code_is_sent(cast, client_of, act) -> None:
    person, said = cast.payer, ""
    with tenant(cast.lender.pk):
        if act == "contact":
            User.objects.filter(pk=person.pk).update(contact_changed_at=timezone.now() - timedelta(days=29))
            said = "changed less than 30 days ago"
        elif act == "off":
            User.objects.filter(pk=person.pk).update(is_active=False)
            said = "switched off"
        elif act == "self":
            person, said = cast.support, "own account"
        else:
            for _send in range(3):
                send_identity_code(person=person, agent=cast.support, now=timezone.now())
            said = "3 codes went out within half an hour"
    before = snapshot(cast)
    client = client_of(cast.support)
    answer = client.post(page_of(person), {"act": "send"})
    assert answer.status_code == 302
    assert snapshot(cast) == before
    assert said in client.get(page_of(person)).content.decode()


def test_a_contact_older_than_thirty_days_gets_a_code(cast) -> None:
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.payer.pk).update(contact_changed_at=timezone.now() - timedelta(days=31))
        assert send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now()).pk


# --- the unlock ------------------------------------------------------------------------------------------------------


def test_unlocking_needs_a_check_and_the_action_says_so(cast, client_of) -> None:
    lock(cast.payer)
    before = snapshot(cast)
    with pytest.raises(RefusedError) as refusal:
        unlocking(cast, cast.payer)
    assert refusal.value.refusal == Refusal.NO_CHECK
    assert snapshot(cast) == before
    answer = client_of(cast.support).post(page_of(cast.payer), {"act": "unlock", "reason": "Please"})
    assert answer.status_code == 302
    assert snapshot(cast) == before


def test_a_sent_code_alone_unlocks_nothing(cast) -> None:
    lock(cast.payer)
    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
    before = snapshot(cast)
    with pytest.raises(RefusedError):
        unlocking(cast, cast.payer)
    assert snapshot(cast) == before


def test_a_check_of_one_person_opens_no_other(cast) -> None:
    lock(cast.payer)
    passed_check(cast, cast.viewer)
    before = snapshot(cast)
    with pytest.raises(RefusedError):
        unlocking(cast, cast.payer)
    assert snapshot(cast) == before


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"reason": "  "}, Refusal.NO_REASON),
        ({"now": timezone.timedelta(minutes=15)}, Refusal.NO_CHECK),
        ({"now": timezone.timedelta(minutes=-5)}, Refusal.NO_CHECK),
    ],
)
def test_a_stale_check_or_no_reason_unlocks_nothing(cast, changes, refusal) -> None:
    lock(cast.payer, minutes=60)
    passed_check(cast, cast.payer)
    before = snapshot(cast)
    if "now" in changes:
        changes = {"now": timezone.now() + changes["now"]}
    with pytest.raises(RefusedError) as refused:
        unlocking(cast, cast.payer, **changes)
    assert refused.value.refusal == refusal
    assert snapshot(cast) == before


def test_nobody_unlocks_the_own_account(cast, client_of) -> None:
    lock(cast.support)
    before = snapshot(cast)
    with pytest.raises(RefusedError) as refused:
        unlocking(cast, cast.support)
    assert refused.value.refusal == Refusal.OWN_ACCOUNT
    assert snapshot(cast) == before
    page = client_of(cast.support).get(page_of(cast.support)).content.decode()
    assert "This is your own account" in page
    assert "Send code" not in page


def test_only_an_agent_may_check_and_unlock(cast) -> None:
    lock(cast.payer)
    passed_check(cast, cast.payer)
    before = snapshot(cast)
    for person in (cast.owner, cast.finance):
        with pytest.raises(PermissionDenied):
            unlocking(cast, cast.payer, agent=person)
        with tenant(cast.lender.pk):
            with pytest.raises(PermissionDenied):
                send_identity_code(person=cast.payer, agent=person, now=timezone.now())
            with pytest.raises(PermissionDenied):
                judge_identity_code(person=cast.payer, agent=person, typed="1", now=timezone.now())
    assert snapshot(cast) == before


def test_a_check_is_used_once(cast) -> None:
    lock(cast.payer)
    passed_check(cast, cast.payer)
    unlocking(cast, cast.payer)
    assert not is_locked(cast, cast.payer)
    lock(cast.payer)
    before = snapshot(cast)
    with pytest.raises(RefusedError):
        unlocking(cast, cast.payer)
    assert snapshot(cast) == before


def test_what_is_not_locked_is_not_unlocked_and_the_check_stays(cast) -> None:
    passed_check(cast, cast.payer)
    before = snapshot(cast)
    with pytest.raises(RefusedError) as refused:
        unlocking(cast, cast.payer)
    assert refused.value.refusal == Refusal.NOT_LOCKED
    assert snapshot(cast) == before


def test_an_unlock_lifts_both_locks_and_leaves_the_factors(cast) -> None:
    lock(cast.payer)
    lock(cast.payer, proof=SignInGuard.Proof.FACTOR)
    with tenant(cast.lender.pk):
        factors = list(EmailCodeFactor.objects.order_by("pk").values())
        password = User.objects.get(pk=cast.payer.pk).password
    check = passed_check(cast, cast.payer)
    unlocking(cast, cast.payer)
    assert not is_locked(cast, cast.payer)
    with tenant(cast.lender.pk):
        assert list(EmailCodeFactor.objects.order_by("pk").values()) == factors
        assert User.objects.get(pk=cast.payer.pk).password == password
        entry = AuditEntry.objects.get(code="person.unlocked")
        assert entry.details == {"check": str(check.public_id), "locks": ["factor", "password"]}
        assert (entry.actor, entry.subject, entry.reason) == (
            cast.support,
            "user:paula",
            "Mistyped the new password.",
        )
        check.refresh_from_db()
        assert check.state == IdentityCheck.State.USED
        assert SignInAttempt.objects.filter(user=cast.payer, outcome="unlocked").count() == 1


def test_the_person_and_the_owners_are_told_once(cast) -> None:
    with tenant(cast.lender.pk):
        second = make_dealership("Rooftop", "90001")
        Membership.objects.create(user=cast.payer, dealership=second, role="viewer")
        Membership.objects.create(user=cast.owner, dealership=second, role="owner")
        gone = make_person("gone", dealership=second)
        Membership.objects.filter(user=gone).update(expires_on=date(2020, 1, 1))
    lock(cast.payer)
    passed_check(cast, cast.payer)
    unlocking(cast, cast.payer)
    with tenant(cast.lender.pk):
        mails = OutgoingMessage.objects.filter(template="unlock-done").order_by("recipient")
        assert [(mail.recipient, mail.context["is_own"]) for mail in mails] == [
            ("owen@people.example", False),
            ("paula@people.example", True),
        ]


def test_an_owner_is_told_once_of_the_own_account(cast) -> None:
    lock(cast.owner)
    passed_check(cast, cast.owner)
    unlocking(cast, cast.owner)
    with tenant(cast.lender.pk):
        mails = OutgoingMessage.objects.filter(template="unlock-done")
        assert [(mail.recipient, mail.context["is_own"]) for mail in mails] == [("owen@people.example", True)]


def test_the_page_leads_through_the_three_steps(cast, client_of) -> None:
    lock(cast.payer)
    client = client_of(cast.support)
    page = client.get(page_of(cast.payer)).content.decode()
    assert "Send code" in page
    assert "Check the code" not in page
    assert "Unlock account" not in page
    page = client.post(page_of(cast.payer), {"act": "send"}, follow=True).content.decode()
    assert "Check the code" in page
    assert "Unlock account" not in page
    code = mailed_code(cast, cast.payer)
    page = client.post(page_of(cast.payer), {"act": "check", "code": code}, follow=True).content.decode()
    assert "The code is right: this is Paula." in page
    assert "Unlock account" in page
    for reason, said in (("", "Say why"), ("x", "Say in a few words"), ("x" * 301, "at most 300 characters")):
        page = client.post(page_of(cast.payer), {"act": "unlock", "reason": reason}).content.decode()
        assert said in page
        assert is_locked(cast, cast.payer)
    page = client.post(
        page_of(cast.payer), {"act": "unlock", "reason": "Mistyped it"}, follow=True
    ).content.decode()
    assert "Paula can sign in again." in page
    assert "Unlock account" not in page
    assert not is_locked(cast, cast.payer)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"act": "burn"},
        {"act": "check"},
        {"act": "check", "code": "\x00"},
        {"act": "check", "code": "\u0661\u0662\u0663\u0664\u0665\u0666\u0667\u0668"},
    ],
)
def test_odd_posts_change_nothing_and_do_not_crash(cast, client_of, body) -> None:
    lock(cast.payer)
    before = snapshot(cast)
    answer = client_of(cast.support).post(page_of(cast.payer), body, follow=True)
    assert answer.status_code == 200
    assert snapshot(cast)[:3] == before[:3]
