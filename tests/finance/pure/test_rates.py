"""Day counts and rates: the calendar's corners, and what is refused."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.interest import (
    YEAR_PARTS,
    Compounding,
    DayCount,
    DayRows,
    Event,
    JoinedRates,
    MissingRateError,
    PlanDay,
    RateCurve,
    fold,
    plan_days,
    plan_rates,
    segments,
)
from tests.finance.pure.histories import DAY, day_counts, part_of_year, quick

START = date(2024, 1, 1)


@pytest.mark.parametrize("divisor", [360, 365, 366])
def test_a_year_divides_into_whole_days(divisor):
    assert YEAR_PARTS % divisor == 0


@pytest.mark.parametrize(
    ("day_count", "start", "end", "days"),
    [
        (DayCount.ACTUAL_360, "2024-02-28", "2024-03-01", 2),
        (DayCount.ACTUAL_365, "2023-02-28", "2023-03-01", 1),
        (DayCount.THIRTY_360, "2024-01-30", "2024-01-31", 0),
        (DayCount.THIRTY_360, "2024-01-31", "2024-02-01", 1),
        (DayCount.THIRTY_360, "2024-02-29", "2024-03-01", 2),
        (DayCount.THIRTY_360, "2023-02-28", "2023-03-01", 3),
        (DayCount.THIRTY_360, "2024-02-01", "2024-03-01", 30),
        (DayCount.THIRTY_360, "2023-01-01", "2024-01-01", 360),
        (DayCount.ACTUAL_ACTUAL, "2024-01-01", "2025-01-01", 366),
    ],
)
def test_days_are_counted_by_the_convention(day_count, start, end, days):
    assert day_count.days_between(date.fromisoformat(start), date.fromisoformat(end)) == days


@pytest.mark.parametrize("year", [1900, 2000, 2023, 2024])
def test_a_year_of_actual_days_over_actual_days_is_a_whole_year(year):
    assert DayCount.ACTUAL_ACTUAL.parts_between(date(year, 1, 1), date(year + 1, 1, 1)) == YEAR_PARTS
    assert DayCount.THIRTY_360.parts_between(date(year, 1, 1), date(year + 1, 1, 1)) == YEAR_PARTS


@quick
@given(day_counts, st.dates(date(1999, 1, 1), date(2031, 1, 1)))
def test_the_parts_of_each_day_are_its_share_of_the_year(day_count, day):
    assert day_count.parts_between(day, day + DAY) == part_of_year(day_count, day) * YEAR_PARTS


@pytest.mark.parametrize(
    ("day_count", "interest"),
    [
        (DayCount.ACTUAL_360, "366.00"),  # 366 days of 1.00
        (DayCount.ACTUAL_365, "360.99"),
        (DayCount.ACTUAL_ACTUAL, "360.00"),
        (DayCount.THIRTY_360, "360.00"),
    ],
)
def test_a_leap_year_costs_by_the_convention(day_count, interest):
    rates = RateCurve([(START, Decimal("0.036"))], day_count=day_count)
    position = fold([Event.advance(1, START, Decimal("10000.00"))], rates, date(2025, 1, 1))
    assert round(position.accrued, 2) == Decimal(interest)


def test_a_segment_ends_where_the_year_changes_its_length():
    events = [Event.advance(1, date(2024, 12, 1), Decimal("10000.00"))]
    rates = RateCurve([(START, Decimal("0.073"))], day_count=DayCount.ACTUAL_ACTUAL)
    found = segments(events, rates, date(2024, 12, 1), date(2025, 2, 1))
    assert [(segment.start, segment.days) for segment in found] == [
        (date(2024, 12, 1), 31),
        (date(2025, 1, 1), 31),
    ]
    assert found[1].per_diem == Decimal("2.00")
    assert round(found[0].per_diem, 4) == Decimal("1.9945")


def test_a_rate_change_to_the_same_rate_splits_nothing():
    rates = RateCurve(
        [(START, Decimal("0.08")), (date(2024, 2, 1), Decimal("0.080"))], day_count=DayCount.ACTUAL_360
    )
    events = [Event.advance(1, START, Decimal("1000.00"))]
    assert len(segments(events, rates, START, date(2024, 3, 1))) == 1


def test_the_rate_of_a_day_counts_for_the_night_that_begins_on_it():
    rates = RateCurve(
        [(START, Decimal("0.36")), (START + DAY, Decimal("0.72"))], day_count=DayCount.ACTUAL_360
    )
    events = [Event.advance(1, START, Decimal("1000.00"))]
    assert fold(events, rates, START + DAY).accrued == Decimal("1.00")
    assert fold(events, rates, START + 2 * DAY).accrued == Decimal("3.00")


def test_a_plan_adds_margin_and_keeps_floor_and_ceiling():
    rates = plan_rates(
        [(date(2020, 3, 16), Decimal("0.0325")), (date(2023, 7, 27), Decimal("0.0850"))],
        [(date(2020, 1, 1), Decimal("0.0200")), (date(2024, 1, 1), Decimal("0.0100"))],
        floor=Decimal("0.0600"),
        ceiling=Decimal("0.1000"),
    )
    assert rates == [
        (date(2020, 3, 16), Decimal("0.0600")),
        (date(2023, 7, 27), Decimal("0.1000")),
        (date(2024, 1, 1), Decimal("0.0950")),
    ]


def test_a_night_adds_one_row_and_it_is_the_one_the_whole_plan_would_have():
    steps = [(START, Decimal("0.095")), (date(2024, 3, 1), Decimal("0.09"))]
    whole = list(plan_days(steps, day_count=DayCount.ACTUAL_360, through=date(2024, 6, 30)))
    assert len(whole) == 182
    assert whole[0] == PlanDay(START, Decimal("0.095"), Decimal(0), Decimal(1))
    night = list(plan_days(steps, day_count=DayCount.ACTUAL_360, through=whole[60].day, previous=whole[59]))
    assert night == [whole[60]]
    assert (
        list(plan_days(steps, day_count=DayCount.ACTUAL_360, through=whole[60].day, previous=whole[60])) == []
    )


def test_growth_keeps_at_least_28_significant_digits():
    row = list(
        plan_days([(START, Decimal("0.095"))], day_count=DayCount.ACTUAL_360, through=START + 365 * DAY)
    )[-1]
    assert -row.growth.as_tuple().exponent >= 28
    assert abs(row.growth - (1 + Decimal("0.095") / 360) ** 365) < Decimal("1e-24")


def test_a_day_without_a_rate_is_refused_not_guessed():
    curve = RateCurve([(START, Decimal("0.08"))], day_count=DayCount.ACTUAL_360)
    rows = DayRows(
        plan_days([(START, Decimal("0.08"))], day_count=DayCount.ACTUAL_360, through=date(2024, 1, 31)),
        day_count=DayCount.ACTUAL_360,
    )
    for rates in (curve, rows, JoinedRates([(START, curve)])):
        for ask in (rates.cumulative, rates.growth, rates.annual_rate):
            with pytest.raises(MissingRateError):
                ask(START - DAY)
    with pytest.raises(MissingRateError):
        rows.cumulative(date(2024, 2, 2))
    with pytest.raises(MissingRateError):
        rows.annual_rate(date(2024, 2, 1))
    assert rows.cumulative(date(2024, 2, 1)) == curve.cumulative(date(2024, 2, 1))


def test_a_quote_carries_the_last_rate_forward_only_when_asked():
    rows = DayRows(
        plan_days([(START, Decimal("0.08"))], day_count=DayCount.ACTUAL_360, through=date(2024, 1, 31)),
        day_count=DayCount.ACTUAL_360,
    )
    ahead = rows.projected_to(date(2024, 3, 1))
    curve = RateCurve([(START, Decimal("0.08"))], day_count=DayCount.ACTUAL_360)
    assert ahead.cumulative(date(2024, 3, 1)) == curve.cumulative(date(2024, 3, 1))
    assert ahead.growth(date(2024, 3, 1)) == curve.growth(date(2024, 3, 1))


def test_two_rates_from_one_day_are_refused():
    with pytest.raises(ValueError, match="valid from 2024-01-01"):
        RateCurve([(START, Decimal("0.08")), (START, Decimal("0.09"))], day_count=DayCount.ACTUAL_360)
    with pytest.raises(ValueError, match="At least one rate"):
        RateCurve([], day_count=DayCount.ACTUAL_360)
    with pytest.raises(TypeError):
        RateCurve([(START, 0.08)], day_count=DayCount.ACTUAL_360)  # type: ignore[list-item]


@pytest.mark.parametrize("compounding", Compounding)
def test_an_older_unit_costs_more_by_joined_rates(compounding):
    young = RateCurve([(START, Decimal("0.08"))], day_count=DayCount.ACTUAL_360, compounding=compounding)
    old = RateCurve([(START, Decimal("0.10"))], day_count=DayCount.ACTUAL_360, compounding=compounding)
    aged = date(2024, 4, 1)
    events = [Event.advance(1, START, Decimal("10000.00"))]
    joined = JoinedRates([(aged, old), (START, young)])
    same = RateCurve(
        [(START, Decimal("0.08")), (aged, Decimal("0.10"))],
        day_count=DayCount.ACTUAL_360,
        compounding=compounding,
    )
    end = date(2024, 7, 1)
    assert abs(fold(events, joined, end).accrued - fold(events, same, end).accrued) < Decimal("1e-20")
    assert [segment.annual_rate for segment in segments(events, joined, START, end)] == [
        Decimal("0.08"),
        Decimal("0.10"),
    ]


def test_a_changed_day_count_keeps_the_interest_before_it():
    before = RateCurve([(START, Decimal("0.09"))], day_count=DayCount.ACTUAL_360)
    after = RateCurve([(START, Decimal("0.09"))], day_count=DayCount.ACTUAL_365)
    changed = START + timedelta(days=36)
    joined = JoinedRates([(START, before), (changed, after)])
    position = fold([Event.advance(1, START, Decimal("1000.00"))], joined, changed + timedelta(days=73))
    assert position.accrued == Decimal("9.00") + Decimal("18.00")
    assert joined.day_count(changed - DAY) is DayCount.ACTUAL_360
    assert joined.day_count(changed) is DayCount.ACTUAL_365


def test_simple_and_compounding_rates_cannot_be_joined():
    simple = RateCurve([(START, Decimal("0.08"))], day_count=DayCount.ACTUAL_360)
    daily = RateCurve(
        [(START, Decimal("0.08"))], day_count=DayCount.ACTUAL_360, compounding=Compounding.DAILY
    )
    with pytest.raises(ValueError, match="cannot be joined"):
        JoinedRates([(START, simple), (date(2024, 2, 1), daily)])


def test_changes_lie_strictly_inside_the_span():
    steps = [(START, Decimal("0.08")), (START + DAY, Decimal("0.09")), (START + 2 * DAY, Decimal("0.10"))]
    curve = RateCurve(steps, day_count=DayCount.ACTUAL_360)
    rows = DayRows(
        plan_days(steps, day_count=DayCount.ACTUAL_360, through=START + 5 * DAY),
        day_count=DayCount.ACTUAL_360,
    )
    for rates in (curve, rows, JoinedRates([(START, curve)])):
        assert rates.changes(START, START + 2 * DAY) == [START + DAY]
