"""What is asked of a gateway, and what is understood of its answer."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.urls import reverse

from accounts.encryption import decrypt
from accounts.models import Lender
from accounts.queries.hosts import public_url
from payments.models import Payment
from payments.queries.offered import SCHEMES


class Outcome(StrEnum):
    """What is known after asking a gateway."""

    ACCEPTED = "accepted"
    """The gateway has it and works on it."""
    SETTLED = "settled"
    DECLINED = "declined"
    """It will not be carried out."""
    RETURNED = "returned"
    NOT_SENT = "not sent"
    """The gateway was not reached: it cannot have taken anything, so sending again is safe."""
    NOT_FOUND = "not found"
    """The gateway says that it never took this key."""
    UNCLEAR = "unclear"
    """It may or may not have taken it: ask again, never send again."""


@dataclass(frozen=True, slots=True)
class DebitOrder:
    """All that a gateway needs to know of a payment; made inside a transaction, used outside of one.

    `key` is the payment's public id and the gateway's idempotency key. `amount` is in `currency`. The account number
    is in clear here and nowhere else, so it is kept out of every text about this object.
    """

    key: UUID
    client: str
    number: str
    amount: Decimal
    currency: str
    scheme: str
    collect_on: date
    holder: str
    bank_code: str
    account_number: str = field(repr=False)
    mandate: str
    notify_url: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway said. `amount` and `currency` are what it holds, to be compared with what was ordered."""

    outcome: Outcome
    reference: str = ""
    code: str = ""
    amount: Decimal | None = None
    currency: str = ""
    problem: str = ""

    def is_about(self, amount: Decimal, currency: str) -> bool:
        """Whether the gateway holds just what was ordered; an answer that names no amount is no proof of it."""
        return self.amount == amount and self.currency == currency


def debit_order(payment: Payment) -> DebitOrder:
    """The order for a payment's gateway. Staff scope."""
    lender: Lender = payment.lender
    method = payment.method
    return DebitOrder(
        key=payment.public_id,
        client=lender.slug,
        number=payment.number,
        amount=payment.amount,
        currency=payment.currency,
        scheme=SCHEMES[method.kind],
        collect_on=payment.value_date,
        holder=method.holder,
        bank_code=method.bank_code,
        account_number=decrypt(method.encrypted_number).decode(),
        mandate=method.mandate_reference,
        notify_url=public_url(reverse("payments:gateway-events", args=[payment.gateway])),
    )
