"""Rate plans: a row a day, ahead of the day; fixings that come late correct what they missed."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from finance.actions.billing import bill_interest
from finance.actions.rates import AHEAD, create_index, extend_rate_plans, record_fixing
from finance.actions.receipts import Share, post_payment
from finance.actions.refusals import RefusedError
from finance.interest import DayCount, RateCurve
from finance.models import AccountEvent, AccountPosition, DueItem, IndexFixing, RatePlanDay
from finance.queries.payoff import payoff_split
from finance.queries.positions import interest_segments
from finance.queries.proof import problems
from finance.queries.rates import day_rows, rate_on
from tests.cast import Cast
from tests.finance.books import FIRST_DAY, LAST_DAY, Books, D, make_line, make_plan, open_books

pytestmark = pytest.mark.django_db

FLOORED = date(2025, 1, 17)


def fix(books: Books, day: date, rate: str, **options: object) -> IndexFixing:
    return record_fixing(
        index=books.index,
        effective_from=day,
        annual_rate=D(rate),
        source=f"published for {day}",
        actor=None,
        **options,  # type: ignore[arg-type]
    )


def test_a_plan_has_a_row_for_every_day_and_a_night_adds_one(inside: Cast) -> None:
    books = open_books(inside.dealership)
    days = RatePlanDay.objects.filter(plan=books.plan)
    assert days.count() == (LAST_DAY - FIRST_DAY).days + 1
    today = LAST_DAY - timedelta(days=AHEAD)
    assert extend_rate_plans(business_date=today) == 0
    assert extend_rate_plans(business_date=today + timedelta(days=1)) == 1
    assert extend_rate_plans(business_date=today + timedelta(days=1)) == 0
    assert days.order_by("-day")[0].day == LAST_DAY + timedelta(days=1)


def test_rows_added_night_by_night_equal_rows_reckoned_at_once(inside: Cast) -> None:
    books = open_books(inside.dealership)
    for number in range(40):
        extend_rate_plans(business_date=LAST_DAY - timedelta(days=AHEAD) + timedelta(days=number))
    curve = RateCurve([(FIRST_DAY, D("0.095"))], day_count=DayCount.ACTUAL_360)
    for row in RatePlanDay.objects.filter(plan=books.plan, day__gte=LAST_DAY):
        assert (row.cumulative, row.growth) == (curve.cumulative(row.day), curve.growth(row.day))


def test_a_fixing_changes_the_rate_from_its_day_on(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", FLOORED)
    fix(books, date(2025, 2, 16), "0.0725")
    assert rate_on(books.plan, date(2025, 2, 15)) == D("0.095")
    assert rate_on(books.plan, date(2025, 2, 16)) == D("0.0925")
    segments = interest_segments(unit.account, FLOORED, date(2025, 3, 18), business_date=date(2025, 3, 1))
    told = [(row.segment.days, row.segment.annual_rate, row.source, row.is_projected) for row in segments]
    assert told == [
        (30, D("0.095"), "published", False),
        (30, D("0.0925"), "published for 2025-02-16", True),
    ]
    assert payoff_split(unit.pk, date(2025, 3, 18)).interest == D("312.50")  # 158.333 + 154.167


def test_floor_and_ceiling_hold_the_rate(inside: Cast) -> None:
    books = open_books(inside.dealership)
    plan = make_plan("held", books.index, floor=D("0.09"), ceiling=D("0.10"))
    fix(books, date(2025, 2, 1), "0.05")
    fix(books, date(2025, 3, 1), "0.12")
    assert [rate_on(plan, date(2025, month, 1)) for month in (1, 2, 3)] == [D("0.095"), D("0.09"), D("0.10")]


def test_a_second_fixing_for_a_day_is_refused(inside: Cast) -> None:
    books = open_books(inside.dealership)
    fix(books, date(2025, 2, 16), "0.0725")
    with pytest.raises(RefusedError):
        fix(books, date(2025, 2, 16), "0.07")
    assert rate_on(books.plan, date(2025, 2, 16)) == D("0.0925")


def test_a_plan_needs_a_fixing_on_its_first_day(inside: Cast) -> None:
    open_books(inside.dealership)
    index = create_index(code="sofr", name="SOFR", actor=None)
    with pytest.raises(RefusedError):
        make_plan("sofr-plan", index)
    with pytest.raises(RefusedError):
        create_index(code="sofr", name="SOFR again", actor=None)


def owed(account_id: int) -> tuple[Decimal, Decimal, Decimal]:
    position = AccountPosition.objects.get(account_id=account_id)
    return position.principal, position.billed_interest, position.accrued_parts


@pytest.mark.parametrize("compounding", ["simple", "daily"])
def test_a_late_fixing_ends_where_a_timely_one_would(inside: Cast, compounding: str) -> None:
    programme = open_books(inside.dealership).line.terms.get().programme
    lives = []
    for late in (False, True):
        index = create_index(code=f"index-{late}", name="Prime", actor=None)
        record_fixing(
            index=index,
            effective_from=date(2024, 12, 19),
            annual_rate=D("0.075"),
            source="published",
            actor=None,
        )
        plan = make_plan(f"plan-{late}", index, compounding=compounding)
        books = Books(index, plan, make_line(inside.dealership, plan, programme=programme))
        lives.append((late, books, [books.fund("20000.00", FLOORED), books.fund("9000.00", FLOORED)]))
    bill_interest(period_end=date(2025, 1, 31))
    for late, books, units in lives:
        if not late:
            fix(books, date(2025, 2, 10), "0.0700")
        post_payment(
            key=f"P-{late}",
            shares=[Share(units[0].pk, "amount", D("1500.00"))],
            value_date=date(2025, 2, 20),
            business_date=date(2025, 2, 20),
            description="Payment",
            actor=None,
        )
    bill_interest(period_end=date(2025, 2, 28))
    (_, _, timely), (_, books, corrected) = lives
    assert [owed(unit.pk) for unit in corrected] != [owed(unit.pk) for unit in timely]
    fix(books, date(2025, 2, 10), "0.0700", business_date=date(2025, 3, 4))
    assert [owed(unit.pk) for unit in corrected] == [owed(unit.pk) for unit in timely]
    assert AccountEvent.objects.filter(account_id=corrected[0].pk, kind="adjustment").count() == 1
    assert problems() == []


def test_a_late_fixing_that_corrects_bills_needs_a_posting_day(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", FLOORED)
    bill_interest(period_end=date(2025, 1, 31))
    before, row = owed(unit.pk), rate_on(books.plan, date(2025, 1, 25))
    with pytest.raises(RefusedError):
        fix(books, date(2025, 1, 25), "0.0800")
    assert (owed(unit.pk), rate_on(books.plan, date(2025, 1, 25))) == (before, row)
    fix(books, date(2025, 1, 25), "0.0800", business_date=date(2025, 2, 3))
    correction = DueItem.objects.get(account=unit.account, number__gt=1_000_000)
    # Seven days at half a percent more.
    assert correction.interest == D("1.94")
    assert problems() == []


def test_a_fixing_of_today_touches_no_account(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", FLOORED)
    bill_interest(period_end=date(2025, 1, 31))
    before = owed(unit.pk)
    fix(books, date(2025, 2, 1), "0.0800")
    assert owed(unit.pk) == before
    assert problems() == []


def test_rows_of_a_span_come_in_one_query(inside: Cast, django_assert_num_queries: object) -> None:
    books = open_books(inside.dealership)
    with django_assert_num_queries(1):  # type: ignore[operator]
        rates = day_rows(books.plan, date(2025, 2, 1), date(2025, 6, 1))
    assert rates.annual_rate(date(2025, 5, 1)) == D("0.095")
