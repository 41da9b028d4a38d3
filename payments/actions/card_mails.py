"""The receipt of a card: mailed when the card has been used, since nothing is paid before."""

from django.db import transaction

from accounts.actions.outbox import order_message
from payments.models import Payment, PaymentShare
from payments.queries.messages import receipt_context
from payments.queries.offered import CARD_PAGE


@transaction.atomic
def tell_card_taken(*, payment_id: int) -> None:
    """Mail the receipt to who paid by card, once, however often it is heard that the card was taken.

    Nothing for a debit, whose receipt is mailed when it is submitted.
    """
    payment = Payment.objects.select_related("method", "dealership", "made_by").get(pk=payment_id)
    if payment.gateway != CARD_PAGE:
        return
    shares = PaymentShare.objects.filter(payment=payment).select_related("account", "account__unit")
    order_message(
        key=f"payment-card-receipt:{payment.number}",
        template="payment-card-receipt",
        recipient=payment.made_by.email,
        context=receipt_context(payment, shares.order_by("pk")),
        user=payment.made_by,
        dealership=payment.dealership,
    )
