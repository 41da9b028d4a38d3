"""What of the closing balance falls due, and when: worked out from the balance and the items, so that a past month
reads as it stood at its end and not as it stands today.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from finance.models import DueItem
from finance.queries.cards import EXTRA
from finance.queries.statements.content import ZERO, Amounts, DueLine

Kind = DueItem.Kind
BILLED = frozenset({Kind.INTEREST.value, Kind.FEE.value})


@dataclass(frozen=True, slots=True)
class Owing:
    """An account at the end of the period: whether it is a loan, what it owes, how much was ever lent on it.

    `bills_next_day`: the bill of the day after the period is in it already, as the end of day makes it.
    """

    is_loan: bool
    closing: Amounts
    lent: Decimal
    bills_next_day: bool


@dataclass(slots=True)
class _Item:
    kind: str
    number: int
    billed_on: date | None
    due_on: date
    principal: Decimal
    interest: Decimal
    fees: Decimal

    def was_known(self, period_end: date) -> bool:
        """Whether it existed when the period ended: a month's bill is made on the day after."""
        if self.kind == Kind.INTEREST and self.number < EXTRA:
            return self.number <= period_end.year * 100 + period_end.month
        if self.kind in BILLED:
            return self.billed_on is None or self.billed_on <= period_end
        return True

    def owes_interest(self, last_bill: date) -> bool:
        """Whether its interest was owed then: that of an instalment is only from its due date."""
        return self.kind != Kind.INSTALMENT or (self.billed_on is not None and self.billed_on <= last_bill)

    @property
    def is_extra(self) -> bool:
        """Whether it records principal paid ahead of the plan."""
        return self.kind == Kind.CURTAILMENT and self.number >= EXTRA


def next_month_end(period_end: date) -> date:
    """The last day of the month after the one that `period_end` ends."""
    return (period_end + timedelta(days=32)).replace(day=1) - timedelta(days=1)


def payment_date(due: Sequence[DueLine], period_end: date) -> date | None:
    """The day on which the bill is to be paid: that of billed interest and fees, else the next day anything is due.

    With nothing but overdue amounts, the day after the period; None when nothing is due.
    """
    ahead = [line for line in due if line.due_on > period_end]
    billed = [line.due_on for line in ahead if line.kind in BILLED]
    if billed:
        return max(billed)
    if len(ahead) < len(due):
        return period_end + timedelta(days=1)
    return min((line.due_on for line in ahead), default=None)


def falling_due(
    owing: Mapping[int, Owing], rows: Iterable[Sequence[Any]], *, period_end: date, through: date
) -> tuple[DueLine, ...]:
    """What was open at the end of the period and falls due on or before `through`, by day and kind."""
    items: dict[int, list[_Item]] = defaultdict(list)
    for account, *row in rows:
        item = _Item(*row)
        if item.was_known(period_end):
            items[account].append(item)
    sums: dict[tuple[date, str], tuple[set[int], Amounts]] = {}
    for account, owed in owing.items():
        for item, left in _open_items(owed, items[account], period_end):
            if left and item.due_on <= through:
                accounts, amounts = sums.get((item.due_on, item.kind), (set(), Amounts()))
                sums[item.due_on, item.kind] = (accounts | {account}, amounts + left)
    return tuple(
        DueLine(day, kind, len(accounts), amounts.principal, amounts.interest, amounts.fees)
        for (day, kind), (accounts, amounts) in sorted(sums.items())
    )


def _open_items(owed: Owing, items: Sequence[_Item], period_end: date) -> list[tuple[_Item, Amounts]]:
    """What was open of each item: within a portion the oldest due is paid first, so the newest stays open longest."""
    interest, fees = owed.closing.interest, owed.closing.fees
    last_bill = period_end + timedelta(days=owed.bills_next_day)
    principal = _open_principal(owed, items, last_bill)
    found = []
    for item in reversed(items):
        if item.owes_interest(last_bill):
            open_interest = min(item.interest, interest)
            interest -= open_interest
        else:
            open_interest = item.interest
        open_fees = min(item.fees, fees)
        fees -= open_fees
        found.append((item, Amounts(principal[id(item)], open_interest, open_fees)))
    return found


def _open_principal(owed: Owing, items: Sequence[_Item], last_bill: date) -> dict[int, Decimal]:
    """The principal open of each item, by its identity. What no item asks for is not due."""
    found = dict.fromkeys((id(item) for item in items), ZERO)
    asked: list[_Item] = [item for item in items if item.principal]
    left = owed.closing.principal
    if owed.is_loan:
        for item in asked:
            if not item.owes_interest(last_bill):
                found[id(item)] = min(item.principal, max(ZERO, left))
                left -= item.principal
        asked = [item for item in asked if item.owes_interest(last_bill) and not item.is_extra]
    else:
        left -= max(ZERO, owed.lent - sum((item.principal for item in asked), ZERO))
    for item in reversed(asked):
        found[id(item)] = min(item.principal, max(ZERO, left))
        left -= item.principal
    return found
