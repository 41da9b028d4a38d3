"""What falls due, item by item: the list behind each figure of the dashboard."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from accounts.tenancy import current_lender_id
from finance.models import DueItem
from finance.queries.open_items import IS_OPEN, OPEN_ITEM, SOLD, SOLD_ITEM

ZERO: Final = Decimal(0)

_OPEN = """
    FROM open_item d
    JOIN finance_account a ON a.lender_id = %(lender)s AND a.id = d.account_id
    LEFT JOIN finance_unit u ON u.lender_id = %(lender)s AND u.account_id = d.account_id
    WHERE (%(first)s::date IS NULL OR d.due_on >= %(first)s) AND (%(last)s::date IS NULL OR d.due_on <= %(last)s)
      AND (NOT %(overdue)s OR d.grace_until < %(as_of)s)
      AND (%(kind)s = '' OR d.kind = %(kind)s)
"""


@dataclass(frozen=True, slots=True)
class DueFilters:
    """Which open items are wanted: due between two days (either may be open), overdue ones only, one kind only."""

    first: date | None = None
    last: date | None = None
    overdue: bool = False
    kind: str = ""


@dataclass(frozen=True, slots=True)
class DueRow:
    """One open item. Amounts outstanding, in the lender's currency."""

    public_id: UUID
    account_public_id: UUID
    account_kind: str
    number: str
    title: str
    vin_tail: str | None
    kind: str
    due_on: date
    is_overdue: bool
    rule: str
    principal: Decimal
    interest: Decimal
    fees: Decimal

    @property
    def total(self) -> Decimal:
        """Everything outstanding of the item."""
        return self.principal + self.interest + self.fees

    @property
    def kind_label(self) -> Any:
        """The kind in words."""
        return DueItem.Kind(self.kind).label


@dataclass(frozen=True, slots=True)
class DueTotals:
    """What the filtered items add up to."""

    count: int
    accounts: int
    principal: Decimal
    interest: Decimal
    fees: Decimal

    @property
    def total(self) -> Decimal:
        """The sum that the dashboard shows."""
        return self.principal + self.interest + self.fees


def list_due(
    dealership_id: int, *, as_of: date, filters: DueFilters, limit: int | None, offset: int = 0
) -> tuple[DueTotals, list[DueRow]]:
    """The totals of the filtered items, and the items from `offset` on (all with `limit` None). Two queries."""
    parameters: dict[str, Any] = {
        "lender": current_lender_id(),
        "dealership": dealership_id,
        "as_of": as_of,
        "first": filters.first,
        "last": filters.last,
        "overdue": filters.overdue,
        "kind": filters.kind,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH {OPEN_ITEM} SELECT count(*), count(DISTINCT d.account_id), coalesce(sum(d.principal), 0), "
            f"coalesce(sum(d.interest), 0), coalesce(sum(d.fees), 0) {_OPEN}",
            parameters,
        )
        totals = DueTotals(*cursor.fetchone())
        if limit is not None and offset >= totals.count:
            offset = max(0, (totals.count - 1) // limit * limit)
        cursor.execute(
            f"WITH {OPEN_ITEM} SELECT d.public_id, a.public_id, a.kind, a.number, a.title, u.vin_tail, d.kind, "
            f"d.due_on, d.grace_until < %(as_of)s, d.rule, d.principal, d.interest, d.fees {_OPEN} "
            "ORDER BY d.due_on, a.number, d.id LIMIT %(limit)s OFFSET %(offset)s",
            {**parameters, "limit": limit, "offset": offset},
        )
        rows = [DueRow(*row) for row in cursor.fetchall()]
    return totals, rows


@dataclass(frozen=True, slots=True)
class DueDay:
    """What of one kind falls due on one day, over all accounts."""

    due_on: date
    kind: str
    is_overdue: bool
    items: int
    amount: Decimal


# Items of accounts that are not sold are read by their day, which an index holds; sold units are few.
_DAYS = f"""
WITH {SOLD},
last AS (
    SELECT greatest(%(through)s::date, min(d.due_on)) AS day FROM finance_dueitem d
    WHERE d.lender_id = %(lender)s AND d.dealership_id = %(dealership)s AND d.due_on > %(as_of)s AND {IS_OPEN}
),
near AS MATERIALIZED (
    -- In full, since a left join would be planned as a loop in a loop; sold units without an item in it go below.
    SELECT {SOLD_ITEM} FROM (
        SELECT * FROM finance_dueitem d
        WHERE d.lender_id = %(lender)s AND d.dealership_id = %(dealership)s AND d.due_on <= (SELECT day FROM last)
          AND {IS_OPEN}
    ) d
    FULL JOIN sold s ON s.account_id = d.account_id
    UNION ALL
    SELECT {SOLD_ITEM} FROM sold s
    JOIN finance_dueitem d ON d.lender_id = %(lender)s AND d.account_id = s.account_id
    WHERE d.due_on > (SELECT day FROM last) AND {IS_OPEN}
)
SELECT due_on, kind, grace_until < %(as_of)s, count(*), sum(principal + interest + fees)
FROM near WHERE id IS NOT NULL AND due_on <= (SELECT day FROM last)
GROUP BY 1, 2, 3
ORDER BY 1, 2
"""  # noqa: S608 - joined from constants; every value is a parameter


@dataclass(frozen=True, slots=True)
class Dues:
    """What a dealership owes on a day and in the days after it, by day and kind."""

    as_of: date
    days: tuple[DueDay, ...]

    def _sum(self, *, first: date | None, last: date, kind: str = "") -> Decimal:
        return sum(
            (
                day.amount
                for day in self.days
                if (first is None or day.due_on >= first) and day.due_on <= last and kind in {"", day.kind}
            ),
            ZERO,
        )

    @property
    def owed(self) -> Decimal:
        """Due on or before the day, and still open."""
        return self._sum(first=None, last=self.as_of)

    @property
    def overdue(self) -> Decimal:
        """The part of it whose days of grace are over."""
        return sum((day.amount for day in self.days if day.is_overdue), ZERO)

    @property
    def overdue_items(self) -> int:
        """How many items that are."""
        return sum(day.items for day in self.days if day.is_overdue)

    @property
    def oldest(self) -> date | None:
        """Since when the oldest overdue item has been due."""
        return next((day.due_on for day in self.days if day.is_overdue), None)

    @property
    def next_on(self) -> date | None:
        """The first day after today on which something falls due."""
        return next((day.due_on for day in self.days if day.due_on > self.as_of), None)

    @property
    def next_amount(self) -> Decimal:
        """What falls due on that day."""
        return self._sum(first=self.next_on, last=self.next_on) if self.next_on else ZERO

    def within(self, days: int, *, kind: str = "") -> Decimal:
        """What falls due from today on through `days` days from now; overdue items are not in it."""
        return self._sum(first=self.as_of, last=self.as_of + timedelta(days=days), kind=kind)

    def items_within(self, days: int, *, kind: str) -> int:
        """How many items of `kind` that is."""
        last = self.as_of + timedelta(days=days)
        return sum(day.items for day in self.days if self.as_of <= day.due_on <= last and day.kind == kind)

    def first_within(self, days: int, *, kind: str) -> date | None:
        """The first day on which one of `kind` falls due within `days` days."""
        last = self.as_of + timedelta(days=days)
        return next(
            (day.due_on for day in self.days if self.as_of <= day.due_on <= last and day.kind == kind), None
        )

    def by_day(self, days: int) -> list[tuple[date, Decimal]]:
        """Each day from today through `days` days from now, with what falls due on it."""
        amounts: dict[date, Decimal] = {}
        for day in self.days:
            amounts[day.due_on] = amounts.get(day.due_on, ZERO) + day.amount
        span = (self.as_of + timedelta(days=offset) for offset in range(days + 1))
        return [(on, amounts.get(on, ZERO)) for on in span]


def dues_of(dealership_id: int, *, as_of: date, days_ahead: int = 30) -> Dues:
    """What is open through `days_ahead` days from `as_of`, or through the next due day if that is later. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _DAYS,
            {
                "lender": current_lender_id(),
                "dealership": dealership_id,
                "as_of": as_of,
                "through": as_of + timedelta(days=days_ahead),
            },
        )
        return Dues(as_of, tuple(DueDay(*row) for row in cursor.fetchall()))
