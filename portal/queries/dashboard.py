"""Everything on a dealer's dashboard, read in the same ten statements for one unit and for thousands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.utils import timezone

from finance.queries.dashboard import (
    Holdings,
    Posting,
    SoldUnit,
    holdings_of,
    latest_postings,
    line_use,
    sold_units,
)
from finance.queries.falling_due import Dues, dues_of
from finance.queries.lines import LineFigures, lines_of
from payments.models import Payment
from payments.queries.pending import PENDING_STATES
from support.models import Announcement, Ticket
from support.queries.announcements import current_announcements

ZERO: Final = Decimal(0)

SOLD_SHOWN: Final = 4
RETURNS_SHOWN: Final = timedelta(days=21)
"""How long a returned payment stays on the list of things to do."""


@dataclass(frozen=True, slots=True)
class OnItsWay:
    """Money submitted and not settled yet."""

    payments: int
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dealership on one business date."""

    as_of: date
    dues: Dues
    lines: Sequence[LineFigures]
    holdings: Holdings
    use: Sequence[tuple[date, Decimal]]
    sold: Sequence[SoldUnit]
    postings: Sequence[Posting]
    last_payment: Payment | None
    returned: Sequence[Payment]
    on_its_way: OnItsWay
    waiting_tickets: Sequence[Ticket]
    announcements: Sequence[Announcement]

    @property
    def floor_plan_lines(self) -> list[LineFigures]:
        """The revolving lines, whose free credit is the figure shown first."""
        return [line for line in self.lines if line.is_floor_plan]

    @property
    def limit(self) -> Decimal:
        """The limits of the floor-plan lines together."""
        return sum((line.limit for line in self.floor_plan_lines), ZERO)

    @property
    def used(self) -> Decimal:
        """Principal on the floor-plan lines together."""
        return sum((line.used for line in self.floor_plan_lines), ZERO)

    @property
    def free(self) -> Decimal:
        """What may still be drawn on the floor-plan lines together."""
        return sum((line.free for line in self.floor_plan_lines), ZERO)

    @property
    def freed(self) -> Decimal:
        """Principal on the floor-plan lines that is owed still and free already."""
        return sum((line.freed for line in self.floor_plan_lines if line.state == "open"), ZERO)

    @property
    def was_used(self) -> bool:
        """Whether a floor-plan line had principal on it on any of the days shown."""
        return any(amount for _day, amount in self.use)

    @property
    def can_be_paid(self) -> bool:
        """Whether there is anything to pay on."""
        return bool(self.holdings.live or self.holdings.loans)

    @property
    def is_new(self) -> bool:
        """Whether nothing has happened yet: no unit, no loan, nothing due, nothing paid."""
        holdings = self.holdings
        return not (any(holdings.units.values()) or holdings.loans or self.dues.days or self.postings)


def dashboard_of(dealership_id: int, *, today: date) -> Dashboard:
    """Read the dashboard of one dealership on the lender's day `today`."""
    holdings = holdings_of(dealership_id, as_of=today)
    payments = _payments(dealership_id, today)
    on_its_way = Payment.objects.filter(dealership_id=dealership_id, state__in=PENDING_STATES)
    # In no order: beside one the planner would rather read every payment there ever was.
    amounts = [amount for (amount,) in on_its_way.order_by().values_list("amount")]
    waiting = Ticket.objects.filter(dealership_id=dealership_id, state=Ticket.State.WAITING)
    return Dashboard(
        as_of=today,
        dues=dues_of(dealership_id, as_of=today),
        lines=lines_of(dealership_id, as_of=today),
        holdings=holdings,
        use=line_use(dealership_id, used=holdings.unit_principal, as_of=today),
        sold=sold_units(dealership_id, as_of=today, limit=SOLD_SHOWN),
        postings=latest_postings(dealership_id),
        last_payment=payments[0] if payments else None,
        returned=[payment for payment in payments if _returned_since(payment, today - RETURNS_SHOWN)],
        on_its_way=OnItsWay(len(amounts), sum(amounts, ZERO)),
        waiting_tickets=list(waiting.order_by("-updated_at")[:3]),
        announcements=list(current_announcements(today)[:2]),
    )


def _payments(dealership_id: int, today: date) -> list[Payment]:
    """The last payment, and those that were returned lately, newest first: one query."""
    own = Payment.objects.filter(dealership_id=dealership_id)
    lately = own.filter(state=Payment.State.RETURNED, returned_at__date__gte=today - RETURNS_SHOWN)
    found = own.order_by("-submitted_at", "-pk")[:1].union(lately)
    return sorted(found, key=lambda payment: (payment.submitted_at, payment.pk), reverse=True)


def _returned_since(payment: Payment, day: date) -> bool:
    returned_at = payment.returned_at if payment.state == Payment.State.RETURNED else None
    return returned_at is not None and timezone.localtime(returned_at).date() >= day
