"""The dashboard's own reads: how many units stand where, how old they are, how the line was used, what happened lately.

Each is one statement over a handful of rows per dealership; nothing here loops over units in Python.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from accounts.tenancy import current_lender_id
from finance.queries.accrual import PAYOFF, RATE_JOINS

ZERO: Final = Decimal(0)

CASH: Final = "1000"
"""The ledger account through which money comes and goes, in every lender's chart."""

AGE_LIMITS: Final = (30, 60, 90, 120)
"""A unit of up to so many days on the floor plan is in the bucket; the last bucket has no end."""


def _read(statement: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"lender": current_lender_id(), **parameters})
        return cursor.fetchall()


@dataclass(frozen=True, slots=True)
class Ages:
    """Live units and their principal by days on the floor plan: 0-30, 31-60, 61-90, 91-120, 121 and more."""

    units: tuple[int, ...]
    principal: tuple[Decimal, ...]


@dataclass(frozen=True, slots=True)
class Holdings:
    """How many units and loans a dealership has in each state, and their principal."""

    units: Mapping[str, int]
    unit_principal: Decimal
    loans: int
    loan_principal: Decimal
    ages: Ages

    def count(self, *states: str) -> int:
        """How many units are in one of `states`."""
        return sum(self.units.get(state, 0) for state in states)

    @property
    def live(self) -> int:
        """Units on which money is out."""
        return self.count("funded", "sold")


_HOLDINGS = """
SELECT a.kind, coalesce(u.state, ''),
       CASE WHEN u.state IN ('funded', 'sold')
            THEN width_bucket(%(as_of)s::date - u.funded_on, %(bounds)s::integer[]) ELSE 0 END,
       count(*), coalesce(sum(p.principal), 0)
FROM finance_account a
LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id
LEFT JOIN finance_accountposition p ON p.lender_id = a.lender_id AND p.account_id = a.id
WHERE a.lender_id = %(lender)s AND a.dealership_id = %(dealership)s AND a.state IN ('open', 'pending')
GROUP BY 1, 2, 3
"""


def holdings_of(dealership_id: int, *, as_of: date) -> Holdings:
    """What the dealership has on its lines now, by state and by age on `as_of`. One query."""
    bounds = [limit + 1 for limit in AGE_LIMITS]
    rows = _read(_HOLDINGS, {"dealership": dealership_id, "as_of": as_of, "bounds": bounds})
    states: dict[str, int] = {}
    ages = [0] * (len(AGE_LIMITS) + 1)
    principals = [ZERO] * (len(AGE_LIMITS) + 1)
    loans, loan_principal = 0, ZERO
    for kind, state, bucket, count, principal in rows:
        if kind == "loan":
            loans += count
            loan_principal += principal
            continue
        states[state] = states.get(state, 0) + count
        if state in {"funded", "sold"}:
            ages[bucket] += count
            principals[bucket] += principal
    return Holdings(
        states, sum(principals, ZERO), loans, loan_principal, Ages(tuple(ages), tuple(principals))
    )


_MOVEMENTS = """
SELECT e.effective_on, sum(e.principal)
FROM finance_accountevent e
JOIN finance_account a ON a.lender_id = e.lender_id AND a.id = e.account_id AND a.kind = 'unit'
WHERE e.lender_id = %(lender)s AND e.dealership_id = %(dealership)s AND e.effective_on > %(since)s
  AND e.principal <> 0
GROUP BY 1
"""


def line_use(dealership_id: int, *, used: Decimal, as_of: date, days: int = 90) -> list[tuple[date, Decimal]]:
    """Principal on floor-plan units at the end of each of the last `days` days and of `as_of`.

    Counted back from `used`, today's principal, by the movements since: only those are read. One query.
    """
    since = as_of - timedelta(days=days)
    moved = dict(_read(_MOVEMENTS, {"dealership": dealership_id, "since": since}))
    # What takes effect after today is not in any of the days shown, but is in today's position.
    level = used - sum((amount for day, amount in moved.items() if day > as_of), ZERO)
    levels = []
    for offset in range(days + 1):
        day = as_of - timedelta(days=offset)
        levels.append((day, level))
        level -= moved.get(day, ZERO)
    return levels[::-1]


@dataclass(frozen=True, slots=True)
class SoldUnit:
    """A unit that was sold and is not paid off yet, with what pays it off today."""

    public_id: UUID
    vehicle: str
    vin_tail: str
    stock_number: str
    sold_on: date | None
    payoff_due_at: datetime | None
    payoff: Decimal


_SOLD = f"""
SELECT a.public_id, u.model_year || ' ' || u.make || ' ' || u.model, u.vin_tail, u.stock_number, u.sold_on,
       u.payoff_due_at, {PAYOFF}
FROM finance_unit u
JOIN finance_account a ON a.lender_id = u.lender_id AND a.id = u.account_id
JOIN finance_accountposition p ON p.lender_id = u.lender_id AND p.account_id = u.account_id
{RATE_JOINS}
WHERE u.lender_id = %(lender)s AND u.dealership_id = %(dealership)s AND u.state = 'sold'
ORDER BY u.payoff_due_at NULLS LAST, u.account_id
LIMIT %(limit)s
"""  # noqa: S608 - joined from constants; every value is a parameter


def sold_units(dealership_id: int, *, as_of: date, limit: int) -> list[SoldUnit]:
    """The sold and unpaid units whose clock ends first. One query."""
    parameters = {"dealership": dealership_id, "as_of": as_of, "limit": limit}
    return [SoldUnit(*row) for row in _read(_SOLD, parameters)]


@dataclass(frozen=True, slots=True)
class Posting:
    """One entry of the journal, as the dealership reads it."""

    entry_id: int
    description: str
    effective_on: date
    recorded_at: datetime
    amount: Decimal
    account_public_id: UUID | None
    account_kind: str | None
    account_title: str | None
    accounts: int


_LATEST = """
SELECT e.id, e.description, e.effective_on, e.recorded_at, l.amount, a.public_id, a.kind, a.title, l.accounts
FROM (
    SELECT id, description, effective_on, recorded_at FROM finance_journalentry
    WHERE lender_id = %(lender)s AND dealership_id = %(dealership)s ORDER BY id DESC LIMIT %(limit)s
) e
CROSS JOIN LATERAL (
    -- Money that moved is what people know a payment or an advance by; a bill moves none, and is known by its charge.
    SELECT coalesce(sum(n.debit + n.credit) FILTER (WHERE g.code = %(cash)s), sum(n.debit)) AS amount,
           count(DISTINCT n.account_id) AS accounts, min(n.account_id) AS account_id
    FROM finance_journalline n
    JOIN finance_ledgeraccount g ON g.lender_id = n.lender_id AND g.id = n.ledger_account_id
    WHERE n.lender_id = %(lender)s AND n.entry_id = e.id
) l
LEFT JOIN finance_account a ON l.accounts = 1 AND a.lender_id = %(lender)s AND a.id = l.account_id
ORDER BY e.id DESC
"""


def latest_postings(dealership_id: int, *, limit: int = 8) -> list[Posting]:
    """What was posted last, newest first. One query."""
    return [
        Posting(*row) for row in _read(_LATEST, {"dealership": dealership_id, "limit": limit, "cash": CASH})
    ]
