"""The mails of the support app, as they leave."""

from django.core import mail
from django.utils import timezone

from accounts.models import OutgoingMessage
from accounts.tasks import deliver_message
from accounts.tenancy import tenant
from support.actions.identity import judge_identity_code, send_identity_code
from support.actions.unlock import unlock_person
from tests.support.staging import a_ticket, an_answer, lock


def sent(cast, template: str) -> list:
    """Deliver what waits of that template, and give back what left."""
    mail.outbox.clear()
    with tenant(cast.lender.pk):
        waiting = list(
            OutgoingMessage.objects.filter(template=template).order_by("pk").values_list("pk", flat=True)
        )
    for key in waiting:
        assert deliver_message(cast.lender.pk, key)
    return list(mail.outbox)


def text_and_page(message) -> tuple[str, str]:
    return message.body, message.alternatives[0].content


def test_support_is_told_of_a_new_ticket_with_a_link_to_the_queue(cast) -> None:
    ticket = a_ticket(cast, subject="O'Hara & <Sons>")
    (message,) = sent(cast, "ticket-opened")
    assert message.subject == "T-100001: O'Hara & <Sons>"
    assert message.to == ["help@summit.example"]
    text, page = text_and_page(message)
    assert "Owen of Alder Motors has opened ticket T-100001" in text
    assert "O'Hara & <Sons>" in text
    assert "<Sons>" not in page
    for part in (text, page):
        assert f"http://summit.testserver/support/queue/{ticket.public_id}/" in part
        assert "An answer is due by" in part
        assert "What would a payoff on Friday be?" not in part


def test_the_dealer_is_told_of_an_answer_with_a_link_to_it(cast) -> None:
    ticket = a_ticket(cast)
    an_answer(cast, ticket, then="solved")
    (message,) = sent(cast, "ticket-answered")
    assert message.subject == "Answer to T-100001: Payoff of T2044"
    for part in text_and_page(message):
        assert "Ursula has answered your ticket T-100001" in part
        assert "marked as solved" in part
        assert f"http://summit.testserver/support/tickets/{ticket.public_id}/" in part
        assert "12,340.00" not in part


def test_the_code_is_in_the_mail_and_gone_from_the_row_afterwards(cast) -> None:
    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
        code = OutgoingMessage.objects.get(template="identity-code").context["code"]
    (message,) = sent(cast, "identity-code")
    assert message.to == ["paula@people.example"]
    assert code not in message.subject
    for part in text_and_page(message):
        assert code in part
        assert "Tell nobody this code and call us: +1 303 555 0100" in part
    with tenant(cast.lender.pk):
        assert code not in str(OutgoingMessage.objects.get(template="identity-code").context)


def test_an_unlock_is_told_with_a_way_to_object(cast) -> None:
    lock(cast.payer)
    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
        code = OutgoingMessage.objects.get(template="identity-code").context["code"]
        judge_identity_code(person=cast.payer, agent=cast.support, typed=code, now=timezone.now())
        unlock_person(
            person=cast.payer, agent=cast.support, reason="Mistyped", lender=cast.lender, now=timezone.now()
        )
    own, owners = sorted(sent(cast, "unlock-done"), key=lambda message: message.to, reverse=True)
    assert own.subject == "Your account was unlocked"
    assert owners.subject == "The account of Paula was unlocked"
    assert "after you had read out to us the code that we sent to p•••@p•••.example" in own.body
    assert "after the caller had read out to us the code that we sent to p•••@p•••.example" in owners.body
    for message in (own, owners):
        for part in text_and_page(message):
            assert "Ursula of Summit Dealer Capital unlocked" in part
            assert "Call us at once: +1 303 555 0100" in part
            assert "Password and second factor are unchanged." in part
