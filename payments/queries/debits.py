"""What is asked of a gateway, and what is understood of its answer."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from django.urls import reverse

from accounts.encryption import decrypt
from accounts.models import Lender
from accounts.queries.hosts import public_url
from payments.models import Payment
from payments.queries.offered import CARD_PAGE, SCHEMES

# How much of a code or reason name of a counterpart is kept.
LONGEST_CODE = 40
# How long the page stays open on which a card is entered.
PAGE_OPEN_FOR = timedelta(minutes=30)


class Outcome(StrEnum):
    """What is known after asking a gateway."""

    OPENED = "opened"
    """The processor's page waits for the payer's card; nothing is taken yet."""
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
    is in clear here and nowhere else, so it is kept out of every text about this object. A card has no account: its
    payer is sent to the processor's page, which closes at `closes_at`, and comes back to `return_url`.
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
    return_url: str = ""
    closes_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a gateway said. `amount` and `currency` are what it holds, to be compared with what was ordered.

    `page` is where the payer enters the card, `last_four` is of the card that was used.
    """

    outcome: Outcome
    reference: str = ""
    code: str = ""
    amount: Decimal | None = None
    currency: str = ""
    problem: str = ""
    page: str = ""
    last_four: str = ""

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
        account_number=decrypt(method.encrypted_number).decode() if method.encrypted_number else "",
        mandate=method.mandate_reference,
        notify_url=public_url(reverse("payments:gateway-events", args=[payment.gateway])),
        return_url=public_url(reverse("payments:receipt", args=[payment.public_id])),
        closes_at=page_closes_at(payment),
    )


def page_closes_at(payment: Payment) -> datetime | None:
    """When the processor's page of a card payment closes; None for a debit."""
    return payment.submitted_at + PAGE_OPEN_FOR if payment.gateway == CARD_PAGE else None
