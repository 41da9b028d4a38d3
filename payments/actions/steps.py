"""What every change of a payment's state leaves behind: a step, and a receipt to be printed."""

from datetime import datetime

from payments.models import Payment, PaymentReceipt, PaymentStep

# States whose receipt is printed; in between, the last one printed still tells the truth.
PRINTED_STATES = frozenset(
    {
        Payment.State.SUBMITTED,
        Payment.State.SETTLED,
        Payment.State.DECLINED,
        Payment.State.RETURNED,
        Payment.State.CANCELLED,
    }
)


def record_step(payment: Payment, state: str, note: str = "") -> PaymentStep:
    """Write that the payment reached `state`; the note is for people: a sentence that pages translate, or a name."""
    return PaymentStep.objects.create(
        payment=payment, dealership_id=payment.dealership_id, state=state, note=note[:200]
    )


def order_receipt(payment: Payment, *, now: datetime) -> None:
    """Order the printed receipt of the payment's present state, once."""
    if payment.state in PRINTED_STATES:
        PaymentReceipt.objects.get_or_create(
            lender_id=payment.lender_id,
            payment=payment,
            payment_state=payment.state,
            defaults={"dealership_id": payment.dealership_id, "next_attempt_at": now},
        )
