"""A locked account is opened after the check, once, on record, and the person is told."""

from datetime import date

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import (
    AuditEntry,
    EmailCodeFactor,
    Membership,
    OutgoingMessage,
    SignInAttempt,
    SignInGuard,
    User,
)
from accounts.tenancy import tenant
from support.actions.identity import (
    Refusal,
    RefusedError,
    judge_identity_code,
    send_identity_code,
)
from support.models import IdentityCheck
from tests.cast import make_dealership, make_person
from tests.support.desk import is_locked, mailed_code, page_of, passed_check, snapshot, unlocking
from tests.support.staging import lock


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
