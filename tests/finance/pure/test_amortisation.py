"""Schedules close at exactly nothing; late, small and extra payments have their effect."""

from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.amortisation import (
    Instalment,
    actual_days_schedule,
    bullet_schedule,
    due_dates,
    equal_instalment,
    equal_instalment_schedule,
    interest_only_schedule,
    prepayment_effect,
)
from finance.interest import DayCount, RateCurve
from tests.finance.pure.histories import annual_rates, cents, day_counts, quick

START = date(2025, 1, 1)
LOAN = Decimal("60000.00")
RATES = RateCurve([(START, Decimal("0.084"))], day_count=DayCount.ACTUAL_365)
DATES = due_dates(date(2025, 2, 1), 12)


def assert_closes(
    rows: tuple[Instalment, ...], principal: Decimal, currency_unit: Decimal = Decimal("0.01")
) -> None:
    balance = principal
    for row in rows:
        assert row.payment == row.interest + row.principal
        balance -= row.principal
        assert row.balance == balance
        assert row.payment % currency_unit == 0
    assert rows[-1].balance == 0
    assert rows[-1].unpaid_interest == 0
    assert sum(row.principal for row in rows) == principal


@quick
@given(cents.filter(lambda amount: amount >= 100), annual_rates, st.integers(1, 120))
def test_equal_instalments_close_at_nothing(principal, rate, count):
    rows = equal_instalment_schedule(
        principal, rate, count=count, first_due=date(2025, 1, 31), currency="USD"
    )
    assert_closes(rows, principal)
    assert not any(row.adjusted for row in rows[:-1])


@quick
@given(cents, annual_rates, day_counts, st.integers(1, 60), cents)
def test_simple_interest_closes_at_nothing_whatever_the_instalment(
    principal, rate, day_count, count, instalment
):
    rates = RateCurve([(START, rate)], day_count=day_count)
    rows = actual_days_schedule(
        principal,
        rates,
        start=START,
        dates=due_dates(date(2025, 1, 31), count),
        instalment=instalment,
        currency="USD",
    )
    assert_closes(rows, principal)


def test_a_whole_instalment_ends_the_loan_earlier_with_a_smaller_last_row():
    rows = equal_instalment_schedule(
        LOAN, Decimal("0.084"), count=12, first_due=DATES[0], currency="USD", instalment=Decimal("5500.00")
    )
    assert_closes(rows, LOAN)
    assert len(rows) == 12
    assert rows[-1].payment < Decimal("5500.00")
    much = equal_instalment_schedule(
        LOAN, Decimal("0.084"), count=12, first_due=DATES[0], currency="USD", instalment=Decimal("20000.00")
    )
    assert_closes(much, LOAN)
    assert len(much) == 4


def test_the_rounding_mode_is_a_parameter():
    # 100.00 at 7.20 % a year: 0.6 a month; 0.125 appears with 25.00 at 6 %.
    half_up = equal_instalment_schedule(
        Decimal("25.00"), Decimal("0.06"), count=1, first_due=DATES[0], currency="USD"
    )
    half_even = equal_instalment_schedule(
        Decimal("25.00"),
        Decimal("0.06"),
        count=1,
        first_due=DATES[0],
        currency="USD",
        rounding=ROUND_HALF_EVEN,
    )
    assert (half_up[0].interest, half_even[0].interest) == (Decimal("0.13"), Decimal("0.12"))
    assert equal_instalment(LOAN, Decimal("0.007"), 12, "USD", ROUND_DOWN) == Decimal("5230.40")


def test_without_interest_the_loan_is_divided():
    rows = equal_instalment_schedule(
        Decimal("100.00"), Decimal(0), count=3, first_due=DATES[0], currency="USD"
    )
    assert [row.payment for row in rows] == [Decimal("33.33"), Decimal("33.33"), Decimal("33.34")]


def test_a_currency_without_cents_has_whole_instalments():
    rows = equal_instalment_schedule(
        Decimal(1_000_000), Decimal("0.03"), count=24, first_due=DATES[0], currency="JPY"
    )
    assert_closes(rows, Decimal(1_000_000), Decimal(1))


def test_due_dates_keep_to_the_day_of_the_month():
    assert due_dates(date(2024, 1, 31), 4) == [
        date(2024, 1, 31),
        date(2024, 2, 29),
        date(2024, 3, 31),
        date(2024, 4, 30),
    ]
    assert due_dates(date(2025, 1, 15), 2, every_months=3) == [date(2025, 1, 15), date(2025, 4, 15)]


def test_quarterly_instalments_take_a_quarter_of_the_rate():
    rows = equal_instalment_schedule(
        LOAN, Decimal("0.08"), count=4, first_due=date(2025, 4, 1), currency="USD", periods_per_year=4
    )
    assert rows[0].interest == Decimal("1200.00")
    assert [row.due_on.month for row in rows] == [4, 7, 10, 1]
    assert_closes(rows, LOAN)


def test_interest_only_pays_the_principal_with_the_last_row():
    rows = interest_only_schedule(LOAN, Decimal("0.084"), count=6, first_due=DATES[0], currency="USD")
    assert [row.payment for row in rows] == [Decimal("420.00")] * 5 + [Decimal("60420.00")]
    assert_closes(rows, LOAN)
    assert [row.adjusted for row in rows] == [False] * 5 + [True]


def test_a_bullet_pays_everything_at_the_end():
    (row,) = bullet_schedule(LOAN, RATES, start=START, due_on=date(2025, 12, 31), currency="USD")
    assert (row.interest, row.payment) == (Decimal("5026.19"), Decimal("65026.19"))
    assert_closes((row,), LOAN)


def test_an_interest_deficit_is_paid_first_and_never_added_to_the_principal():
    rows = actual_days_schedule(
        LOAN, RATES, start=START, dates=DATES[:3], instalment=Decimal("400.00"), currency="USD"
    )
    first, second, last = rows
    # 428.05 were due: 28.05 stay unpaid, the principal does not move, and nothing is charged on them.
    assert (first.interest, first.principal, first.unpaid_interest) == (
        Decimal("400.00"),
        Decimal("0.00"),
        Decimal("28.05"),
    )
    assert second.unpaid_interest == Decimal("28.05") + Decimal("386.63") - Decimal("400.00")
    assert second.balance == LOAN
    assert last.interest == Decimal("428.05") + second.unpaid_interest
    assert_closes(rows, LOAN)


def test_an_instalment_below_the_interest_is_refused_where_interest_goes_by_period():
    with pytest.raises(ValueError, match="does not cover the interest of 420"):
        equal_instalment_schedule(
            LOAN, Decimal("0.084"), count=12, first_due=DATES[0], currency="USD", instalment=Decimal("420.00")
        )


def extra(amount: str, paid_on: date):
    return prepayment_effect(
        LOAN,
        RATES,
        last_paid_on=START,
        dates=DATES,
        instalment=Decimal("5230.41"),
        currency="USD",
        amount=Decimal(amount),
        paid_on=paid_on,
    )


def test_an_extra_payment_saves_interest_and_ends_the_loan_earlier():
    effect = extra("12000.00", date(2025, 1, 16))
    # 15 days of 13.808219 a day come first.
    assert (effect.interest, effect.principal) == (Decimal("207.12"), Decimal("11792.88"))
    assert effect.balance == Decimal("48207.12")
    assert (effect.old_end, effect.new_end) == (date(2026, 1, 1), date(2025, 11, 1))
    assert effect.instalments_saved == 2
    without = actual_days_schedule(
        LOAN, RATES, start=START, dates=DATES, instalment=Decimal("5230.41"), currency="USD"
    )
    paid_without = sum(row.payment for row in without)
    paid_with = Decimal("12000.00") + sum(row.payment for row in effect.rows)
    assert effect.interest_saved == paid_without - paid_with > 0
    assert_closes(effect.rows, effect.balance)


def test_paying_everything_ends_the_loan_and_gives_back_the_excess():
    effect = extra("70000.00", date(2025, 1, 16))
    assert (effect.balance, effect.rows, effect.new_end) == (Decimal("0.00"), (), date(2025, 1, 16))
    assert effect.excess == Decimal("70000.00") - LOAN - Decimal("207.12")
    assert effect.instalments_saved == 12


def test_an_extra_payment_below_the_interest_leaves_the_rest_of_it_due():
    effect = extra("100.00", date(2025, 1, 16))
    assert (effect.interest, effect.principal, effect.balance) == (Decimal("100.00"), Decimal("0.00"), LOAN)
    # 207.12 to the sixteenth, 100.00 paid; 220.93 more by the first instalment.
    assert effect.rows[0].interest == Decimal("328.05")
    # The first instalment then lowers the principal by 100.00 more, which saves its interest for eleven months.
    assert Decimal("7.00") < effect.interest_saved < Decimal("8.40")


@pytest.mark.parametrize(
    ("amount", "paid_on"),
    [("0.00", date(2025, 1, 16)), ("-5.00", date(2025, 1, 16)), ("10.005", date(2025, 1, 16))],
)
def test_an_extra_payment_that_cannot_be_posted_is_refused(amount, paid_on):
    with pytest.raises(ValueError, match="positive, whole amount"):
        extra(amount, paid_on)


@pytest.mark.parametrize("paid_on", [date(2024, 12, 31), date(2025, 2, 2)])
def test_an_extra_payment_lies_between_the_last_and_the_next(paid_on):
    with pytest.raises(ValueError, match="between the last payment"):
        extra("100.00", paid_on)


def test_a_loan_that_makes_no_sense_is_refused():
    for principal, count, periods in [
        ("0.00", 12, 12),
        ("100.005", 12, 12),
        ("100.00", 0, 12),
        ("100.00", 12, 7),
    ]:
        with pytest.raises(ValueError, match=r"principal|instalment|periods"):
            equal_instalment_schedule(
                Decimal(principal),
                Decimal("0.05"),
                count=count,
                first_due=START,
                currency="USD",
                periods_per_year=periods,
            )
    with pytest.raises(ValueError, match="before 2025-03-01"):
        actual_days_schedule(
            LOAN,
            RATES,
            start=START,
            dates=DATES,
            instalment=Decimal("5230.41"),
            currency="USD",
            paid_on={2: date(2025, 3, 1), 3: date(2025, 2, 20)},
        )
