"""What the mails about payments say. Amounts are plain text, moments and days ISO; the templates write them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils import translation

from payments.models import Payment, PaymentShare
from payments.queries.identities import identity_of
from payments.queries.offered import CARD_PAGE
from payments.queries.return_reasons import ReturnReason


def receipt_context(payment: Payment, shares: Iterable[PaymentShare]) -> dict[str, Any]:
    """The context of `payment-receipt` and `payment-card-receipt`: what is paid, from where, the split per account."""
    return {
        **_payment_context(payment),
        "lines": [
            {
                "title": share.account.title,
                "number": identity_of(share.account),
                "amount": str(share.amount),
                "principal": str(share.principal),
                "interest": str(share.interest),
                "fees": str(share.fees),
            }
            for share in shares
        ],
    }


def trouble_context(payment: Payment, reason: ReturnReason, *, fee: Decimal | None = None) -> dict[str, Any]:
    """The context of `payment-returned` and `payment-declined`: why, what it cost, what to do.

    The reason's sentences are kept untranslated; the template puts them into the lender's language.
    """
    with translation.override(None):
        words, next_step = str(reason.words), str(reason.next_step)
    return {
        **_payment_context(payment),
        "code": reason.code,
        "reason": words,
        "next_step": next_step,
        "fee": str(fee) if fee else "",
        "was_booked": payment.entry_id is not None,
    }


def _payment_context(payment: Payment) -> dict[str, Any]:
    return {
        "number": payment.number,
        "made_by": payment.made_by_name,
        "customer": payment.dealership.name,
        "amount": str(payment.amount),
        "method": str(payment.method),
        "by_card": payment.gateway == CARD_PAGE,
        "last_four": payment.card_last_four,
        "submitted_at": payment.submitted_at.isoformat(),
        "value_date": payment.value_date.isoformat(),
        "expected_on": payment.expected_on.isoformat(),
        "action_path": reverse("payments:receipt", args=[payment.public_id]),
    }
