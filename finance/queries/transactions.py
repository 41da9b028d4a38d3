"""Everything that was posted on a dealership's units and loans, with the running balance, newest first."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.db import connection

from accounts.tenancy import current_lender_id
from finance.models import AccountEvent

# The balance runs over all that the search lets through, whatever days and kinds are shown of it.
_RUNNING: Final = """
WITH moved AS (
    SELECT e.id, e.entry_id, j.business_date AS booked_on, e.effective_on AS value_on, e.kind, j.description,
           a.public_id, a.kind AS account_kind, a.number, a.title, coalesce(u.vin_tail, '') AS vin_tail,
           e.principal, e.billed + e.interest AS interest, e.fees, -e.credit AS credit,
           e.principal + e.billed + e.interest + e.fees - e.credit AS change,
           greatest(least(e.billed, -e.interest), 0) AS billed_at_once
    FROM finance_account a
    JOIN finance_accountevent e ON e.lender_id = a.lender_id AND e.account_id = a.id
    JOIN finance_journalentry j ON j.lender_id = e.lender_id AND j.id = e.entry_id
    LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id
    WHERE a.lender_id = %(lender)s AND a.dealership_id = %(dealership)s
      AND (%(text)s = '' OR strpos(upper(a.number || ' ' || a.title), %(text)s) > 0
           OR strpos(coalesce(u.vin, ''), %(text)s) > 0 OR strpos(upper(coalesce(u.stock_number, '')), %(text)s) > 0)
), running AS (
    SELECT *, sum(change) OVER (ORDER BY booked_on, entry_id, id) AS balance FROM moved
)
"""
_SHOWN: Final = """
FROM running
WHERE (%(first)s::date IS NULL OR booked_on >= %(first)s) AND (%(last)s::date IS NULL OR booked_on <= %(last)s)
  AND (%(kind)s = '' OR kind = %(kind)s)
"""


@dataclass(frozen=True, slots=True)
class TransactionFilters:
    """What is wanted: booked between two days (either may be open), of one kind, on accounts that a text finds."""

    first: date | None = None
    last: date | None = None
    kind: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one posting did to one account. `id` and `entry_id` never change; amounts are signed by what is owed.

    `balance` is what was posted as owed after it: principal, billed interest and fees, less credit. `billed_at_once` is
    interest that the posting both billed and paid, as a payoff does with that of the last days.
    """

    id: int
    entry_id: int
    booked_on: date
    value_on: date
    kind: str
    description: str
    account_public_id: UUID
    account_kind: str
    number: str
    title: str
    vin_tail: str
    principal: Decimal
    interest: Decimal
    fees: Decimal
    credit: Decimal
    change: Decimal
    billed_at_once: Decimal
    balance: Decimal

    @property
    def kind_label(self) -> Any:
        """The kind in words."""
        return AccountEvent.Kind(self.kind).label


@dataclass(frozen=True, slots=True)
class TransactionTotals:
    """What the shown transactions add up to."""

    count: int
    principal: Decimal
    interest: Decimal
    fees: Decimal
    credit: Decimal
    change: Decimal


def transaction_totals(dealership_id: int, filters: TransactionFilters) -> TransactionTotals:
    """The sums over all transactions that the filters let through. One query."""
    sums = ", ".join(
        f"coalesce(sum({name}), 0)" for name in TransactionTotals.__dataclass_fields__ if name != "count"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"{_RUNNING} SELECT count(*), {sums} {_SHOWN}", _parameters(dealership_id, filters))
        return TransactionTotals(*cursor.fetchone())


def list_transactions(
    dealership_id: int,
    filters: TransactionFilters,
    *,
    limit: int | None,
    offset: int = 0,
    oldest_first: bool = False,
) -> list[Transaction]:
    """The transactions from `offset` on, newest first unless told otherwise (all with `limit` None). One query."""
    order = "ASC" if oldest_first else "DESC"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_RUNNING} SELECT * {_SHOWN} ORDER BY booked_on {order}, entry_id {order}, id {order} "
            "LIMIT %(limit)s OFFSET %(offset)s",
            {**_parameters(dealership_id, filters), "limit": limit, "offset": offset},
        )
        return [Transaction(*row) for row in cursor.fetchall()]


def _parameters(dealership_id: int, filters: TransactionFilters) -> Mapping[str, Any]:
    return {
        "lender": current_lender_id(),
        "dealership": dealership_id,
        "first": filters.first,
        "last": filters.last,
        "kind": filters.kind,
        "text": filters.text.upper(),
    }
