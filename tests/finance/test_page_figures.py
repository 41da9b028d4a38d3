"""Each figure of the dashboard equals, to the cent, the list that it leads to, and what the ledger's own reads say."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db.models import Sum

from accounts.tenancy import tenant
from finance.models import AccountPosition, DueItem
from finance.queries.availability import line_availability
from finance.queries.dashboard import holdings_of, line_use, sold_units
from finance.queries.dues import amount_due
from finance.queries.falling_due import DueFilters, dues_of, list_due
from finance.queries.lines import lines_of
from finance.queries.loans import LoanFilters, list_loans
from finance.queries.payoff import payoffs_on
from finance.queries.positions import positions_on
from finance.queries.units import UnitFilters, list_units
from tests.cast import Cast, make_dealership
from tests.finance.stock import Stock, add_loans, bill_last_month, fill, more_stock, open_stock, today_of

# Fifty dealerships, in blocks that several processes can share.
BLOCKS = [range(first, first + 10) for first in range(0, 50, 10)]


@pytest.fixture
def books(cast: Cast) -> Stock:
    with tenant(cast.lender.pk):
        return open_stock(cast.dealership, today_of(cast.lender))


def _random_dealership(books: Stock, seed: int) -> Stock:
    dealership = make_dealership(f"Random {seed}", f"2{seed:04d}")
    stock = more_stock(dealership, books.today, books.plan, books.programme)
    fill(stock, seed, units=3 + seed % 5)
    if seed % 3 == 0:
        add_loans(stock, seed)
    return stock


@pytest.mark.django_db
@pytest.mark.parametrize("seeds", BLOCKS, ids=str)
def test_figures_equal_their_lists_and_the_ledger_for_random_dealers(
    cast: Cast, books: Stock, seeds: range
) -> None:
    with tenant(cast.lender.pk):
        stocks = [_random_dealership(books, seed) for seed in seeds]
        bill_last_month(books)
    for stock in stocks:
        with tenant(cast.lender.pk, dealerships=[stock.dealership.pk]):
            _compare(stock)


def _compare(stock: Stock) -> None:
    key, today = stock.dealership.pk, stock.today
    dues = dues_of(key, as_of=today)
    owed = amount_due(dealership=key, on=today)

    units, unit_rows = list_units(key, as_of=today, filters=UnitFilters(shown="all"), limit=None)
    loans, loan_rows = list_loans(key, as_of=today, filters=LoanFilters(shown="all"), limit=100)
    listed, items = list_due(key, as_of=today, filters=DueFilters(last=today), limit=None)
    assert dues.owed == sum((one.total for one in owed.values()), Decimal(0))
    assert dues.owed == listed.total == sum((item.total for item in items), Decimal(0))
    assert dues.owed == units.due + loans.due
    assert units.due == sum((row.due for row in unit_rows), Decimal(0))
    assert loans.due == sum((row.due for row in loan_rows), Decimal(0))

    overdue, _items = list_due(key, as_of=today, filters=DueFilters(overdue=True), limit=None)
    # A sold unit past its clock is overdue with all it owes, today's interest included.
    late = set(DueItem.objects.filter(kind="payoff", due_on__lt=today).values_list("account_id", flat=True))
    expected = sum(
        (one.total if account in late else one.overdue for account, one in owed.items()), Decimal(0)
    )
    assert dues.overdue == overdue.total == expected
    assert dues.overdue_items == overdue.count

    if dues.next_on:
        following, _items = list_due(
            key, as_of=today, filters=DueFilters(first=dues.next_on, last=dues.next_on), limit=None
        )
        assert dues.next_amount == following.total > 0
        assert dues.next_on > today
    month, _items = list_due(
        key, as_of=today, filters=DueFilters(first=today, last=today + timedelta(days=30)), limit=None
    )
    assert dues.within(30) == month.total == sum((amount for _day, amount in dues.by_day(30)), Decimal(0))
    week, week_rows = list_units(key, as_of=today, filters=UnitFilters(shown="week"), limit=None)
    by_week, _items = list_due(
        key, as_of=today, filters=DueFilters(last=today + timedelta(days=7)), limit=None
    )
    _total, loans_by_week = list_loans(
        key, as_of=today + timedelta(days=7), filters=LoanFilters(shown="all"), limit=100
    )
    assert week.due == by_week.total - sum((row.due for row in loans_by_week), Decimal(0))
    assert all(row.due > 0 for row in week_rows)

    live = [row for row in unit_rows if row.is_live]
    payoffs = payoffs_on([row.account_id for row in live], today)
    assert {row.account_id: row.payoff for row in live} == payoffs
    assert units.payoff == sum(payoffs.values(), Decimal(0))
    assert {unit.public_id: unit.payoff for unit in sold_units(key, as_of=today, limit=100)} == {
        row.public_id: row.payoff for row in live if row.state == "sold"
    }

    holdings = holdings_of(key, as_of=today)
    (line,) = [line for line in lines_of(key, as_of=today) if line.is_floor_plan]
    assert line.used == units.principal == holdings.unit_principal == sum(holdings.ages.principal, Decimal(0))
    assert (
        line.free
        == line.limit - line.used - line.approved
        == line_availability(stock.line, as_of=stock.today).available
    )
    assert (line.approved, line.approved_units) == (Decimal("9500.50"), 1)
    assert holdings.loan_principal == loans.principal
    assert holdings.count("funded", "sold") == len(live) == sum(holdings.ages.units) == units.counts["live"]
    assert holdings.count("sold") == units.counts["sold"]
    _compare_line_use(stock, line.used, [row.account_id for row in unit_rows])


def _compare_line_use(stock: Stock, used: Decimal, account_ids: list[int]) -> None:
    levels = line_use(stock.dealership.pk, used=used, as_of=stock.today)
    assert [day for day, _level in levels] == [stock.day(ago) for ago in range(90, -1, -1)]
    assert levels[-1][1] == used
    for day, level in levels[::30]:
        assert level == _principal_on(account_ids, day)


def _principal_on(account_ids: list[int], day: date) -> Decimal:
    return sum((position.principal for position in positions_on(account_ids, day).values()), Decimal(0))


@pytest.mark.django_db
def test_doubling_a_strangers_stock_changes_nothing_of_ones_own(cast: Cast, books: Stock) -> None:
    with tenant(cast.lender.pk):
        fill(books, 3, units=4)
    before = _figures(cast, books)
    with tenant(cast.lender.pk):
        stranger = more_stock(cast.stranger_dealership, books.today, books.plan, books.programme)
        fill(stranger, 3, units=4)
        assert AccountPosition.objects.aggregate(all=Sum("principal"))["all"] > before[0]
    assert _figures(cast, books) == before


def _figures(cast: Cast, stock: Stock) -> tuple[object, ...]:
    key = stock.dealership.pk
    with tenant(cast.lender.pk, dealerships=[key]):
        units, rows = list_units(key, as_of=stock.today, filters=UnitFilters(shown="all"), limit=None)
        dues = dues_of(key, as_of=stock.today)
        return (
            units.principal,
            units.payoff,
            units.counts,
            rows,
            dues,
            lines_of(key, as_of=stock.today),
            holdings_of(key, as_of=stock.today),
        )
