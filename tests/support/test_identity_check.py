"""The machine checks who calls: a code to the registered contact, read back, judged, and soon dead."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import (
    AuditEntry,
    OutgoingMessage,
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
from support.models import IdentityCheck
from tests.cast import make_person
from tests.support.desk import is_locked, mailed_code, page_of, passed_check, snapshot, unlocking
from tests.support.staging import lock


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
