"""The unlock desk sends its code by e-mail or as a text message to the registered phone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.actions.contacts import change_contact
from accounts.emails import write_mail
from accounts.models import AuditEntry, OutgoingMessage, User
from accounts.tasks import deliver_message
from accounts.tenancy import tenant
from support.actions.identity import Judgement, Refusal, RefusedError, judge_identity_code, send_identity_code
from support.models import IdentityCheck
from support.queries.people import masked, masked_number
from tests.support.desk import page_of, snapshot
from tests.support.staging import lock

PHONE, NUMBER = "+1 303 555 0142", "+13035550142"


@pytest.fixture
def person(cast) -> User:
    """Paula, with a phone on file."""
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.payer.pk).update(phone=PHONE)
        cast.payer.refresh_from_db()
    return cast.payer


def test_the_desk_offers_both_contacts_masked(cast, client_of, person: User) -> None:
    page = client_of(cast.support).get(page_of(person)).content.decode()
    for contact, value in ((masked(person.email), "email"), (masked_number(NUMBER), "sms")):
        assert contact in page
        assert f'value="{value}"' in page
    for secret in (PHONE, NUMBER, "0142", person.email):
        assert secret not in page
    assert masked_number(NUMBER) == "•••• 42"


def test_without_a_phone_there_is_nothing_to_choose(cast, client_of) -> None:
    page = client_of(cast.support).get(page_of(cast.payer)).content.decode()
    assert 'name="channel"' not in page
    assert "Send code" in page


@pytest.mark.parametrize("switched", ["off", "national"])
def test_a_phone_that_cannot_be_texted_is_not_offered(
    cast, client_of, person: User, settings: Any, switched: str
) -> None:
    if switched == "off":
        settings.SMS_GATEWAY_URL, settings.MAILBOX_DIR = "", None
    else:
        with tenant(cast.lender.pk):
            User.objects.filter(pk=person.pk).update(phone="303 555 0142")
    client = client_of(cast.support)
    assert 'name="channel"' not in client.get(page_of(person)).content.decode()
    before = snapshot(cast)
    client.post(page_of(person), {"act": "send", "channel": "sms"})
    assert snapshot(cast) == before
    with tenant(cast.lender.pk):
        person.refresh_from_db()
        with pytest.raises(RefusedError) as refused:
            send_identity_code(person=person, agent=cast.support, now=timezone.now(), channel="sms")
    assert refused.value.refusal == Refusal.NO_PHONE
    assert snapshot(cast) == before


def test_the_texted_code_opens_the_account_and_is_forgotten(cast, client_of, person: User) -> None:
    lock(person)
    client = client_of(cast.support)
    page = client.post(page_of(person), {"act": "send", "channel": "sms"}, follow=True).content.decode()
    assert "A code is on its way to •••• 42." in page
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.get(template="identity-code")
        code = message.context["code"]
        assert (message.channel, message.recipient, message.is_secret) == ("sms", NUMBER, True)
        assert IdentityCheck.objects.get().contact == "•••• 42"
        sent = AuditEntry.objects.get(code="identity.code_sent").details
        assert sent["sent_to"] == "•••• 42"
    assert code not in page
    assert deliver_message(cast.lender.pk, message.pk) is True
    with tenant(cast.lender.pk):
        message.refresh_from_db()
        assert (message.state, message.context) == ("sent", {})
        verdict = judge_identity_code(person=person, agent=cast.support, typed=code, now=timezone.now())
    assert verdict == Judgement.PASSED
    page = client.post(
        page_of(person), {"act": "unlock", "reason": "Mistyped it"}, follow=True
    ).content.decode()
    assert "can sign in again" in page
    with tenant(cast.lender.pk):
        told = OutgoingMessage.objects.get(template="unlock-done", user=person)
        assert "the code that we sent to •••• 42" in write_mail(told).body


def test_the_choice_of_the_mail_sends_a_mail(cast, client_of, person: User) -> None:
    for fields in ({}, {"channel": "email"}):
        client_of(cast.support).post(page_of(person), {"act": "send", **fields})
    with tenant(cast.lender.pk):
        sent = OutgoingMessage.objects.filter(template="identity-code").values_list("channel", "recipient")
        assert list(sent) == [("email", person.email)] * 2


@pytest.mark.parametrize("channel", ["pigeon", "SMS", "\x00"])
def test_an_odd_choice_sends_nothing_and_says_so(cast, client_of, person: User, channel: str) -> None:
    before = snapshot(cast)
    answer = client_of(cast.support).post(page_of(person), {"act": "send", "channel": channel}, follow=True)
    assert answer.status_code == 200
    assert snapshot(cast)[1:4] == before[1:4]
    assert "Choose one of the registered contacts" in answer.content.decode()


def test_a_phone_that_changed_within_thirty_days_proves_nothing(cast, client_of, person: User) -> None:
    with tenant(cast.lender.pk):
        change_contact(
            actor=cast.finance,
            person=person,
            full_name=person.full_name,
            email=person.email,
            phone="+1 303 555 0199",
            reason="New phone",
        )
    before = snapshot(cast)
    client = client_of(cast.support)
    for channel in ("sms", "email"):
        client.post(page_of(person), {"act": "send", "channel": channel})
    assert snapshot(cast) == before
    assert "changed less than 30 days ago" in client.get(page_of(person)).content.decode()
    with tenant(cast.lender.pk):
        User.objects.filter(pk=person.pk).update(contact_changed_at=timezone.now() - timedelta(days=31))
    client.post(page_of(person), {"act": "send", "channel": "sms"})
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.get(template="identity-code").recipient == "+13035550199"


def test_texts_and_mails_count_together(cast, person: User) -> None:
    with tenant(cast.lender.pk):
        for channel in ("sms", "email", "sms"):
            send_identity_code(person=person, agent=cast.support, now=timezone.now(), channel=channel)
        with pytest.raises(RefusedError) as refused:
            send_identity_code(person=person, agent=cast.support, now=timezone.now(), channel="sms")
    assert refused.value.refusal == Refusal.TOO_MANY_CODES
