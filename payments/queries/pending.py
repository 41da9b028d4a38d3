"""Money on its way: submitted, processing or being checked, so not yet posted to any account.

Two figures belong side by side wherever a balance is shown: booked, and booked less what is on its way.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast
from uuid import UUID

from django.db.models import Sum

from finance.queries.splits import Purpose
from payments.models import Payment, PaymentShare

PENDING_STATES = (Payment.State.SUBMITTED, Payment.State.PROCESSING, Payment.State.CHECKING)
ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class PendingShare:
    """What one payment on its way will bring to one account."""

    payment_number: str
    payment_public_id: UUID
    state: str
    purpose: Purpose
    value_date: date
    expected_on: date
    amount: Decimal
    principal: Decimal
    interest: Decimal
    fees: Decimal


@dataclass(frozen=True, slots=True)
class Pending:
    """All that is on its way to one account, the earliest value date first."""

    shares: tuple[PendingShare, ...] = ()

    @property
    def amount(self) -> Decimal:
        """The sum of everything on its way."""
        return sum((share.amount for share in self.shares), ZERO)

    @property
    def principal(self) -> Decimal:
        """The principal in it."""
        return sum((share.principal for share in self.shares), ZERO)

    @property
    def interest(self) -> Decimal:
        """The interest in it."""
        return sum((share.interest for share in self.shares), ZERO)

    @property
    def fees(self) -> Decimal:
        """The fees in it."""
        return sum((share.fees for share in self.shares), ZERO)

    @property
    def pays_off(self) -> bool:
        """Whether a payoff is among it, after which nothing is owed."""
        return any(share.purpose == "payoff" for share in self.shares)


NOTHING = Pending()


def pending_of(account_ids: Collection[int]) -> dict[int, Pending]:
    """What is on its way to each of the accounts; accounts with nothing on its way are left out. One query."""
    found: dict[int, list[PendingShare]] = {}
    rows = (
        PaymentShare.objects.filter(account_id__in=account_ids, payment__state__in=PENDING_STATES)
        .select_related("payment")
        .order_by("payment__value_date", "payment_id")
    )
    for row in rows:
        found.setdefault(row.account_id, []).append(
            PendingShare(
                payment_number=row.payment.number,
                payment_public_id=row.payment.public_id,
                state=row.payment.state,
                purpose=cast(Purpose, row.purpose),
                value_date=row.payment.value_date,
                expected_on=row.payment.expected_on,
                amount=row.amount,
                principal=row.principal,
                interest=row.interest,
                fees=row.fees,
            )
        )
    return {account_id: Pending(tuple(shares)) for account_id, shares in found.items()}


@dataclass(frozen=True, slots=True)
class PendingTotals:
    """What is on its way from a dealership, in all and by portion."""

    payments: int
    amount: Decimal
    principal: Decimal


def pending_totals(dealership_id: int) -> PendingTotals:
    """What is on its way from one dealership. One query."""
    row = PaymentShare.objects.filter(
        dealership_id=dealership_id, payment__state__in=PENDING_STATES
    ).aggregate(amount=Sum("amount"), principal=Sum("principal"))
    payments = Payment.objects.filter(dealership_id=dealership_id, state__in=PENDING_STATES).count()
    return PendingTotals(payments=payments, amount=row["amount"] or ZERO, principal=row["principal"] or ZERO)
