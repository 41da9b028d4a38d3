"""What every change of a payment's state leaves behind: a step, and a receipt to be printed."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

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
        PaymentReceipt.objects.bulk_create(
            [
                PaymentReceipt(
                    lender_id=payment.lender_id,
                    payment=payment,
                    payment_state=payment.state,
                    dealership_id=payment.dealership_id,
                    next_attempt_at=now,
                )
            ],
            ignore_conflicts=True,
        )


def move(
    payment: Payment,
    state: Payment.State,
    *fields: str,
    by_way: Payment.State | None = None,
    note: str = "",
    act: Mapping[str, Any],
    now: datetime,
) -> None:
    """Write a change of state with all that it leaves behind, in one round trip (`payments_move`).

    That is the payment in its new state with `fields` as they stand on it, the step, the receipt to be printed, and the
    entry of the audit trail that `act` describes; a state passed through `by_way` gets its own step. The payment must
    be locked and still be in the state that it was read in.
    """
    if state not in PRINTED_STATES:
        raise ValueError(f"No receipt is printed of {state}.")
    before, payment.state = payment.state, state
    change = {
        "before": before,
        "by_way": by_way,
        "state": state,
        "dealership": payment.dealership_id,
        "note": note[:200],
        "print_at": now,
        "act": act,
        **{field: getattr(payment, field) for field in fields},
    }
    with connection.cursor() as cursor:
        # Moments travel as text, which PostgreSQL reads exactly.
        cursor.execute(
            "SELECT payments_move(%s, %s, %s::jsonb)",
            [payment.lender_id, payment.pk, json.dumps(change, default=str)],
        )
        (moved,) = cursor.fetchone()
    if not moved:
        raise RuntimeError(f"Payment {payment.number} is not {before} any more: was it locked?")
