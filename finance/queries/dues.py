"""What is due: per account, on a day, from the open due items."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connection

from accounts.models import Dealership
from accounts.tenancy import current_lender_id
from finance.models import Account
from finance.queries.cards import ZERO
from finance.queries.settlement import current_cards, payoff_of
from finance.queries.splits import Split, due_by


@dataclass(frozen=True, slots=True)
class Owed:
    """What one account owes by a day, and what comes next.

    `total` is due on or before the day; `overdue` is the part that was due before it. `is_payoff`: the unit is sold and
    its payoff is due, so that the amounts are those of its payoff, accrued interest included, and close it.
    """

    principal: Decimal
    interest: Decimal
    fees: Decimal
    overdue: Decimal
    oldest_due_on: date | None
    next_due_on: date | None
    next_due_amount: Decimal
    is_payoff: bool = False

    @property
    def total(self) -> Decimal:
        """Everything due by the day."""
        return self.principal + self.interest + self.fees


_OWED = """
WITH open AS (
    SELECT d.account_id, d.kind, d.due_on, d.outstanding_principal AS principal, d.outstanding_interest AS interest,
           d.outstanding_fees AS fees,
           min(d.due_on) FILTER (WHERE d.due_on > %(through)s) OVER (PARTITION BY d.account_id) AS next_on
    FROM finance_dueitem d
    WHERE d.lender_id = %(lender)s
      AND (%(accounts)s::bigint[] IS NULL OR d.account_id = ANY(%(accounts)s::bigint[]))
      AND (%(dealership)s::bigint IS NULL OR d.dealership_id = %(dealership)s)
      AND (d.outstanding_principal > 0 OR d.outstanding_interest > 0 OR d.outstanding_fees > 0)
)
SELECT account_id,
       coalesce(sum(principal) FILTER (WHERE due_on <= %(through)s), 0),
       coalesce(sum(interest) FILTER (WHERE due_on <= %(through)s), 0),
       coalesce(sum(fees) FILTER (WHERE due_on <= %(through)s), 0),
       coalesce(sum(principal + interest + fees) FILTER (WHERE due_on < %(on)s), 0),
       min(due_on) FILTER (WHERE due_on <= %(through)s),
       next_on,
       coalesce(sum(principal + interest + fees) FILTER (WHERE due_on = next_on), 0),
       coalesce(bool_or(kind = 'payoff' AND due_on <= %(through)s), false)
FROM open GROUP BY account_id, next_on
"""


def amount_due(
    account_ids: Iterable[int] | None = None,
    *,
    dealership: Dealership | int | None = None,
    on: date,
    through: date | None = None,
) -> dict[int, Owed]:
    """What is due per account on or before `through` (by default `on`), for some accounts or a whole dealership.

    Accounts that owe nothing, now or later, are missing. One query, and a constant number more when sold units are due.
    """
    last = through or on
    parameters: dict[str, Any] = {
        "lender": current_lender_id(),
        "accounts": None if account_ids is None else list(account_ids),
        "dealership": dealership.pk if isinstance(dealership, Dealership) else dealership,
        "on": on,
        "through": last,
    }
    with connection.cursor() as cursor:
        cursor.execute(_OWED, parameters)
        rows = cursor.fetchall()
    owed = {row[0]: Owed(*row[1:]) for row in rows}
    sold = [key for key, item in owed.items() if item.is_payoff]
    for key, card in current_cards(sold, on).items():
        split = payoff_of(card, on).split()
        before = owed[key]
        owed[key] = Owed(
            split.principal,
            split.interest,
            split.fees,
            min(before.overdue, split.total),
            before.oldest_due_on,
            None,
            ZERO,
            is_payoff=True,
        )
    return owed


def split_due(account: Account | int, on: date, *, through: date | None = None) -> Split:
    """What is due of one account on or before `through` (by default `on`), as a payment on `on` would be split."""
    key = account.pk if isinstance(account, Account) else account
    last = through or on
    card = current_cards([key], on)[key]
    if any(item.kind == "payoff" and item.open_total and item.due_on <= last for item in card.items):
        return payoff_of(card, on).split()
    return due_by(card, last)
