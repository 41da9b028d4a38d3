"""What the mails about payments say."""

from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.emails import write_mail
from accounts.models import Lender, OutgoingMessage
from accounts.tasks import deliver_message
from accounts.tenancy import tenant
from payments.actions.drafts import discard_old_drafts, save_draft
from payments.actions.states import decline_payment, return_payment, settle_payment
from payments.models import PaymentDraft
from tests.cast import Cast
from tests.payments.staging import Stage, amount, due, pay


def mail_of(template: str) -> OutgoingMessage:
    found: OutgoingMessage = OutgoingMessage.objects.filter(template=template).order_by("pk")[0]
    return found


def test_the_receipt_says_what_was_paid_and_leads_to_it(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first), amount(stage.second, "1500.25"))
        mail = write_mail(mail_of("payment-receipt"))
    assert mail.subject == f"Receipt for your payment {payment.number} of $1,580.25"
    html = str(mail.alternatives[0][0])
    for text in (mail.body, html):
        assert "2023 Honda Accord 2" in text
        assert "$1,500.25" in text
        assert "•••• 6789" in text
        assert f"http://summit.testserver/payments/{payment.public_id}/" in text
        assert "000123456789" not in text


def test_a_return_says_why_what_it_cost_and_what_to_do(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        settle_payment(payment_id=payment.pk, now=timezone.now())
        return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
        mail = write_mail(mail_of("payment-returned"))
    for text in (str(mail.body), str(mail.alternatives[0][0])):
        assert "There was not enough money in the account." in text
        assert "(R01)" in text
        assert "$25.00" in text
        assert "then pay again" in text


def test_a_refusal_says_that_nothing_moved(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        decline_payment(payment_id=payment.pk, code="R03", now=timezone.now())
        mail = write_mail(mail_of("payment-declined"))
    assert "No money moved" in str(mail.body)
    assert "does not know this account" in str(mail.body)


def test_the_receipt_leaves_once(cast: Cast, stage: Stage, mailoutbox: list[object]) -> None:
    with tenant(cast.lender.pk):
        pay(stage, cast.owner, uuid4(), due(stage.first))
        message = mail_of("payment-receipt")
    assert deliver_message(cast.lender.pk, message.pk)
    assert not deliver_message(cast.lender.pk, message.pk)
    assert len(mailoutbox) == 1


@pytest.mark.parametrize(
    ("locale", "currency", "sum_text"), [("fr_FR", "EUR", "80,00\u00a0€"), ("en_GB", "GBP", "£80.00")]
)
def test_amounts_are_written_in_the_lenders_way(
    cast: Cast, stage: Stage, locale: str, currency: str, sum_text: str
) -> None:
    with tenant(cast.lender.pk):
        pay(stage, cast.owner, uuid4(), due(stage.first))
        Lender.objects.filter(pk=cast.lender.pk).update(locale=locale, currency=currency)
        mail = write_mail(mail_of("payment-receipt"))
    assert sum_text in str(mail.body)


def test_drafts_that_nobody_touches_go_away(cast: Cast, stage: Stage) -> None:
    now = timezone.now()
    with tenant(cast.lender.pk):
        save_draft(
            dealership=stage.dealership, method=stage.method, choices=[due(stage.first)], actor=cast.owner
        )
        assert discard_old_drafts(now=now) == 0
        assert discard_old_drafts(now=now + timezone.timedelta(days=3)) == 1
        assert PaymentDraft.objects.count() == 0
