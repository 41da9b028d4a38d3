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
from typing import Any, Final

from django.db import connection

from accounts.models import Dealership, Lender
from accounts.queries.hosts import public_origin
from accounts.tenancy import current_lender_id
from finance.interest import YEAR_PARTS
from finance.models import Account, AccountEvent, CreditLine, Statement
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
    StatementContent,
    from_json,
    total_of,
)
from finance.queries.statements.due import Owing, falling_due, next_month_end, payment_date

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


_MOVED: Final = """
WITH moved AS (
    SELECT a.id AS account_id, e.sequence, e.kind, coalesce(o.kind, e.kind) AS root, e.effective_on,
           e.principal, e.billed, e.interest, e.fees, e.credit,
           j.id AS entry_id, j.business_date, j.description,
           coalesce(
               j.business_date >= %(start)s
               OR (j.business_date BETWEEN %(known_start)s AND %(known_end)s AND j.id <> ALL(%(known)s::bigint[]))
               OR (j.business_date < %(known_start)s AND j.id > %(known_last)s), false) AS is_new
    FROM finance_account a
    JOIN finance_accountevent e ON e.lender_id = a.lender_id AND e.account_id = a.id
    JOIN finance_journalentry j ON j.lender_id = e.lender_id AND j.id = e.entry_id
    LEFT JOIN finance_accountevent o
        ON o.lender_id = e.lender_id AND o.account_id = e.account_id AND o.sequence = e.reverses_sequence
    WHERE a.lender_id = %(lender)s AND a.dealership_id = %(dealership)s AND j.business_date <= %(end)s
)
"""

_ACCOUNTS: Final = (
    _MOVED
    + """
, sums AS (
    SELECT account_id,
           coalesce(sum(principal) FILTER (WHERE NOT is_new), 0) AS opening_principal,
           coalesce(sum(billed + interest) FILTER (WHERE NOT is_new), 0) AS opening_interest,
           coalesce(sum(fees) FILTER (WHERE NOT is_new), 0) AS opening_fees,
           coalesce(sum(credit) FILTER (WHERE NOT is_new), 0) AS opening_credit,
           sum(principal) AS principal, sum(billed + interest) AS interest, sum(fees) AS fees, sum(credit) AS credit,
           coalesce(sum(principal) FILTER (WHERE root = 'advance'), 0) AS lent,
           bool_or(kind = 'interest_billed' AND effective_on = %(end)s + 1) AS is_billed,
           bool_or(is_new) AS has_moved
    FROM moved GROUP BY account_id
)
SELECT a.id, a.public_id::text, a.kind, a.number, a.title, a.line_id, a.rate_plan_id,
       coalesce(u.vin, l.registration, ''),
       s.opening_principal, s.opening_interest, s.opening_fees, -s.opening_credit,
       s.principal, s.interest, s.fees, -s.credit, s.lent, s.is_billed,
       s.principal * (d.next - d.last)
FROM sums s
JOIN finance_account a ON a.lender_id = %(lender)s AND a.id = s.account_id
LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id
LEFT JOIN finance_loan l ON l.lender_id = a.lender_id AND l.account_id = a.id
LEFT JOIN LATERAL (
    SELECT max(cumulative) FILTER (WHERE day = %(end)s) AS last, max(cumulative) FILTER (WHERE day = %(end)s + 1) AS next
    FROM finance_rateplanday WHERE lender_id = a.lender_id AND plan_id = a.rate_plan_id AND day IN (%(end)s, %(end)s + 1)
) d ON a.kind = 'unit'
WHERE s.has_moved OR s.opening_principal <> 0 OR s.opening_interest <> 0 OR s.opening_fees <> 0 OR s.opening_credit <> 0
      OR s.principal <> 0 OR s.interest <> 0 OR s.fees <> 0 OR s.credit <> 0
ORDER BY a.kind DESC, a.opened_on, a.number
"""
)

_LINES: Final = (
    _MOVED
    + """
SELECT account_id, kind, root, effective_on, principal, billed, interest, fees, credit, entry_id, business_date, description
FROM moved WHERE is_new
ORDER BY business_date, entry_id, account_id, sequence
"""
)

# The other side of the proof: the same closing from the double-entry lines.
_LEDGER: Final = """
SELECT l.account_id,
       coalesce(sum(l.debit - l.credit) FILTER (WHERE g.code IN ('1200', '1210')), 0),
       coalesce(sum(l.debit - l.credit) FILTER (WHERE g.code = '1300'), 0),
       coalesce(sum(l.debit - l.credit) FILTER (WHERE g.code = '1310'), 0),
       coalesce(sum(l.debit - l.credit) FILTER (WHERE g.code = '2000'), 0)
FROM finance_account a
JOIN finance_journalline l ON l.lender_id = a.lender_id AND l.account_id = a.id
JOIN finance_journalentry j ON j.lender_id = l.lender_id AND j.id = l.entry_id
JOIN finance_ledgeraccount g ON g.lender_id = l.lender_id AND g.id = l.ledger_account_id
WHERE a.lender_id = %(lender)s AND a.dealership_id = %(dealership)s AND j.business_date <= %(end)s
GROUP BY l.account_id
"""

_DUE: Final = """
SELECT d.account_id, d.kind, d.number, d.billed_on, d.due_on, d.principal, d.interest, d.fees
FROM finance_dueitem d
WHERE d.lender_id = %(lender)s AND d.account_id = ANY(%(accounts)s)
      AND (d.principal > 0 OR d.interest > 0 OR d.fees > 0)
ORDER BY d.account_id, d.due_on, d.id
"""

_CREDIT_LINES: Final = """
SELECT c.id, c.number, c.name, c.kind, c."limit", coalesce(sum(u.advance_amount), 0)
FROM finance_creditline c
LEFT JOIN finance_account a ON a.lender_id = c.lender_id AND a.line_id = c.id AND a.kind = 'unit'
LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id AND u.approved_at < %(night)s
    AND u.state <> 'refused' AND (u.funded_on IS NULL OR u.funded_on > %(end)s)
WHERE c.lender_id = %(lender)s AND c.dealership_id = %(dealership)s AND c.opened_on <= %(end)s AND c.state <> 'closed'
GROUP BY c.id ORDER BY c.kind, c.number
"""

# One row where a plan's rate begins or changes, with the index as it stood then.
_RATES: Final = """
SELECT p.id, p.name, p.day_count, p.compounding, p.margin, r.day, r.annual_rate, coalesce(i.name, ''), f.annual_rate,
       coalesce(f.source, '')
FROM (
    SELECT plan_id, day, annual_rate, lag(annual_rate) OVER (PARTITION BY plan_id ORDER BY day) AS before
    FROM finance_rateplanday
    WHERE lender_id = %(lender)s AND plan_id = ANY(%(plans)s) AND day BETWEEN %(start)s AND %(end)s
) r
JOIN finance_rateplan p ON p.lender_id = %(lender)s AND p.id = r.plan_id
LEFT JOIN finance_rateindex i ON i.lender_id = p.lender_id AND i.id = p.index_id
LEFT JOIN LATERAL (
    SELECT annual_rate, source FROM finance_indexfixing
    WHERE lender_id = p.lender_id AND index_id = p.index_id AND effective_from <= r.day
    ORDER BY effective_from DESC LIMIT 1
) f ON true
WHERE r.before IS DISTINCT FROM r.annual_rate
ORDER BY p.name, p.id, r.day
"""

_LAST_ENTRY: Final = """
SELECT coalesce(max(id), 0) FROM finance_journalentry WHERE lender_id = %(lender)s AND dealership_id = %(dealership)s
"""


@dataclass(frozen=True, slots=True)
class _Account:
    """One row of `_ACCOUNTS`."""

    id: int
    public_id: str
    kind: str
    number: str
    title: str
    line_id: int
    plan_id: int
    identification: str
    opening: Amounts
    closing: Amounts
    lent: Decimal
    is_billed: bool
    last_day: Decimal | None

    @property
    def lacks_bill(self) -> bool:
        """Whether the month's interest is missing: a unit that earns at least a cent a day and has no bill."""
        return not self.is_billed and (self.last_day or ZERO) / YEAR_PARTS >= Decimal("0.01")


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
    accounts = [
        _Account(*row[:8], Amounts(*row[8:12]), Amounts(*row[12:16]), *row[16:])
        for row in _rows(_ACCOUNTS, parameters)
    ]
    _require_bills(accounts, period_end)
    lines: dict[int, list[Line]] = defaultdict(list)
    for row in _rows(_LINES, parameters):
        lines[row[0]] += _lines_of(*row[1:])
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
        last_entry=_rows(_LAST_ENTRY, parameters)[0][0],
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


def _lines_of(
    kind: str,
    root: str,
    effective_on: date,
    principal: Decimal,
    billed: Decimal,
    interest: Decimal,
    fees: Decimal,
    credit: Decimal,
    entry: int,
    booked_on: date,
    description: str,
) -> list[Line]:
    """One event as what it charges and what it pays; a payoff does both.

    An advance, billed interest, an assessed fee and corrections of them are charges; all else is payment. A reversal
    stands on the side of what it takes back, with the opposite sign.
    """
    lends = root == Kind.ADVANCE
    assesses = root in {Kind.FEE_ASSESSED, Kind.ADJUSTMENT}
    charged = Amounts(principal if lends else ZERO, billed, fees if assesses else ZERO)
    paid = Amounts(
        ZERO if lends else -principal,
        -interest,
        ZERO if assesses else -fees,
        credit,
    )
    found = []
    if charged:
        name = kind if kind == Kind.REVERSAL or root not in _PAYING else Kind.INTEREST_BILLED.value
        found.append(Line(booked_on, effective_on, name, description, entry, "charge", charged))
    if paid:
        found.append(Line(booked_on, effective_on, kind, description, entry, "payment", paid))
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
    items = _rows(_DUE, {**parameters, "accounts": list(owing)})
    return falling_due(owing, items, period_end=parameters["end"], through=next_month_end(parameters["end"]))


def _credit_lines(accounts: Iterable[_Account], parameters: Mapping[str, Any]) -> tuple[LineUse, ...]:
    used: dict[int, Decimal] = defaultdict(Decimal)
    for account in accounts:
        used[account.line_id] += account.closing.principal
    return tuple(
        LineUse(number, name, kind, limit, used[key] + ZERO, approved)
        for key, number, name, kind, limit, approved in _rows(_CREDIT_LINES, parameters)
        if kind == CreditLine.Kind.FLOOR_PLAN or used[key]
    )


def _rates(accounts: Iterable[_Account], parameters: Mapping[str, Any]) -> tuple[RateSpan, ...]:
    plans = sorted({account.plan_id for account in accounts})
    rows = _rows(_RATES, {**parameters, "plans": plans})
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
    booked = {row[0]: Amounts(*row[1:]) for row in _rows(_LEDGER, parameters)}
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
