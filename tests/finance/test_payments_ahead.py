"""A payment after the cut-off is posted today and counts from a later day; until then what it pays bears interest."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from uuid import uuid4

import pytest
from django.urls import reverse
from django.utils import timezone

from finance.actions.receipts import Share, post_payment
from finance.actions.units import report_unit_sold
from finance.models import Account, AccountPosition, Unit
from finance.queries.account_page import account_page
from finance.queries.dashboard import sold_units
from finance.queries.payoff import payoff_quote
from finance.queries.proof import problems
from finance.queries.units import UnitFilters, list_units
from tests.cast import Cast, sign_in
from tests.finance.books import D, make_plan
from tests.finance.stock import Stock, more_stock, open_stock, stocked, today_of

pytestmark = pytest.mark.django_db

FLOORED_FOR = 20
AHEAD = 3
RATE = Fraction(725, 10_000) + Fraction(2, 100)


def stock_with(cast: Cast, compounding: str) -> Stock:
    """A stock whose interest is simple, or compounds daily."""
    stock = open_stock(cast.dealership, today_of(cast.lender), limit="20000000.00", document_fee=D("0.00"))
    if compounding == "simple":
        return stock
    plan = make_plan(
        "compounding",
        stock.plan.index,
        starts_on=stock.day(420),
        through=stock.today + timedelta(days=60),
        compounding=compounding,
    )
    return more_stock(
        cast.dealership, stock.today, plan, stock.programme, limit="20000000.00", document_fee=D("0.00")
    )


def pay(unit: Unit, amount: Decimal, purpose: str, *, counts_on: date, business_date: date) -> None:
    post_payment(
        key=str(uuid4()),
        shares=[Share(unit.pk, purpose, amount)],  # type: ignore[arg-type]
        value_date=counts_on,
        business_date=business_date,
        description="Payment",
        actor=None,
    )


def slow_payoff(*, after: int, compounds: bool) -> Decimal:
    """Day by day in fractions: principal and interest up to that day, and the interest of what is paid later."""
    principal, interest, billed = Fraction(20_000), Fraction(0), Fraction(0)
    for day in range(FLOORED_FOR + max(AHEAD, after)):
        if day == FLOORED_FOR + after:
            principal, interest, billed = principal - 13_000, Fraction(0), interest
        if day == FLOORED_FOR + AHEAD:
            principal -= 7_000
        interest += (principal + (interest if compounds else 0)) * RATE / 360
    return 13_000 + cents(billed + interest)


def cents(exact: Fraction) -> Decimal:
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(Decimal("0.01"), ROUND_HALF_UP)


@pytest.mark.parametrize("compounding", ["simple", "daily"])
@pytest.mark.parametrize("after", range(AHEAD + 2))
def test_a_payoff_before_the_payment_counts_leaves_nothing(
    inside: Cast, compounding: str, after: int
) -> None:
    stock = stock_with(inside, compounding)
    unit = stock.fund("20000.00", days_ago=FLOORED_FOR)
    counts_on, paid_off_on = stock.today + timedelta(days=AHEAD), stock.today + timedelta(days=after)
    pay(unit, D("7000.00"), "amount", counts_on=counts_on, business_date=stock.today)

    total = payoff_quote(unit.pk, value_dates=[paid_off_on], business_date=stock.today).figures[0].total
    assert total == slow_payoff(after=after, compounds=compounding == "daily")

    pay(unit, total, "payoff", counts_on=paid_off_on, business_date=stock.today)
    assert Account.objects.get(pk=unit.pk).state == Account.State.CLOSED
    left = AccountPosition.objects.get(pk=unit.pk)
    assert (left.principal, left.billed_interest, left.fees, left.credit) == (0, 0, 0, 0)
    assert problems() == []


@pytest.mark.parametrize("compounding", ["simple", "daily"])
@pytest.mark.parametrize("times", [1, 400])
def test_every_place_says_the_same_payoff(inside: Cast, compounding: str, times: int) -> None:
    stock = stock_with(inside, compounding)
    unit = stock.fund(f"{20_000 * times}.00", days_ago=FLOORED_FOR)
    ahead = stock.today + timedelta(days=AHEAD)
    pay(unit, D("3000.00") * times, "amount", counts_on=ahead - timedelta(days=2), business_date=stock.today)
    pay(unit, D("4000.00") * times, "amount", counts_on=ahead, business_date=stock.today)
    report_unit_sold(unit=unit, sold_at=timezone.now(), reported_on=stock.today, actor=None)

    page = account_page(Account.objects.get(pk=unit.pk), as_of=stock.today)
    _, [row] = list_units(
        stock.dealership.pk, as_of=stock.today, filters=UnitFilters(shown="all"), limit=None
    )
    [sold] = sold_units(stock.dealership.pk, as_of=stock.today, limit=5)
    assert page.payoff == row.payoff == sold.payoff
    assert page.calculation is not None
    assert page.calculation.goes_on
    assert page.calculation.posted == page.payoffs[0].accrued
    assert [str(part.segment.principal) for part in page.calculation.segments][-2:] == [
        f"{7_000 * times}.00",
        f"{4_000 * times}.00",
    ]
    # The day on which it counts: nothing is taken along any more.
    later = account_page(Account.objects.get(pk=unit.pk), as_of=stock.today + timedelta(days=AHEAD))
    assert later.calculation is not None
    assert not later.calculation.goes_on
    assert later.payoff == page.payoffs[AHEAD].total


def test_the_page_says_why_it_goes_on(cast: Cast) -> None:
    with stocked(cast.lender, cast.dealership, document_fee=D("0.00")) as stock:
        unit = stock.fund("20000.00", days_ago=FLOORED_FOR)
        pay(
            unit,
            D("7000.00"),
            "amount",
            counts_on=stock.today + timedelta(days=AHEAD),
            business_date=stock.today,
        )
        key = stock.key(unit)
    owner = sign_in(cast.owner)
    assert b"counts only from" in owner.get(reverse("finance:unit-detail", args=[key])).content
    later = stock.today + timedelta(days=AHEAD)
    page = owner.get(reverse("finance:unit-payoff", args=[key]), {"on": later.isoformat()})
    assert b"counts only from" not in page.content.split(b'id="calculation"')[1]


def test_what_it_takes_along_is_the_interest_of_the_days_between(inside: Cast) -> None:
    stock = stock_with(inside, "simple")
    unit = stock.fund("20000.00", days_ago=FLOORED_FOR)
    pay(
        unit, D("7000.00"), "amount", counts_on=stock.today + timedelta(days=AHEAD), business_date=stock.today
    )
    page = account_page(Account.objects.get(pk=unit.pk), as_of=stock.today)
    assert page.accrued == cents(20_000 * RATE * FLOORED_FOR / 360)
    assert page.payoffs[0].accrued == cents((20_000 * FLOORED_FOR + 7_000 * AHEAD) * RATE / 360)
