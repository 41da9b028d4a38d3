"""Curtailment: four shapes of programme, due rules, and what was paid of it."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.calendars import FEDERAL_RESERVE
from finance.curtailment import (
    AgeMonthlyWithStop,
    Base,
    FollowingMonth,
    FullPayoffAtAge,
    Interval,
    NextBusinessDay,
    StepTable,
    open_steps,
    schedule,
)
from finance.money import is_whole
from tests.finance.pure.histories import cents, quick

FUNDED = date(2025, 1, 17)
TENTH = Decimal("0.10")


def rows_of(programme, principal="20000.00", **options):
    return schedule(programme, principal=Decimal(principal), funded_on=FUNDED, currency="USD", **options)


def amounts(rows) -> list[str]:
    return [str(row.amount) for row in rows]


def test_by_interval_ten_percent_of_original_falls_due_on_day_sixty():
    rows = rows_of(Interval(60, TENTH, times=1))
    assert [(row.due_on, str(row.amount), row.base) for row in rows] == [
        (date(2025, 3, 18), "2000.00", Base.ORIGINAL),
        (date(2025, 5, 17), "18000.00", Base.REST),
    ]
    assert [row.number for row in rows] == [1, 2]
    assert rows[0].rule == "10 % of original principal, 60 days after funding"
    assert rows[-1].balance_after == 0


def test_by_interval_of_remaining_each_step_is_smaller():
    rows = rows_of(Interval(30, TENTH, base=Base.REMAINING, times=3))
    assert amounts(rows) == ["2000.00", "1800.00", "1620.00", "14580.00"]


def test_by_interval_without_end_the_last_step_is_trimmed():
    rows = rows_of(Interval(30, Decimal("0.30")))
    assert amounts(rows) == ["6000.00", "6000.00", "6000.00", "2000.00"]
    assert [row.trimmed for row in rows] == [False, False, False, True]


def test_a_fraction_of_what_remains_needs_an_end():
    with pytest.raises(ValueError, match="never ends"):
        rows_of(Interval(30, TENTH, base=Base.REMAINING))
    within = rows_of(Interval(30, TENTH, base=Base.REMAINING), horizon=date(2025, 4, 20))
    assert amounts(within) == ["2000.00", "1800.00", "1620.00"]


def test_monthly_by_age_stops_at_the_smaller_of_two_balances():
    half = Decimal("0.50")
    programme = AgeMonthlyWithStop(180, TENTH, stop_original=half, stop_wholesale=half)
    rows = rows_of(programme, "24000.00", wholesale_value=Decimal("20000.00"))
    assert amounts(rows) == ["2400.00"] * 5 + ["2000.00"]
    assert rows[-1].balance_after == Decimal("10000.00")
    assert rows[-1].trimmed
    assert [row.target_on for row in rows[:2]] == [date(2025, 7, 16), date(2025, 8, 16)]
    assert amounts(rows_of(programme, "24000.00")) == ["2400.00"] * 5


def test_monthly_steps_keep_to_the_end_of_short_months():
    rows = schedule(
        AgeMonthlyWithStop(0, Decimal("0.25")),
        principal=Decimal("1000.00"),
        funded_on=date(2024, 1, 31),
        currency="USD",
    )
    assert [row.target_on for row in rows] == [
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
        date(2024, 4, 30),
    ]


@pytest.mark.parametrize(
    ("programme", "due_on"),
    [
        (FullPayoffAtAge(days=91), date(2025, 4, 18)),
        (FullPayoffAtAge(months=11), date(2025, 12, 17)),  # the first day of the twelfth month in stock
    ],
)
def test_the_whole_balance_at_an_age(programme, due_on):
    (row,) = rows_of(programme)
    assert (row.due_on, row.amount, row.base, row.fraction) == (due_on, Decimal("20000.00"), Base.REST, None)


def test_a_step_table_with_the_payment_date_of_the_following_month():
    ages = [
        (270, 5),
        (365, 5),
        *((age, 3) for age in range(395, 546, 30)),
        *((age, 5) for age in range(575, 696, 30)),
    ]
    programme = StepTable(tuple((age, Decimal(percent) / 100) for age, percent in ages))
    rows = rows_of(programme, "100000.00", due_rule=FollowingMonth(15))
    assert sum(row.amount for row in rows) == Decimal("53000.00")
    assert rows[-1].balance_after == Decimal("47000.00")
    assert rows[0].target_on == date(2025, 10, 14)
    assert rows[0].due_on == date(2025, 11, 15)
    assert len(rows) == 13


def test_due_on_a_business_day_with_days_of_grace():
    # Day 168 is the fourth of July.
    programme = FullPayoffAtAge(days=168)
    (row,) = rows_of(programme, due_rule=NextBusinessDay(), calendar=FEDERAL_RESERVE, grace_days=5)
    assert (row.target_on, row.due_on, row.grace_until) == (
        date(2025, 7, 4),
        date(2025, 7, 7),
        date(2025, 7, 12),
    )
    with pytest.raises(ValueError, match="calendar"):
        rows_of(programme, due_rule=NextBusinessDay())


def test_the_payment_date_keeps_to_the_end_of_short_months():
    assert FollowingMonth(31).due_on(date(2025, 1, 20), None) == date(2025, 2, 28)
    assert FollowingMonth(15).due_on(date(2025, 12, 31), None) == date(2026, 1, 15)


def test_maturity_takes_what_the_steps_leave():
    rows = rows_of(StepTable(((30, TENTH), (400, TENTH))), maturity=FullPayoffAtAge(days=365))
    assert amounts(rows) == ["2000.00", "18000.00"]
    assert rows[-1].base is Base.REST
    stopped = AgeMonthlyWithStop(30, TENTH, stop_original=Decimal("0.80"))
    assert amounts(rows_of(stopped, maturity=FullPayoffAtAge(days=365))) == ["2000.00", "2000.00", "16000.00"]


def test_paid_early_reduces_the_same_step():
    rows = rows_of(Interval(30, Decimal("0.50")))
    first, second = open_steps(rows, Decimal("10500.00"))
    assert (first.paid, first.open) == (Decimal("10000.00"), Decimal("0.00"))
    assert (second.paid, second.open) == (Decimal("500.00"), Decimal("9500.00"))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Interval(0, TENTH),
        lambda: Interval(30, Decimal(10)),
        lambda: Interval(30, TENTH, base=Base.REST),
        FullPayoffAtAge,
        lambda: FullPayoffAtAge(days=91, months=3),
        lambda: FullPayoffAtAge(days=0),
        lambda: StepTable(()),
        lambda: StepTable(((60, TENTH), (30, TENTH))),
        lambda: StepTable(((30, Decimal("0.60")), (60, Decimal("0.60")))),
        lambda: AgeMonthlyWithStop(-1, TENTH),
        lambda: FollowingMonth(0),
        lambda: rows_of(Interval(30, TENTH), "0.00"),
        lambda: rows_of(Interval(30, TENTH), "100.005"),
    ],
)
def test_a_programme_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r".+"):
        wrong()


@quick
@given(
    cents,
    st.one_of(
        st.builds(
            Interval,
            st.integers(1, 120),
            st.decimals("0.01", 1, places=2),
            st.sampled_from([Base.ORIGINAL, Base.REMAINING]),
            st.integers(0, 12),
        ),
        st.builds(AgeMonthlyWithStop, st.integers(0, 300), st.decimals("0.01", 1, places=2)),
        st.just(FullPayoffAtAge(days=91)),
    ),
)
def test_a_schedule_that_goes_to_the_end_takes_exactly_the_principal(principal, programme):
    rows = schedule(
        programme, principal=principal, funded_on=FUNDED, currency="USD", maturity=FullPayoffAtAge(days=5000)
    )
    assert sum(row.amount for row in rows) == principal
    assert rows[-1].balance_after == 0
    assert all(row.amount > 0 and is_whole(row.amount, "USD") for row in rows)
    assert [row.target_on for row in rows] == sorted(row.target_on for row in rows)
