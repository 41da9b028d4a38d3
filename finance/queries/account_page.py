"""Everything that a page about one unit or loan shows: position, history, schedule, interest calculation, payoff."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

from finance.interest import PayoffFigure, Position
from finance.models import Account, AccountEvent, DueItem, JournalLine, Loan, Unit
from finance.money import round_money
from finance.queries.dues import Owed, amount_due
from finance.queries.payoff import PayoffQuote, payoff_quote
from finance.queries.positions import (
    HistoryLine,
    RatedSegment,
    interest_segments,
    position_on,
    running_history,
)

ZERO: Final = Decimal(0)
QUOTE_DAYS: Final = 30
"""How many days ahead a payoff figure is given."""


def unit_of(dealership_id: int, public_id: UUID) -> Unit | None:
    """The dealership's unit with that public id, with its account, line, rate plan and title."""
    units = Unit.objects.select_related("account__line", "account__rate_plan", "title")
    return units.filter(dealership_id=dealership_id, account__public_id=public_id).first()


def loan_of(dealership_id: int, public_id: UUID) -> Loan | None:
    """The dealership's loan with that public id, with its account, line and rate plan."""
    loans = Loan.objects.select_related("account__line", "account__rate_plan")
    return loans.filter(dealership_id=dealership_id, account__public_id=public_id).first()


@dataclass(frozen=True, slots=True)
class Calculation:
    """All interest of an account up to a day, segment by segment, less what was billed: what a payoff would post.

    `earned` is the exact sum of the segments, `billed` what was posted of it, `open` the exact rest, `posted` that rest
    rounded half up, which is the figure shown elsewhere. Where a payment counts only from a later day, a payoff before
    it bears the interest of what that payment pays until then: the segments go on to `through`.
    """

    segments: tuple[RatedSegment, ...]
    end: date
    through: date
    earned: Decimal
    billed: Decimal
    open: Decimal
    posted: Decimal

    @property
    def goes_on(self) -> bool:
        """Whether a payment that counts later makes it go on after its day."""
        return self.through > self.end

    @property
    def deducted(self) -> Decimal:
        """What was billed, as the calculation deducts it."""
        return -self.billed


@dataclass(frozen=True, slots=True)
class PayoffLine:
    """What closes an account on one value date, for people to read."""

    value_date: date
    principal: Decimal
    accrued: Decimal
    billed_interest: Decimal
    fees: Decimal
    credit: Decimal
    total: Decimal
    per_diem: Decimal

    @property
    def interest(self) -> Decimal:
        """All interest in it."""
        return self.accrued + self.billed_interest

    @property
    def credit_deducted(self) -> Decimal:
        """The credit, as the sum deducts it."""
        return -self.credit


@dataclass(frozen=True, slots=True)
class ItemRow:
    """A due item as people read it: how much, paid, open, and its state on the page's day."""

    item: DueItem
    amount: Decimal
    open: Decimal
    state: str

    @property
    def paid(self) -> Decimal:
        """What is paid of it."""
        return self.amount - self.open


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One event as people read it: what it changed, and what was owed after it (unbilled interest aside)."""

    event: AccountEvent
    interest: Decimal
    balance: Decimal
    principal_after: Decimal
    is_reversed: bool


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What the page of one account shows as of one day."""

    account: Account
    as_of: date
    position: Position
    accrued: Decimal
    owed: Owed | None
    quote: PayoffQuote | None
    history: tuple[HistoryRow, ...]
    items: tuple[ItemRow, ...]
    calculation: Calculation | None

    @property
    def payoffs(self) -> tuple[PayoffLine, ...]:
        """What closes the account on the day and on each of the days after it; empty when it is not open."""
        if self.quote is None:
            return ()
        return tuple(
            PayoffLine(
                one.value_date,
                one.principal,
                one.accrued,
                one.billed_interest,
                one.fees,
                one.credit,
                one.total,
                one.per_diem,
            )
            for one in self.quote.figures
        )

    @property
    def effective_cost(self) -> Decimal:
        """What the rate costs on a year of 365 days, as a fraction, to a ten-thousandth of a per cent."""
        return self.quote.effective_cost.quantize(Decimal("0.000001")) if self.quote else ZERO

    @property
    def due(self) -> Decimal:
        """What is due on the day, overdue amounts included."""
        return self.owed.total if self.owed else ZERO

    @property
    def payoff(self) -> Decimal:
        """What pays the account off on the day."""
        return self.quote.figures[0].total if self.quote else ZERO


def account_page(account: Account, *, as_of: date) -> AccountPage:
    """Read the page of one account. The number of queries does not depend on how much happened to it."""
    lines = running_history(account)
    position = position_on(account, as_of)
    is_open = account.state == Account.State.OPEN
    days = [as_of + timedelta(days=offset) for offset in range(QUOTE_DAYS + 1)]
    quote = payoff_quote(account, value_dates=days, business_date=as_of) if is_open else None
    return AccountPage(
        account=account,
        as_of=as_of,
        position=position,
        accrued=round_money(position.accrued, account.currency),
        owed=amount_due([account.pk], on=as_of).get(account.pk),
        quote=quote,
        history=_history_rows(lines),
        items=_item_rows(account, as_of),
        calculation=calculation_of(account, lines, end=as_of, figure=quote.figures[0] if quote else None),
    )


def calculation_of(
    account: Account, lines: Sequence[HistoryLine], *, end: date, figure: PayoffFigure | None = None
) -> Calculation | None:
    """The interest of the days before `end`, from the first day on; None before there was any.

    `figure` is what closes the open account on `end`, for the case that a payment counts only after it.
    """
    last = max((line.row.effective_on for line in lines), default=end)
    through = last if figure is not None and last > end else end
    if account.opened_on is None or not lines or through <= account.opened_on:
        return None
    segments = tuple(
        interest_segments(account, account.opened_on, through, paid_off=figure if last > end else None)
    )
    earned = sum((row.segment.interest for row in segments), ZERO)
    billed = sum((line.row.billed for line in lines if line.row.effective_on <= through), ZERO)
    posted = round_money(earned - billed, account.currency)
    return Calculation(segments, end, through, earned, billed, earned - billed, posted)


def _item_rows(account: Account, as_of: date) -> tuple[ItemRow, ...]:
    items = DueItem.objects.filter(account=account).order_by("due_on", "id")
    # An item whose amounts became 0 was replaced, as curtailments are by the payoff after a sale.
    return tuple(_item_row(item, as_of) for item in items if item.principal or item.interest or item.fees)


def _item_row(item: DueItem, as_of: date) -> ItemRow:
    amount = item.principal + item.interest + item.fees
    open_amount = item.outstanding_principal + item.outstanding_interest + item.outstanding_fees
    if not open_amount:
        state = "paid"
    elif (item.grace_until or item.due_on) < as_of:
        state = "overdue"
    else:
        state = "due" if item.due_on <= as_of else "scheduled"
    return ItemRow(item, amount, open_amount, state)


def _history_rows(lines: Sequence[HistoryLine]) -> tuple[HistoryRow, ...]:
    reversed_sequences = {line.row.reverses_sequence for line in lines if line.row.reverses_sequence}
    return tuple(
        HistoryRow(
            event=line.row,
            interest=line.row.billed + line.row.interest,
            balance=line.after.principal + line.after.billed_interest + line.after.fees - line.after.credit,
            principal_after=line.after.principal,
            is_reversed=line.row.sequence in reversed_sequences,
        )
        for line in lines
    )


def ledger_lines(account: Account) -> list[JournalLine]:
    """Every line of the journal that concerns the account, oldest first, with entry and ledger account. One query."""
    lines = JournalLine.objects.filter(account=account).select_related("entry", "ledger_account")
    return list(lines.order_by("entry_id", "id"))
