"""Credit pays for what is owed and for no more: what is left of it stays credit, in every list and figure alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from finance.actions.receipts import Share, post_payment, reverse_payment
from finance.queries.account_page import account_page
from finance.queries.dashboard import sold_units
from finance.queries.falling_due import dues_of
from finance.queries.payoff import payoff_split
from finance.queries.units import UnitFilters, list_units
from tests.cast import Cast
from tests.finance.books import D
from tests.finance.stock import open_stock, today_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("is_sold", [False, True])
def test_credit_beyond_the_debt_makes_no_payoff_negative(inside: Cast, is_sold: bool) -> None:
    """A payoff that comes back after more was paid leaves an open unit with more credit than debt."""
    stock = open_stock(inside.dealership, today_of(inside.lender), document_fee=D("0.00"))
    unit, other = stock.fund("1000.00", days_ago=10), stock.fund("2000.00", days_ago=10)
    paid = post_payment(
        key="payoff",
        shares=[Share(unit.pk, "payoff", payoff_split(unit.pk, stock.today).total)],
        value_date=stock.today,
        business_date=stock.today,
        description="Payment",
        actor=None,
    )
    stock.pay(unit, "5000.00")
    reverse_payment(entry=paid.entry, business_date=stock.today, reason="R01", actor=None)
    unit.refresh_from_db()
    if is_sold:
        stock.sell(unit, days_ago=0)
        stock.sell(other, days_ago=0)
    key = stock.dealership.pk
    totals, rows = list_units(key, as_of=stock.today, filters=UnitFilters(shown="all"), limit=None)
    payoffs = {row.account_id: row.payoff for row in rows}
    assert payoffs[unit.pk] == 0
    assert payoffs[other.pk] == payoff_split(other.pk, stock.today).total > 0
    assert account_page(unit.account, as_of=stock.today).payoff == 0
    assert totals.payoff == payoffs[other.pk]
    if is_sold:
        later = stock.today + timedelta(days=5)
        assert {one.payoff for one in sold_units(key, as_of=stock.today, limit=5)} == set(payoffs.values())
        assert dues_of(key, as_of=later).owed == payoff_split(other.pk, later).total
