"""What a statement says, as data: kept with the statement, printed from, and never reckoned again.

Every amount is a Decimal in major units of the statement's currency. Columns count what is owed: `credit`, which the
lender holds for the dealership, is negative, so that a total is the plain sum of its columns. Charges and payments are
written positive: opening + charges - payments = closing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import groupby
from typing import Final, Literal

ZERO: Final = Decimal(0)
COLUMNS: Final = ("principal", "interest", "fees", "credit")
Side = Literal["charge", "payment"]


@dataclass(frozen=True, slots=True)
class Amounts:
    """One row of money by column."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fees: Decimal = ZERO
    credit: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """The sum of the columns."""
        return self.principal + self.interest + self.fees + self.credit

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.principal + other.principal,
            self.interest + other.interest,
            self.fees + other.fees,
            self.credit + other.credit,
        )

    def __neg__(self) -> Amounts:
        return Amounts(-self.principal, -self.interest, -self.fees, -self.credit)

    def __sub__(self, other: Amounts) -> Amounts:
        return self + -other

    def __bool__(self) -> bool:
        return any((self.principal, self.interest, self.fees, self.credit))


def total_of(rows: Iterable[Amounts]) -> Amounts:
    """The sum of several rows, column by column."""
    found = Amounts()
    for row in rows:
        found += row
    return found


@dataclass(frozen=True, slots=True)
class Line:
    """One movement of one account: what a posting charged to it, or took off it.

    `booked_on` is the business date of the posting, which decides the month it belongs to; `value_on` the day on which
    it counts; `entry` the journal entry. A payment that came back is a negative payment, of the kind "reversal".
    """

    booked_on: date
    value_on: date
    kind: str
    text: str
    entry: int
    side: Side
    amounts: Amounts

    @property
    def change(self) -> Amounts:
        """What it adds to what is owed."""
        return self.amounts if self.side == "charge" else -self.amounts


@dataclass(frozen=True, slots=True)
class AccountPart:
    """One unit or loan in the month: opening + charges - payments = closing, in each column."""

    public_id: str
    kind: str
    number: str
    title: str
    identification: str
    opening: Amounts
    lines: tuple[Line, ...]
    closing: Amounts

    @property
    def charges(self) -> Amounts:
        """What was charged in the month."""
        return total_of(line.amounts for line in self.lines if line.side == "charge")

    @property
    def payments(self) -> Amounts:
        """What was paid in the month, less what came back."""
        return total_of(line.amounts for line in self.lines if line.side == "payment")


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of one journal entry over all accounts it touched: a row of the month's movements."""

    booked_on: date
    kind: str
    text: str
    entry: int
    side: Side
    accounts: int
    amounts: Amounts

    @property
    def change(self) -> Amounts:
        """What it adds to what is owed."""
        return self.amounts if self.side == "charge" else -self.amounts


@dataclass(frozen=True, slots=True)
class DueLine:
    """What falls due on one day, of one kind, over all accounts: open at the end of the period."""

    due_on: date
    kind: str
    accounts: int
    principal: Decimal
    interest: Decimal
    fees: Decimal

    @property
    def total(self) -> Decimal:
        """Its sum."""
        return self.principal + self.interest + self.fees


@dataclass(frozen=True, slots=True)
class LineUse:
    """A credit line at the end of the period: limit = used + approved but not yet funded + available."""

    number: str
    name: str
    kind: str
    limit: Decimal
    used: Decimal
    approved: Decimal

    @property
    def available(self) -> Decimal:
        """What may still be drawn; negative above the limit."""
        return self.limit - self.used - self.approved


@dataclass(frozen=True, slots=True)
class RateSpan:
    """The rate of one plan from `start` to `end`, both included, and what it was made of."""

    plan: str
    day_count: str
    compounding: str
    start: date
    end: date
    annual_rate: Decimal
    index_name: str
    index_rate: Decimal | None
    margin: Decimal
    source: str


@dataclass(frozen=True, slots=True)
class Party:
    """Who a statement is from, or for."""

    name: str
    number: str
    address: tuple[str, ...]


@dataclass(frozen=True)
class StatementContent:
    """One dealership's month.

    `made_on` is the lender's business date on which it was assembled, `last_entry` the newest journal entry then known:
    whatever is posted to the period later stands in the next statement. `previous` is the number of the statement whose
    closing is this opening, empty for the first.
    """

    number: str
    lender: Party
    dealership: Party
    currency: str
    time_zone: str
    origin: str
    period_start: date
    period_end: date
    made_on: date
    last_entry: int
    previous: str
    accounts: tuple[AccountPart, ...]
    due_on: date | None
    due: tuple[DueLine, ...]
    credit_lines: tuple[LineUse, ...]
    rates: tuple[RateSpan, ...]

    @cached_property
    def opening(self) -> Amounts:
        """What was owed when the period began."""
        return total_of(account.opening for account in self.accounts)

    @cached_property
    def charges(self) -> Amounts:
        """What was charged in the period."""
        return total_of(account.charges for account in self.accounts)

    @cached_property
    def payments(self) -> Amounts:
        """What was paid in the period, less what came back."""
        return total_of(account.payments for account in self.accounts)

    @cached_property
    def closing(self) -> Amounts:
        """What was owed when the period ended: the sum of the accounts."""
        return total_of(account.closing for account in self.accounts)

    @cached_property
    def postings(self) -> tuple[Posting, ...]:
        """The movements by journal entry, oldest first; an entry that charges and pays has a row for each side."""
        lines = sorted(
            ((line, account.number) for account in self.accounts for line in account.lines),
            key=lambda row: (row[0].booked_on, row[0].entry, row[0].side),
        )
        rows = []
        for (booked_on, entry, side), group in groupby(
            lines, key=lambda row: (row[0].booked_on, row[0].entry, row[0].side)
        ):
            found = list(group)
            kinds = {line.kind for line, _account in found}
            rows.append(
                Posting(
                    booked_on=booked_on,
                    kind=_main_kind(kinds),
                    text=found[0][0].text,
                    entry=entry,
                    side=side,
                    accounts=len({account for _line, account in found}),
                    amounts=total_of(line.amounts for line, _account in found),
                )
            )
        return tuple(rows)

    @cached_property
    def due_now(self) -> tuple[DueLine, ...]:
        """What is due on or before `due_on`."""
        return tuple(line for line in self.due if self.due_on and line.due_on <= self.due_on)

    @cached_property
    def due_later(self) -> tuple[DueLine, ...]:
        """What falls due after that within the next month."""
        return tuple(line for line in self.due if not self.due_on or line.due_on > self.due_on)

    @cached_property
    def amount_due(self) -> Decimal:
        """What is due on or before `due_on`, what was overdue already included."""
        return sum((line.total for line in self.due_now), ZERO)

    @cached_property
    def overdue(self) -> Decimal:
        """What of the amount due was due in the period already."""
        return sum((line.total for line in self.due_now if line.due_on <= self.period_end), ZERO)

    @cached_property
    def holds_credit(self) -> bool:
        """Whether any credit stands or moved, so that its column is worth printing."""
        return any(
            part.credit
            for account in self.accounts
            for part in (account.opening, account.charges, account.payments, account.closing)
        )

    @cached_property
    def kinds(self) -> frozenset[str]:
        """What the accounts are: "unit", "loan"."""
        return frozenset(account.kind for account in self.accounts)

    def faults(self) -> list[str]:
        """Why this statement does not prove itself: an empty list when it does. For staff, in English."""
        found = []
        for account in self.accounts:
            for column in COLUMNS:
                opening, charges, payments, closing = (
                    getattr(part, column)
                    for part in (account.opening, account.charges, account.payments, account.closing)
                )
                if opening + charges - payments != closing:
                    found.append(
                        f"{account.number}, {column}: {opening} + {charges} - {payments} is not {closing}."
                    )
        if self.opening + self.charges - self.payments != self.closing:
            found.append("The sums of the accounts do not prove themselves.")
        if total_of(row.change for row in self.postings) != self.closing - self.opening:
            found.append("The movements by entry do not add up to the change of the month.")
        return found


def _main_kind(kinds: set[str]) -> str:
    """What an entry of several kinds is called: by what caused it, else simply a payment."""
    if len(kinds) == 1:
        return kinds.pop()
    return next((kind for kind in ("reversal", "advance", "interest_billed") if kind in kinds), "payment")
