"""Assembling a statement from the events of a month, and proving it against the ledger before anybody sees it.

A month holds what was posted on its business dates, so a closed month never changes. What is posted to a month after
its statement was made (a bill repeated late) stands in the next statement, with its own date: the closing of one
month is always the opening of the next. The number of queries does not depend on the number of accounts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db import connection

from accounts.models import Dealership, Lender
from accounts.queries.hosts import public_origin
from accounts.tenancy import current_lender_id
from finance.interest import YEAR_PARTS
from finance.models import Account, AccountEvent, CreditLine, Statement
from finance.queries.statements import questions
from finance.queries.statements.content import (
    COLUMNS,
    ZERO,
    AccountPart,
    Amounts,
    DueLine,
    Line,
    LineUse,
    Party,
    RateSpan,
    Side,
    StatementContent,
    total_of,
)
from finance.queries.statements.due import Owing, falling_due, next_month_end, payment_date
from finance.queries.statements.kept import from_json

Kind = AccountEvent.Kind


class UnprovenStatementError(Exception):
    """The statement would not prove itself, or not tie to the ledger; the text says why, for finance staff."""


@dataclass(frozen=True, slots=True)
class Before:
    """The last statement made before: what it knew decides what counts as late."""

    content: StatementContent | None

    def parameters(self) -> dict[str, Any]:
        """What the queries ask about it."""
        content = self.content
        if content is None:
            return {"known": [], "known_start": None, "known_end": None, "known_last": 0}
        return {
            "known": sorted({line.entry for account in content.accounts for line in account.lines}),
            "known_start": content.period_start,
            "known_end": content.period_end,
            "known_last": content.last_entry,
        }


@dataclass(frozen=True, slots=True)
class _Account:
    """One row of `ACCOUNTS`."""

    id: int
    public_id: str
    kind: str
    number: str
    title: str
    line_id: int
    plan_id: int
    identification: str
    lent: Decimal
    is_billed: bool
    last_day: Decimal | None
    opening: Amounts
    closing: Amounts

    @property
    def lacks_bill(self) -> bool:
        """Whether the month's interest is missing: a unit that earned at least a cent on its last day and has no bill.

        Not so of a unit without interest yet, nor of one that was paid off before the bill: its payoff took it along.
        """
        return not self.is_billed and (self.last_day or ZERO) / YEAR_PARTS >= Decimal("0.01")


def _account(row: tuple[Any, ...]) -> _Account:
    key, public_id, kind, number, title, line, plan, identification, lent, is_billed, last_day, *amounts = row
    return _Account(
        id=key,
        public_id=public_id,
        kind=kind,
        number=number,
        title=title,
        line_id=line,
        plan_id=plan,
        identification=identification,
        lent=lent,
        is_billed=is_billed,
        last_day=last_day,
        opening=Amounts(*amounts[:4]),
        closing=Amounts(*amounts[4:]),
    )


def _rows(query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return cursor.fetchall()


def assemble(
    *,
    lender: Lender,
    dealership: Dealership,
    number: str,
    period_start: date,
    period_end: date,
    made_on: date,
) -> StatementContent:
    """The statement of one dealership and month as the books stand now.

    Raises UnprovenStatementError where it would not prove itself, would not continue the statement before, or where the
    month's interest is not billed yet.
    """
    before, after = _neighbours(dealership, period_start, period_end)
    parameters = {
        "lender": current_lender_id(),
        "dealership": dealership.pk,
        "start": period_start,
        "end": period_end,
        "night": datetime.combine(period_end + timedelta(days=1), time(), tzinfo=lender.zone),
        **before.parameters(),
    }
    accounts = [_account(row) for row in _rows(questions.ACCOUNTS, parameters)]
    _require_bills(accounts, period_end)
    lines: dict[int, list[Line]] = defaultdict(list)
    for row in _rows(questions.LINES, parameters):
        lines[row[0]] += _lines_of(_Event(*row[1:]))
    parts = tuple(
        AccountPart(
            public_id=account.public_id,
            kind=account.kind,
            number=account.number,
            title=account.title,
            identification=account.identification,
            opening=account.opening,
            lines=tuple(lines[account.id]),
            closing=account.closing,
        )
        for account in accounts
    )
    due = _due(accounts, parameters)
    continues = before.content is not None and before.content.period_end == period_start - timedelta(days=1)
    content = StatementContent(
        number=number,
        lender=Party(lender.name, "", (lender.support_phone, lender.support_email, lender.support_hours)),
        dealership=Party(dealership.name, dealership.number, _address(dealership)),
        currency=lender.currency,
        time_zone=lender.time_zone,
        origin=public_origin(),
        period_start=period_start,
        period_end=period_end,
        made_on=made_on,
        last_entry=_rows(questions.LAST_ENTRY, parameters)[0][0],
        previous=before.content.number if before.content is not None and continues else "",
        accounts=parts,
        due_on=payment_date(due, period_end),
        due=due,
        credit_lines=_credit_lines(accounts, parameters),
        rates=_rates(accounts, parameters),
    )
    faults = content.faults() + _ledger_faults(accounts, parameters)
    if before.content is not None and continues:
        faults += _gap(before.content, content)
    if after is not None:
        faults += _gap(content, after)
    if faults:
        raise UnprovenStatementError(" ".join(faults[:3]))
    return content


def _neighbours(
    dealership: Dealership, period_start: date, period_end: date
) -> tuple[Before, StatementContent | None]:
    """The statement made for the last period before, and the one that follows directly. One query."""
    ready = Statement.objects.filter(dealership=dealership, state=Statement.State.READY)
    earlier = ready.filter(period_end__lt=period_start).order_by("-period_end")[:1]
    later = ready.filter(period_start=period_end + timedelta(days=1))[:1]
    found = earlier.union(later, all=True).values_list("period_end", "content")
    rows = [(end, from_json(content)) for end, content in found]
    before = next((content for end, content in rows if end < period_start), None)
    after = next((content for end, content in rows if end > period_end), None)
    return Before(before), after


def _require_bills(accounts: Iterable[_Account], period_end: date) -> None:
    missing = [
        account.number for account in accounts if account.kind == Account.Kind.UNIT and account.lacks_bill
    ]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise UnprovenStatementError(
            f"The interest of the month to {period_end} is not billed yet for {', '.join(missing[:3])}{more}. "
            "Bill it, then try again."
        )


def _address(dealership: Dealership) -> tuple[str, ...]:
    place = " ".join(part for part in (dealership.postal_code, dealership.town, dealership.region) if part)
    return tuple(part for part in (dealership.street, place) if part)


# --- movements --------------------------------------------------------------------------------------------------------


class _Event(NamedTuple):
    """One row of the movements; of a reversal, `root` is the kind of what it takes back."""

    kind: str
    root: str
    effective_on: date
    principal: Decimal
    billed: Decimal
    interest: Decimal
    fees: Decimal
    credit: Decimal
    entry: int
    booked_on: date
    description: str


def _lines_of(event: _Event) -> list[Line]:
    """One event as what it charges and what it pays; a payoff does both.

    An advance, billed interest, an assessed fee and corrections of them are charges; all else is payment. A reversal
    stands on the side of what it takes back, with the opposite sign.
    """
    lends = event.root == Kind.ADVANCE
    assesses = event.root in {Kind.FEE_ASSESSED, Kind.ADJUSTMENT}
    charged = Amounts(event.principal if lends else ZERO, event.billed, event.fees if assesses else ZERO)
    paid = Amounts(
        ZERO if lends else -event.principal,
        -event.interest,
        ZERO if assesses else -event.fees,
        event.credit,
    )

    def line(kind: str, side: Side, amounts: Amounts) -> Line:
        return Line(event.booked_on, event.effective_on, kind, event.description, event.entry, side, amounts)

    found = []
    if charged:
        # What a payment bills on the way is interest, whatever the payment is called.
        bills = event.kind != Kind.REVERSAL and event.root in _PAYING
        found.append(line(Kind.INTEREST_BILLED.value if bills else event.kind, "charge", charged))
    if paid:
        found.append(line(event.kind, "payment", paid))
    return found


_PAYING: Final = frozenset(
    {Kind.PAYOFF, Kind.PAYMENT, Kind.CURTAILMENT, Kind.INTEREST_PAYMENT, Kind.FEE_PAYMENT, Kind.CREDIT}
)


# --- due, lines, rates ------------------------------------------------------------------------------------------------


def _due(accounts: Sequence[_Account], parameters: Mapping[str, Any]) -> tuple[DueLine, ...]:
    owing = {
        account.id: Owing(account.kind == Account.Kind.LOAN, account.closing, account.lent, account.is_billed)
        for account in accounts
        if account.closing
    }
    items = _rows(questions.DUE, {**parameters, "accounts": list(owing)})
    return falling_due(owing, items, period_end=parameters["end"], through=next_month_end(parameters["end"]))


def _credit_lines(accounts: Iterable[_Account], parameters: Mapping[str, Any]) -> tuple[LineUse, ...]:
    used: dict[int, Decimal] = defaultdict(Decimal)
    for account in accounts:
        used[account.line_id] += account.closing.principal
    return tuple(
        LineUse(number, name, kind, limit, used[key] + ZERO, approved)
        for key, number, name, kind, limit, approved in _rows(questions.CREDIT_LINES, parameters)
        if kind == CreditLine.Kind.FLOOR_PLAN or used[key]
    )


def _rates(accounts: Iterable[_Account], parameters: Mapping[str, Any]) -> tuple[RateSpan, ...]:
    plans = sorted({account.plan_id for account in accounts})
    rows = _rows(questions.RATES, {**parameters, "plans": plans})
    spans = []
    for number, (
        plan,
        name,
        day_count,
        compounding,
        margin,
        start,
        rate,
        index,
        index_rate,
        source,
    ) in enumerate(rows):
        follower = rows[number + 1] if number + 1 < len(rows) and rows[number + 1][0] == plan else None
        spans.append(
            RateSpan(
                plan=name,
                day_count=day_count,
                compounding=compounding,
                start=start,
                end=follower[5] - timedelta(days=1) if follower else parameters["end"],
                annual_rate=rate,
                index_name=index,
                index_rate=index_rate,
                margin=margin,
                source=source,
            )
        )
    return tuple(spans)


# --- proof ------------------------------------------------------------------------------------------------------------


def _ledger_faults(accounts: Iterable[_Account], parameters: Mapping[str, Any]) -> list[str]:
    """Where the closing by events is not the closing by double entry."""
    booked = {row[0]: Amounts(*row[1:]) for row in _rows(questions.LEDGER, parameters)}
    faults = []
    for account in accounts:
        found = booked.pop(account.id, Amounts())
        if found != account.closing:
            faults.append(
                f"{account.number} closes at {account.closing.total}, the ledger says {found.total}."
            )
    # An account that the statement leaves out must owe nothing in the ledger either.
    faults += [
        f"Account {key} owes {left.total} in the ledger and is missing here."
        for key, left in booked.items()
        if left
    ]
    return faults


def _gap(earlier: StatementContent, later: StatementContent) -> list[str]:
    """Where one statement does not open with what the one before closed with."""
    closing = {account.public_id: account.closing for account in earlier.accounts}
    opening = {account.public_id: account.opening for account in later.accounts}
    faults = []
    for key in closing.keys() | opening.keys():
        ended, began = closing.get(key, Amounts()), opening.get(key, Amounts())
        if ended != began:
            number = next(row.number for row in (*earlier.accounts, *later.accounts) if row.public_id == key)
            columns = ", ".join(name for name in COLUMNS if getattr(ended, name) != getattr(began, name))
            faults.append(
                f"{number} closes at {ended.total} in {earlier.number} and opens at {began.total} in {later.number} "
                f"({columns})."
            )
    if not faults and total_of(closing.values()) != total_of(opening.values()):
        faults.append(f"{earlier.number} does not close with what {later.number} opens with.")
    return faults
