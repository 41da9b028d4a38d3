"""The units of one dealership as a list: what each owes, filtered, sorted, paged and summed by the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.tenancy import current_lender_id
from finance.models import VehicleTitle
from finance.queries.accrual import ACCRUED, RATE_JOINS
from finance.queries.open_items import IS_OPEN

WEEK: Final = timedelta(days=7)
_VIN_LENGTH: Final = 17
_TAIL_LENGTH: Final = 6

SHOWN: Final[dict[str, str]] = {
    "live": "state IN ('funded', 'sold')",
    "week": "state IN ('funded', 'sold') AND due_in_week > 0",
    "overdue": "is_overdue",
    "sold": "state = 'sold'",
    "requested": "state IN ('requested', 'approved')",
    "paid": "state = 'paid'",
    "all": "true",
}
"""What each filter of the list lets through."""

SORTS: Final[dict[str, str]] = {
    "due": "next_due_on",
    "vehicle": "make || ' ' || model || ' ' || model_year",
    "vin": "vin_tail",
    "stock": "stock_number",
    "floored": "funded_on",
    "days": "days",
    "state": "state",
    "title": "title_state",
    "amount": "due",
    "payoff": "payoff",
}
"""The columns by which the whole set can be sorted."""


@dataclass(frozen=True, slots=True)
class UnitFilters:
    """Which units of the list are wanted. `shown` is a key of SHOWN, `sort` one of SORTS with an optional minus.

    `title` is a state of the title, `accounts` narrows to given accounts (a pasted list that was looked up before).
    """

    shown: str = "live"
    condition: str = ""
    title: str = ""
    text: str = ""
    sort: str = "due"
    accounts: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A line of the list. Amounts in the lender's currency; `due` is what is due by the list's horizon."""

    account_id: int
    public_id: UUID
    number: str
    vin: str
    vin_tail: str
    stock_number: str
    model_year: int
    make: str
    model: str
    condition: str
    state: str
    title_state: str | None
    title_since: date | None
    funded_on: date | None
    sold_on: date | None
    payoff_due_at: datetime | None
    advance_amount: Decimal
    days: int | None
    next_due_on: date | None
    due: Decimal
    due_in_week: Decimal
    is_overdue: bool
    principal: Decimal
    accrued: Decimal
    billed_interest: Decimal
    fees: Decimal
    credit: Decimal
    payoff: Decimal | None

    @property
    def vehicle(self) -> str:
        """Year, make and model."""
        return f"{self.model_year} {self.make} {self.model}"

    @property
    def is_live(self) -> bool:
        """Whether money is out on it."""
        return self.state in {"funded", "sold"}

    @property
    def title_label(self) -> str | Promise:
        """Where its title is, in a word."""
        return VehicleTitle.State(self.title_state).label if self.title_state else ""

    @property
    def title_words(self) -> str:
        """The same where no column says that it is about the title."""
        return _("title %(state)s") % {"state": str(self.title_label).lower()} if self.title_state else ""


@dataclass(frozen=True, slots=True)
class UnitTotals:
    """What the filtered set adds up to, and how many units each filter would show."""

    count: int
    principal: Decimal
    due: Decimal
    payoff: Decimal
    counts: dict[str, int]


# Everything below `found` is one row per unit of the dealership: the filters, the sums and the page all read it.
_FOUND = f"""
WITH owed AS MATERIALIZED (
    SELECT d.account_id, min(d.due_on) AS next_due_on, min(d.due_on) FILTER (WHERE d.kind = 'payoff') AS payoff_on,
           bool_or(coalesce(d.grace_until, d.due_on) < %(as_of)s) AS is_overdue,
           sum(d.outstanding_principal + d.outstanding_interest + d.outstanding_fees)
               FILTER (WHERE d.due_on <= %(horizon)s) AS due,
           sum(d.outstanding_principal + d.outstanding_interest + d.outstanding_fees)
               FILTER (WHERE d.due_on <= %(week_end)s) AS due_in_week
    FROM finance_dueitem d
    WHERE d.lender_id = %(lender)s AND d.dealership_id = %(dealership)s AND {IS_OPEN}
    GROUP BY d.account_id
),
position AS MATERIALIZED (
    SELECT u.account_id, a.public_id, a.number, u.vin, u.vin_tail, u.stock_number, u.model_year, u.make, u.model,
           u.condition, u.state, paper.state AS title_state, paper.since AS title_since, u.funded_on, u.sold_on,
           u.payoff_due_at, u.advance_amount,
           CASE WHEN u.state IN ('funded', 'sold') THEN %(as_of)s::date - u.funded_on END AS days,
           coalesce(p.principal, 0) AS principal,
           CASE WHEN p.account_id IS NULL THEN 0 ELSE {ACCRUED} END AS accrued,
           coalesce(p.billed_interest, 0) AS billed_interest, coalesce(p.fees, 0) AS fees,
           coalesce(p.credit, 0) AS credit
    FROM finance_unit u
    JOIN finance_account a ON a.lender_id = u.lender_id AND a.id = u.account_id
    LEFT JOIN finance_accountposition p ON p.lender_id = u.lender_id AND p.account_id = u.account_id
    LEFT JOIN finance_vehicletitle paper ON paper.lender_id = u.lender_id AND paper.unit_id = u.account_id
    {RATE_JOINS}
    WHERE u.lender_id = %(lender)s AND u.dealership_id = %(dealership)s
      AND (%(condition)s = '' OR u.condition = %(condition)s)
      AND (%(title)s = '' OR paper.state = %(title)s)
      AND (%(accounts)s::bigint[] IS NULL OR u.account_id = ANY (%(accounts)s::bigint[]))
      AND (%(text)s = '' OR strpos(u.vin, %(text)s) > 0 OR strpos(upper(u.stock_number), %(text)s) > 0
           OR strpos(upper(u.model_year || ' ' || u.make || ' ' || u.model), %(text)s) > 0)
),
joined AS MATERIALIZED (
    -- Each has at most one row for an account, which the planner takes for one row in all: a left join would be a loop
    -- in a loop, a full one cannot be. What is owed by loans and by units that are not wanted goes below.
    SELECT p.*, o.next_due_on, CASE WHEN p.state = 'sold' THEN o.payoff_on END AS payoff_on,
           coalesce(o.due, 0) AS due_items, coalesce(o.due_in_week, 0) AS due_items_in_week,
           coalesce(o.is_overdue, false) AS is_overdue
    FROM position p FULL JOIN owed o ON o.account_id = p.account_id
),
owing AS (
    SELECT *, CASE WHEN state IN ('funded', 'sold') THEN owed - least(credit, owed) ELSE 0 END AS payoff
    FROM (SELECT *, principal + accrued + billed_interest + fees AS owed FROM joined WHERE account_id IS NOT NULL) j
),
found AS (
    -- All that a sold unit owes falls due with its payoff.
    SELECT *, CASE WHEN payoff_on <= %(horizon)s THEN payoff ELSE due_items END AS due,
           CASE WHEN payoff_on <= %(week_end)s THEN payoff ELSE due_items_in_week END AS due_in_week
    FROM owing
)
"""  # noqa: S608 - joined from constants of this package; every value is a parameter

_COLUMNS = ", ".join(name for name in UnitRow.__dataclass_fields__)
_COUNTS = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in SHOWN.values())


def list_units(
    dealership_id: int, *, as_of: date, filters: UnitFilters, limit: int | None, offset: int = 0
) -> tuple[UnitTotals, list[UnitRow]]:
    """The totals of the filtered set, and its rows from `offset` on (all with `limit` None). Two queries.

    `due` counts what falls due by `as_of`, for the filter "week" what falls due within seven days.
    """
    parameters = _parameters(dealership_id, as_of, filters)
    with connection.cursor() as cursor:
        totals = _totals(cursor, parameters, filters.shown)
        if limit is not None and offset >= totals.count:
            # A page that is no more (the list got shorter, or the address was typed): the last one there is.
            offset = max(0, (totals.count - 1) // limit * limit)
        descending = filters.sort.startswith("-")
        order = SORTS[filters.sort.removeprefix("-")]
        direction = "DESC NULLS LAST" if descending else "ASC NULLS LAST"
        cursor.execute(
            f"{_FOUND} SELECT {_COLUMNS} FROM found WHERE {SHOWN[filters.shown]} "  # noqa: S608 - constants
            f"ORDER BY {order} {direction}, account_id LIMIT %(limit)s OFFSET %(offset)s",
            {**parameters, "limit": limit, "offset": offset},
        )
        rows = [UnitRow(*row) for row in cursor.fetchall()]
    return totals, rows


def horizon_of(shown: str, as_of: date) -> date:
    """The day up to which the list's amounts due count."""
    return as_of + WEEK if shown == "week" else as_of


def _parameters(dealership_id: int, as_of: date, filters: UnitFilters) -> dict[str, Any]:
    return {
        "lender": current_lender_id(),
        "dealership": dealership_id,
        "as_of": as_of,
        "week_end": as_of + WEEK,
        "horizon": horizon_of(filters.shown, as_of),
        "condition": filters.condition,
        "title": filters.title,
        "text": filters.text.upper(),
        "accounts": None if filters.accounts is None else list(filters.accounts),
    }


def _totals(cursor: CursorWrapper, parameters: dict[str, Any], shown: str) -> UnitTotals:
    wanted = SHOWN[shown]
    cursor.execute(
        f"{_FOUND} SELECT count(*) FILTER (WHERE {wanted}), "  # noqa: S608 - constants
        f"coalesce(sum(principal) FILTER (WHERE {wanted}), 0), coalesce(sum(due) FILTER (WHERE {wanted}), 0), "
        f"coalesce(sum(payoff) FILTER (WHERE {wanted}), 0), {_COUNTS} FROM found",
        parameters,
    )
    count, principal, due, payoff, *counts = cursor.fetchone()
    return UnitTotals(count, principal, due, payoff, dict(zip(SHOWN, counts, strict=True)))


@dataclass(frozen=True, slots=True)
class MatchedUnit:
    """A unit found by its VIN, the last six of it, or its stock number."""

    account_id: int
    public_id: UUID
    vehicle: str
    vin: str
    vin_tail: str
    stock_number: str
    is_live: bool

    @property
    def keys(self) -> set[str]:
        """What it is found by, normalised: upper case without blanks."""
        return {self.vin, self.vin_tail, _joined(self.stock_number)} - {""}


@dataclass(frozen=True, slots=True)
class Match:
    """What one entry of a pasted list found; several units where a tail or stock number is not unique."""

    text: str
    units: tuple[MatchedUnit, ...]


# Found apart from the dealership's condition, beside which the planner would rather read all units of the dealership.
_MATCHES = """
WITH found AS MATERIALIZED (
    SELECT account_id FROM finance_unit
    WHERE lender_id = %(lender)s AND (vin_tail = ANY (%(tails)s) OR stock_key = ANY (%(keys)s))
)
SELECT u.account_id, a.public_id, u.model_year || ' ' || u.make || ' ' || u.model, u.vin, u.vin_tail, u.stock_number,
       u.state IN ('requested', 'approved', 'funded', 'sold')
FROM found f
JOIN finance_unit u ON u.lender_id = %(lender)s AND u.account_id = f.account_id
JOIN finance_account a ON a.lender_id = u.lender_id AND a.id = u.account_id
WHERE u.dealership_id = %(dealership)s
ORDER BY u.account_id
"""


def match_units(dealership_id: int, entries: Sequence[str]) -> list[Match]:
    """Look up each entry as a VIN, the last six of one, or a stock number, whatever its case. One query.

    Blanks inside an entry may belong to it (`1HG CM826 33A004352`) or part several (`004352 118834`): an entry that
    finds nothing as a whole is looked up word by word. A VIN that was floored twice gives its live unit, else its
    latest.
    """
    keys = sorted({key for entry in entries for key in (_joined(entry), *entry.upper().split())})
    if not keys:
        return []
    with connection.cursor() as cursor:
        # A whole VIN is looked up by its tail, too, which an index holds; others that end alike go below.
        tails = sorted({key[-_TAIL_LENGTH:] for key in keys})
        parameters: dict[str, Any] = {
            "lender": current_lender_id(),
            "dealership": dealership_id,
            "keys": keys,
            "tails": tails,
        }
        cursor.execute(_MATCHES, parameters)
        units = [MatchedUnit(*row) for row in cursor.fetchall()]
    by_key: dict[str, list[MatchedUnit]] = {}
    for unit in units:
        for key in unit.keys:
            by_key.setdefault(key, []).append(unit)
    matches = []
    for entry in entries:
        whole, words = _joined(entry), entry.split()
        if whole in by_key or len(words) < 2 or len(whole) == _VIN_LENGTH:
            words = [entry]
        matches += [Match(word, _one_per_vin(by_key.get(_joined(word), []))) for word in words]
    return matches


def _joined(text: str) -> str:
    return "".join(text.upper().split())


def _one_per_vin(units: list[MatchedUnit]) -> tuple[MatchedUnit, ...]:
    by_vin: dict[str, MatchedUnit] = {}
    for unit in units:
        if unit.is_live or not (unit.vin in by_vin and by_vin[unit.vin].is_live):
            by_vin[unit.vin] = unit
    return tuple(by_vin.values())
