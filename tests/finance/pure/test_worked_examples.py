"""Worked examples of floor-plan and term lending, to the cent."""

from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from dateutil.relativedelta import relativedelta

from finance.amortisation import actual_days_schedule, due_dates, equal_instalment, equal_instalment_schedule
from finance.interest import (
    Compounding,
    DayCount,
    Event,
    Position,
    RateCurve,
    accrue,
    effective_annual_cost,
    fold,
    interest_to_bill,
    payoff_figures,
    per_diem,
    plan_rates,
    running,
    segments,
)
from finance.money import round_money

PRIME = [(date(2024, 12, 19), Decimal("0.0750")), (date(2025, 9, 18), Decimal("0.0725"))]
MARGIN = [(date(2020, 1, 1), Decimal("0.0200"))]
RATES = plan_rates(PRIME, MARGIN)


def curve(
    day_count: DayCount = DayCount.ACTUAL_360, compounding: Compounding = Compounding.SIMPLE
) -> RateCurve:
    return RateCurve(RATES, day_count=day_count, compounding=compounding)


# --- One unit, one curtailment ----------------------------------------------------------------------------------------

FUNDED, CURTAILED, PAID_OFF = date(2025, 1, 17), date(2025, 3, 18), date(2025, 4, 30)
ONE_UNIT = [
    Event.advance(1, FUNDED, Decimal("20000.00")),
    Event.curtailment(2, CURTAILED, Decimal("2000.00")),
]


def test_the_segments_of_one_unit_are_shown_and_add_up():
    first, second = segments(ONE_UNIT, curve(), FUNDED, PAID_OFF)
    assert (first.start, first.end, first.days, first.principal) == (
        FUNDED,
        CURTAILED,
        60,
        Decimal("20000.00"),
    )
    assert (second.start, second.end, second.days, second.principal) == (
        CURTAILED,
        PAID_OFF,
        43,
        Decimal("18000.00"),
    )
    assert (first.annual_rate, second.annual_rate) == (Decimal("0.0950"), Decimal("0.0950"))
    assert [round(segment.per_diem, 6) for segment in (first, second)] == [
        Decimal("5.277778"),
        Decimal("4.750000"),
    ]
    assert [round(segment.interest, 6) for segment in (first, second)] == [
        Decimal("316.666667"),
        Decimal("204.250000"),
    ]
    assert round(fold(ONE_UNIT, curve(), PAID_OFF).accrued, 6) == Decimal("520.916667")


@pytest.mark.parametrize(
    ("day_count", "compounding", "interest"),
    [
        (DayCount.ACTUAL_360, Compounding.SIMPLE, "520.92"),
        (DayCount.ACTUAL_365, Compounding.SIMPLE, "513.78"),
        (DayCount.THIRTY_360, Compounding.SIMPLE, "521.44"),
        (DayCount.ACTUAL_360, Compounding.DAILY, "528.17"),
    ],
)
def test_each_convention_gives_its_own_interest(day_count, compounding, interest):
    position = fold(ONE_UNIT, curve(day_count, compounding), PAID_OFF)
    assert round_money(position.accrued, "USD") == Decimal(interest)


def test_rounding_the_per_diem_each_day_would_be_wrong():
    first, second = segments(ONE_UNIT, curve(), FUNDED, PAID_OFF)
    wrong = sum(segment.days * round_money(segment.per_diem, "USD") for segment in (first, second))
    assert wrong == Decimal("521.05")
    assert round_money(fold(ONE_UNIT, curve(), PAID_OFF).accrued, "USD") == Decimal("520.92")


def test_thirty_days_a_month_make_sixty_one_and_forty_two_days():
    assert DayCount.THIRTY_360.days_between(FUNDED, CURTAILED) == 61
    assert DayCount.THIRTY_360.days_between(CURTAILED, PAID_OFF) == 42
    assert [segment.days for segment in segments(ONE_UNIT, curve(DayCount.THIRTY_360), FUNDED, PAID_OFF)] == [
        61,
        42,
    ]


def test_monthly_bills_of_one_unit_add_up_to_its_interest():
    events = list(ONE_UNIT)
    bills = []
    for number, billed_on in enumerate([date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1), PAID_OFF]):
        amount = interest_to_bill(fold(events, curve(), billed_on), "USD")
        bills.append(amount)
        events.append(Event.interest_billed(10 + number, billed_on, amount))
    assert bills == [Decimal("79.17"), Decimal("147.78"), Decimal("156.22"), Decimal("137.75")]
    assert sum(bills) == Decimal("520.92")


def test_interest_due_with_the_curtailment_adds_up_to_the_same():
    at_curtailment = interest_to_bill(fold(ONE_UNIT, curve(), CURTAILED), "USD")
    events = [*ONE_UNIT, Event.interest_billed(3, CURTAILED, at_curtailment)]
    at_payoff = interest_to_bill(fold(events, curve(), PAID_OFF), "USD")
    assert (at_curtailment, at_payoff) == (Decimal("316.67"), Decimal("204.25"))


def test_the_cash_that_closes_the_unit():
    figure = payoff_figures(fold(ONE_UNIT, curve(), CURTAILED), curve(), [PAID_OFF], "USD")[0]
    assert figure.total == Decimal("18520.92")
    payoff = Event.payoff(
        3, PAID_OFF, principal=figure.principal, billed=figure.accrued, interest=figure.accrued
    )
    assert fold([*ONE_UNIT, payoff], curve(), PAID_OFF).is_settled("USD")


# --- A monthly statement ----------------------------------------------------------------------------------------------

FEBRUARY_BILL, MARCH_BILL = date(2025, 3, 1), date(2025, 4, 1)
U1 = [
    Event.advance(1, FUNDED, Decimal("20000.00")),
    Event.interest_billed(2, date(2025, 2, 1), Decimal("79.17")),
    Event.interest_payment(3, date(2025, 2, 10), Decimal("79.17")),
    Event.interest_billed(4, FEBRUARY_BILL, Decimal("147.78")),
    Event.interest_payment(5, date(2025, 3, 10), Decimal("147.78")),
    Event.curtailment(6, CURTAILED, Decimal("2000.00")),
    Event.interest_billed(7, MARCH_BILL, Decimal("156.22")),
]
U2 = [
    Event.advance(1, date(2025, 2, 10), Decimal("31500.00")),
    Event.interest_billed(2, FEBRUARY_BILL, Decimal("157.94")),
    Event.interest_payment(3, date(2025, 3, 10), Decimal("157.94")),
    Event.payoff(
        4,
        date(2025, 3, 20),
        principal=Decimal("31500.00"),
        billed=Decimal("157.94"),
        interest=Decimal("157.94"),
    ),
]
U3 = [
    Event.advance(1, date(2025, 3, 12), Decimal("14250.00")),
    Event.fee_assessed(2, date(2025, 3, 12), Decimal("18.00")),
    Event.interest_billed(3, MARCH_BILL, Decimal("75.21")),
]
UNITS = (U1, U2, U3)


def columns(positions: list[Position]) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    principal = sum((position.principal for position in positions), Decimal(0))
    interest = sum((position.billed_interest for position in positions), Decimal(0))
    fees = sum((position.fees for position in positions), Decimal(0))
    return principal, interest, fees, principal + interest + fees


@pytest.mark.parametrize("events", UNITS)
def test_each_bill_of_the_statement_is_what_the_position_asks_for(events):
    for event in events:
        if event.billed:
            before = fold(
                [other for other in events if other.sequence < event.sequence], curve(), event.effective_on
            )
            assert interest_to_bill(before, "USD") == event.billed


def test_the_statement_of_march_opens_and_closes_to_the_cent():
    opening = columns([fold(events, curve(), FEBRUARY_BILL) for events in UNITS])
    closing = columns([fold(events, curve(), MARCH_BILL) for events in UNITS])
    assert opening == (Decimal("51500.00"), Decimal("305.72"), Decimal("0.00"), Decimal("51805.72"))
    assert closing == (Decimal("32250.00"), Decimal("231.43"), Decimal("18.00"), Decimal("32499.43"))


def test_the_lines_of_march_lead_from_opening_to_closing():
    march = [
        event
        for events in UNITS
        for event, _ in running(events, curve())
        if FEBRUARY_BILL < event.effective_on <= MARCH_BILL
    ]
    billed = {event.billed for event in march if event.billed}
    assert billed == {Decimal("156.22"), Decimal("157.94"), Decimal("75.21")}
    charges = sum(event.billed + max(event.principal, 0) + max(event.fees, 0) for event in march)
    payments = -sum(min(event.principal, 0) + min(event.interest, 0) + min(event.fees, 0) for event in march)
    assert sum(event.billed for event in march) == Decimal("389.37")
    assert charges == Decimal("14268.00") + Decimal("389.37")
    assert payments == Decimal("33963.66")
    assert Decimal("51805.72") + charges - payments == Decimal("32499.43")


def test_each_unit_of_the_statement_closes_to_the_cent():
    one, two, three = (fold(events, curve(), MARCH_BILL) for events in UNITS)
    assert (one.principal, one.billed_interest) == (Decimal("18000.00"), Decimal("156.22"))
    assert two.is_settled("USD")
    assert (three.principal, three.billed_interest, three.fees) == (
        Decimal("14250.00"),
        Decimal("75.21"),
        Decimal("18.00"),
    )
    assert one.billed_interest + three.billed_interest + three.fees == Decimal("249.43")


# --- A payoff quote ---------------------------------------------------------------------------------------------------


def test_the_payoff_quote_binds_by_value_date():
    paid = [
        *U3,
        Event.payment(4, date(2025, 4, 10), interest=Decimal("75.21"), fees=Decimal("18.00")),
    ]
    position = fold(paid, curve(), date(2025, 4, 21))
    figures = payoff_figures(position, curve(), [date(2025, 4, day) for day in (22, 23, 24, 25)], "USD")
    assert [(figure.accrued, figure.total) for figure in figures] == [
        (Decimal("78.97"), Decimal("14328.97")),
        (Decimal("82.73"), Decimal("14332.73")),
        (Decimal("86.49"), Decimal("14336.49")),
        (Decimal("90.25"), Decimal("14340.25")),
    ]
    assert round(figures[0].per_diem, 6) == Decimal("3.760417")
    (segment,) = segments(paid, curve(), MARCH_BILL, date(2025, 4, 25))
    assert (segment.days, round_money(segment.interest, "USD")) == (24, Decimal("90.25"))


def test_ninety_printed_per_diems_are_not_ninety_days_of_interest():
    exact = per_diem(Decimal("14250.00"), Decimal("0.095"), DayCount.ACTUAL_360, date(2025, 4, 1))
    assert round_money(exact, "USD") * 90 == Decimal("338.40")
    assert round_money(exact * 90, "USD") == Decimal("338.44")


# --- A term loan ------------------------------------------------------------------------------------------------------

LOAN, NOMINAL = Decimal("60000.00"), Decimal("0.084")
EQUAL_INSTALMENTS = """
 1 2025-02-01 5230.41 420.00 4810.41 55189.59
 2 2025-03-01 5230.41 386.33 4844.08 50345.51
 3 2025-04-01 5230.41 352.42 4877.99 45467.52
 4 2025-05-01 5230.41 318.27 4912.14 40555.38
 5 2025-06-01 5230.41 283.89 4946.52 35608.86
 6 2025-07-01 5230.41 249.26 4981.15 30627.71
 7 2025-08-01 5230.41 214.39 5016.02 25611.69
 8 2025-09-01 5230.41 179.28 5051.13 20560.56
 9 2025-10-01 5230.41 143.92 5086.49 15474.07
10 2025-11-01 5230.41 108.32 5122.09 10351.98
11 2025-12-01 5230.41  72.46 5157.95  5194.03
12 2026-01-01 5230.39  36.36 5194.03     0.00
"""


def as_lines(rows) -> list[list[str]]:
    return [
        [
            str(value)
            for value in (row.number, row.due_on, row.payment, row.interest, row.principal, row.balance)
        ]
        for row in rows
    ]


def test_the_schedule_of_equal_instalments():
    rows = equal_instalment_schedule(LOAN, NOMINAL, count=12, first_due=date(2025, 2, 1), currency="USD")
    assert as_lines(rows) == [line.split() for line in EQUAL_INSTALMENTS.strip().splitlines()]
    assert [row.adjusted for row in rows] == [False] * 11 + [True]
    assert sum(row.payment for row in rows) == Decimal("62764.90")
    assert sum(row.interest for row in rows) == Decimal("2764.90")
    assert sum(row.principal for row in rows) == LOAN


def test_counting_thirty_days_a_month_gives_the_same_schedule():
    rows = actual_days_schedule(
        LOAN,
        RateCurve([(date(2025, 1, 1), NOMINAL)], day_count=DayCount.THIRTY_360),
        start=date(2025, 1, 1),
        dates=due_dates(date(2025, 2, 1), 12),
        instalment=equal_instalment(LOAN, NOMINAL / 12, 12, "USD"),
        currency="USD",
    )
    assert as_lines(rows) == [line.split() for line in EQUAL_INSTALMENTS.strip().splitlines()]


def simple_interest(paid_on: dict[int, date]):
    return actual_days_schedule(
        LOAN,
        RateCurve([(date(2025, 1, 1), NOMINAL)], day_count=DayCount.ACTUAL_365),
        start=date(2025, 1, 1),
        dates=due_dates(date(2025, 2, 1), 12),
        instalment=Decimal("5230.41"),
        currency="USD",
        paid_on=paid_on,
    )


def test_simple_interest_paid_on_time():
    assert [(row.interest, row.balance) for row in simple_interest({})[:4]] == [
        (Decimal("428.05"), Decimal("55197.64")),
        (Decimal("355.68"), Decimal("50322.91")),
        (Decimal("359.02"), Decimal("45451.52")),
        (Decimal("313.80"), Decimal("40534.91")),
    ]


def test_five_days_late_cost_principal_progress():
    late, on_time = simple_interest({3: date(2025, 4, 6)}), simple_interest({})
    assert [(row.interest, row.balance) for row in late[2:4]] == [
        (Decimal("416.92"), Decimal("45509.42")),
        (Decimal("261.84"), Decimal("40540.85")),
    ]
    assert late[3].balance - on_time[3].balance == Decimal("5.94")
    assert round_money(Decimal("0.05") * Decimal("5230.41"), "USD") == Decimal("261.52")


def test_the_same_loan_posted_payment_by_payment_bills_the_same_interest():
    rates = RateCurve([(date(2025, 1, 1), NOMINAL)], day_count=DayCount.ACTUAL_365)
    events = [Event.advance(1, date(2025, 1, 1), LOAN)]
    billed = []
    for paid_on in (date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 6), date(2025, 5, 1)):
        interest = interest_to_bill(fold(events, rates, paid_on), "USD")
        billed.append(interest)
        number = len(events) + 1
        events += [
            Event.interest_billed(number, paid_on, interest),
            Event.payment(number + 1, paid_on, interest=interest, principal=Decimal("5230.41") - interest),
        ]
    assert billed == [Decimal("428.05"), Decimal("355.68"), Decimal("416.92"), Decimal("261.84")]
    assert fold(events, rates, date(2025, 5, 1)).principal == Decimal("40540.85")


# --- Figures that others published ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("principal", "rate", "a_day"),
    [
        ("10000", "0.12", "3.288"),  # Ford Credit prints 3.287, cut off
        ("12000", "0.22", "7.233"),  # SAFCO prints 7.23
    ],
)
def test_published_per_diems(principal, rate, a_day):
    exact = per_diem(Decimal(principal), Decimal(rate), DayCount.ACTUAL_365, date(2025, 1, 1))
    assert round(exact, 3) == Decimal(a_day)


def test_a_rate_on_360_days_costs_more_on_365():
    assert round(effective_annual_cost(Decimal("0.0950"), DayCount.ACTUAL_360) * 100, 4) == Decimal("9.6319")
    assert effective_annual_cost(Decimal("0.0950"), DayCount.ACTUAL_365) == Decimal("0.0950")


@pytest.mark.parametrize(
    ("principal", "rate", "day_count", "instalment", "first_due", "printed"),
    [
        # Schedules printed in Apache Fineract's end-to-end scenarios; interest to half even there.
        (
            "100.00",
            "0.07",
            DayCount.THIRTY_360,
            "17.01",
            date(2024, 2, 1),
            "0.58 83.57 0.49 67.05 0.39 50.43 0.29 33.71 0.20 16.90 0.10 0.00",
        ),
        (
            "5000.00",
            "0.12",
            DayCount.ACTUAL_365,
            "305.00",
            date(2022, 12, 1),
            (
                "49.32 4744.32 48.35 4487.67 45.74 4228.41 38.92 3962.33 40.38 3697.71 36.47 3429.18 34.95 "
                "3159.13 31.16 2885.29 29.41 2609.70 26.60 2331.30 22.99 2049.29 20.89 1765.18 17.41 "
                "1477.59 15.06 1187.65 12.10 894.75 8.53 598.28 6.10 299.38 2.95 0.00"
            ),
        ),
        (
            "1250.00",
            "0.15",
            DayCount.THIRTY_360,
            "322.00",
            date(2023, 10, 1),
            "15.62 943.62 11.80 633.42 7.92 319.34 3.99 0.00",
        ),
    ],
)
def test_published_schedules(*, principal, rate, day_count, instalment, first_due, printed):
    figures = printed.split()
    rows = actual_days_schedule(
        Decimal(principal),
        RateCurve([(date(2020, 1, 1), Decimal(rate))], day_count=day_count),
        start=first_due + relativedelta(months=-1),
        dates=due_dates(first_due, len(figures) // 2),
        instalment=Decimal(instalment),
        currency="USD",
        rounding=ROUND_HALF_EVEN,
    )
    assert [str(figure) for row in rows for figure in (row.interest, row.balance)] == figures


def test_an_index_floor_holds_below_and_a_change_splits_the_segment():
    rates = plan_rates(
        [(date(2021, 1, 1), Decimal("0.0325")), (date(2022, 5, 5), Decimal("0.0400"))],
        [(date(2021, 1, 1), Decimal("0.0275"))],
        index_floor=Decimal("0.0350"),
    )
    assert rates == [(date(2021, 1, 1), Decimal("0.0625")), (date(2022, 5, 5), Decimal("0.0675"))]
    events = [Event.advance(1, date(2022, 5, 1), Decimal("10000.00"))]
    found = segments(
        events, RateCurve(rates, day_count=DayCount.ACTUAL_360), date(2022, 5, 1), date(2022, 5, 10)
    )
    assert [(segment.days, segment.annual_rate) for segment in found] == [
        (4, Decimal("0.0625")),
        (5, Decimal("0.0675")),
    ]


def test_accruing_in_two_steps_equals_one():
    position = fold(ONE_UNIT, curve(), CURTAILED)
    half_way = accrue(position, curve(), date(2025, 4, 2))
    assert accrue(half_way, curve(), PAID_OFF) == accrue(position, curve(), PAID_OFF)
