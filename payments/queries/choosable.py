"""The page on which one chooses what to pay: every open account of a dealership, with what may be paid on it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from finance.models import Account, Loan, Unit
from payments.queries.owing import Owing, owing_on

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Choosable:
    """One open account: what it is in the words a dealer knows, and what may be paid on it."""

    owing: Owing
    title: str
    detail: str
    is_sold: bool

    @property
    def public_id(self) -> UUID:
        """The account's public id."""
        return self.owing.account.public_id

    @property
    def account(self) -> Account:
        """The unit or loan."""
        return self.owing.account


def choosable_accounts(dealership_id: int, value_date: date, *, business_date: date) -> list[Choosable]:
    """Every open account on which something may be paid, what is due the longest first, then the rest by title.

    The number of queries does not grow with the accounts.
    """
    accounts = list(
        Account.objects.filter(dealership_id=dealership_id, state=Account.State.OPEN).select_related(
            "line", "rate_plan"
        )
    )
    ids = [account.pk for account in accounts]
    units = {unit.account_id: unit for unit in Unit.objects.filter(account_id__in=ids)}
    loans = {loan.account_id: loan for loan in Loan.objects.filter(account_id__in=ids)}
    owing = owing_on(accounts, value_date, business_date=business_date)
    found = []
    for account in accounts:
        one = owing.get(account.pk)
        if one is None or (one.payoff.total <= ZERO and not one.pending.shares):
            continue
        unit, loan = units.get(account.pk), loans.get(account.pk)
        if unit is not None:
            detail = " ".join(part for part in (unit.vin_tail, unit.stock_number) if part)
        else:
            detail = " ".join(part for part in (account.number, loan.registration if loan else "") if part)
        found.append(
            Choosable(one, account.title, detail, is_sold=unit is not None and unit.state == Unit.State.SOLD)
        )
    return sorted(
        found,
        key=lambda row: (
            row.owing.due.total <= ZERO,
            row.owing.oldest_due_on or date.max,
            row.title,
            row.account.pk,
        ),
    )
