"""The term loans of one dealership as a list, by contract or by vehicle."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from accounts.tenancy import current_lender_id
from finance.queries.accrual import PAYOFF, RATE_JOINS

ZERO: Final = Decimal(0)

SHOWN: Final[dict[str, str]] = {
    "open": "state = 'open'",
    "overdue": "is_overdue",
    "closed": "state = 'closed'",
    "all": "true",
}
"""What each filter of the list lets through."""

SORTS: Final[dict[str, str]] = {
    "title": "title",
    "number": "number",
    "balance": "principal",
    "due": "next_due_on",
    "amount": "due",
    "end": "ends_on",
    "payoff": "payoff",
}
"""The columns by which the whole set can be sorted."""


@dataclass(frozen=True, slots=True)
class LoanFilters:
    """Which loans of the list are wanted. `shown` is a key of SHOWN, `sort` one of SORTS with an optional minus."""

    shown: str = "open"
    text: str = ""
    sort: str = "due"


@dataclass(frozen=True, slots=True)
class LoanRow:
    """A line of the list. `next_amount` is what falls due on `next_due_on`; `due` what is due today."""

    public_id: UUID
    number: str
    title: str
    vehicle: str
    registration: str
    state: str
    amount: Decimal
    instalment: Decimal
    next_due_on: date | None
    next_amount: Decimal
    due: Decimal
    is_overdue: bool
    ends_on: date | None
    instalments_open: int
    principal: Decimal
    payoff: Decimal | None


@dataclass(frozen=True, slots=True)
class LoanTotals:
    """What the filtered set adds up to, and how many loans each filter would show."""

    count: int
    principal: Decimal
    due: Decimal
    payoff: Decimal
    counts: dict[str, int]


@dataclass(frozen=True, slots=True)
class VehicleRow:
    """All contracts of one vehicle."""

    vehicle: str
    registration: str
    contracts: int
    instalment: Decimal
    next_due_on: date | None
    due: Decimal
    principal: Decimal
    payoff: Decimal | None


_FOUND = f"""
WITH open_item AS MATERIALIZED (
    SELECT account_id, kind, due_on, coalesce(grace_until, due_on) AS grace_until,
           outstanding_principal + outstanding_interest + outstanding_fees AS amount,
           min(due_on) OVER (PARTITION BY account_id) AS next_due_on
    FROM finance_dueitem
    WHERE lender_id = %(lender)s AND dealership_id = %(dealership)s
      AND (outstanding_principal > 0 OR outstanding_interest > 0 OR outstanding_fees > 0)
),
owed AS MATERIALIZED (
    SELECT account_id, next_due_on, max(due_on) AS ends_on,
           sum(amount) FILTER (WHERE due_on = next_due_on) AS next_amount,
           sum(amount) FILTER (WHERE due_on <= %(as_of)s) AS due,
           bool_or(grace_until < %(as_of)s) AS is_overdue,
           count(*) FILTER (WHERE kind = 'instalment') AS instalments_open
    FROM open_item GROUP BY account_id, next_due_on
),
position AS MATERIALIZED (
    SELECT a.public_id, a.number, a.title, l.vehicle, l.registration, a.state, l.amount, l.instalment,
           o.next_due_on, coalesce(o.next_amount, 0) AS next_amount, coalesce(o.due, 0) AS due,
           coalesce(o.is_overdue, false) AS is_overdue, o.ends_on, coalesce(o.instalments_open, 0) AS instalments_open,
           coalesce(p.principal, 0) AS principal, l.account_id,
           CASE WHEN p.account_id IS NULL OR a.state <> 'open' THEN 0
                ELSE {PAYOFF} END AS payoff
    FROM finance_loan l
    JOIN finance_account a ON a.lender_id = l.lender_id AND a.id = l.account_id
    LEFT JOIN finance_accountposition p ON p.lender_id = l.lender_id AND p.account_id = l.account_id
    LEFT JOIN owed o ON o.account_id = l.account_id
    {RATE_JOINS}
    WHERE l.lender_id = %(lender)s AND l.dealership_id = %(dealership)s
      AND (%(text)s = '' OR strpos(upper(a.number || ' ' || a.title), %(text)s) > 0
           OR strpos(upper(l.vehicle || ' ' || l.registration), %(text)s) > 0)
),
found AS (SELECT * FROM position)
"""  # noqa: S608 - joined from constants of this package; every value is a parameter

_COLUMNS = ", ".join(name for name in LoanRow.__dataclass_fields__)
_COUNTS = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in SHOWN.values())


def _parameters(dealership_id: int, as_of: date, filters: LoanFilters) -> dict[str, Any]:
    return {
        "lender": current_lender_id(),
        "dealership": dealership_id,
        "as_of": as_of,
        "text": filters.text.upper(),
    }


def list_loans(
    dealership_id: int, *, as_of: date, filters: LoanFilters, limit: int, offset: int = 0
) -> tuple[LoanTotals, list[LoanRow]]:
    """The totals of the filtered set and a page of its rows from `offset` on. Two queries."""
    parameters = _parameters(dealership_id, as_of, filters)
    wanted = SHOWN[filters.shown]
    order = SORTS[filters.sort.removeprefix("-")]
    direction = "DESC NULLS LAST" if filters.sort.startswith("-") else "ASC NULLS LAST"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_FOUND} SELECT count(*) FILTER (WHERE {wanted}), "  # noqa: S608 - constants
            f"coalesce(sum(principal) FILTER (WHERE {wanted}), 0), coalesce(sum(due) FILTER (WHERE {wanted}), 0), "
            f"coalesce(sum(payoff) FILTER (WHERE {wanted}), 0), {_COUNTS} FROM found",
            parameters,
        )
        count, principal, due, payoff, *counts = cursor.fetchone()
        totals = LoanTotals(count, principal, due, payoff, dict(zip(SHOWN, counts, strict=True)))
        if offset >= count:
            offset = max(0, (count - 1) // limit * limit)
        cursor.execute(
            f"{_FOUND} SELECT {_COLUMNS} FROM found WHERE {wanted} ORDER BY {order} {direction}, account_id "  # noqa: S608
            "LIMIT %(limit)s OFFSET %(offset)s",
            {**parameters, "limit": limit, "offset": offset},
        )
        return totals, [LoanRow(*row) for row in cursor.fetchall()]


def loans_by_vehicle(dealership_id: int, *, as_of: date, filters: LoanFilters) -> list[VehicleRow]:
    """The filtered loans summed per vehicle, by registration and name. One query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_FOUND} SELECT vehicle, registration, count(*), sum(instalment), min(next_due_on), sum(due), "  # noqa: S608
            f"sum(principal), sum(payoff) FROM found WHERE {SHOWN[filters.shown]} "
            "GROUP BY vehicle, registration ORDER BY vehicle, registration",
            _parameters(dealership_id, as_of, filters),
        )
        return [VehicleRow(*row) for row in cursor.fetchall()]
