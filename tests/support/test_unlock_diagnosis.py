"""An agent sees why a sign-in fails, and no secret."""

import re
import uuid
from datetime import date

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import (
    AuditEntry,
    AuthenticatorFactor,
    EmailCodeFactor,
    Membership,
    RecoveryCode,
    RecoveryCodeFactor,
    SignInAttempt,
    SignInGuard,
    User,
)
from accounts.tenancy import tenant
from support.queries.people import masked, person_file
from tests.cast import make_dealership
from tests.support.desk import SEARCH, page_of
from tests.support.staging import a_ticket, lock


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
        EmailCodeFactor.objects.filter(user=cast.payer).delete()
        # As enrolling names it, which adds nothing to the kind.
        EmailCodeFactor.objects.create(user=cast.payer, name="e-mailed code", confirmed=True)
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
    assert "<dd>E-mailed code<br>" in page or "<br>E-mailed code<br>" in page
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
