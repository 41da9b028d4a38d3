"""What single events do to a position: reversals, corrections, free days, closing."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from finance.interest import (
    BackdatedError,
    Compounding,
    DayCount,
    Event,
    EventKind,
    HistoryError,
    Position,
    RateCurve,
    accrue,
    advance,
    billing_adjustment,
    fold,
    interest_to_bill,
    payoff_figures,
    running,
    segments,
)

START = date(2025, 1, 1)
DAY = timedelta(days=1)
# 9 % on 360 days: 10,000.00 earn 2.50 a day.
RATES = RateCurve([(date(2024, 1, 1), Decimal("0.09"))], day_count=DayCount.ACTUAL_360)
DAILY = RateCurve(
    [(date(2024, 1, 1), Decimal("0.09"))], day_count=DayCount.ACTUAL_360, compounding=Compounding.DAILY
)
ADVANCE = Event.advance(1, START, Decimal("10000.00"))


def test_the_start_day_counts_and_the_value_date_does_not():
    assert fold([ADVANCE], RATES, START).accrued == 0
    assert fold([ADVANCE], RATES, START + DAY).accrued == Decimal("2.50")
    paid = [ADVANCE, Event.curtailment(2, START + 10 * DAY, Decimal("10000.00"))]
    assert fold(paid, RATES, START + 30 * DAY).accrued == Decimal("25.00")


def test_a_history_without_events_owes_nothing():
    assert fold([], RATES, START) == Position.empty(START)
    assert fold([ADVANCE], RATES, START - DAY).total("USD") == 0
    assert running([], RATES) == []
    assert segments([], RATES, START, START + DAY) == []


def test_a_returned_payment_reopens_the_interest_from_its_value_date():
    payment = Event.payment(2, START + 10 * DAY, principal=Decimal("4000.00"))
    returned = Event.reversal_of(payment, sequence=3)
    assert fold([ADVANCE, payment], RATES, START + 20 * DAY).accrued == Decimal("40.00")
    position = fold([ADVANCE, payment, returned], RATES, START + 20 * DAY)
    assert (position.principal, position.accrued) == (Decimal("10000.00"), Decimal("50.00"))


def test_a_reversal_of_a_later_day_takes_back_from_that_day():
    payment = Event.payment(2, START + 10 * DAY, principal=Decimal("4000.00"))
    later = Event.reversal_of(payment, sequence=3, effective_on=START + 15 * DAY)
    position = fold([ADVANCE, payment, later], RATES, START + 20 * DAY)
    assert position.accrued == 10 * Decimal("2.50") + 5 * Decimal("1.50") + 5 * Decimal("2.50")


def test_a_reversed_reversal_lets_the_payment_stand():
    payment = Event.payment(2, START + 10 * DAY, principal=Decimal("4000.00"))
    returned = Event.reversal_of(payment, sequence=3)
    mistaken = Event.reversal_of(returned, sequence=4)
    assert fold([ADVANCE, payment, returned, mistaken], RATES, START + 20 * DAY) == fold(
        [ADVANCE, payment], RATES, START + 20 * DAY
    )


def test_a_reversed_bill_is_accrued_again():
    bill = Event.interest_billed(2, START + 31 * DAY, Decimal("77.50"))
    undone = Event.reversal_of(bill, sequence=3)
    position = fold([ADVANCE, bill, undone], RATES, START + 31 * DAY)
    assert (position.billed_interest, position.period_interest) == (Decimal("0.00"), Decimal("77.50"))


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([ADVANCE, ADVANCE], "number 1"),
        (
            [ADVANCE, Event(kind=EventKind.REVERSAL, effective_on=START, sequence=9, reverses=5)],
            "not in the history",
        ),
        (
            [ADVANCE, Event.reversal_of(ADVANCE, sequence=2), Event.reversal_of(ADVANCE, sequence=3)],
            "reversed already",
        ),
        (
            [ADVANCE, Event.reversal_of(ADVANCE, sequence=2, effective_on=START - DAY)],
            "before what it reverses",
        ),
    ],
)
def test_what_is_no_history_is_refused(events, message):
    with pytest.raises(HistoryError, match=message):
        fold(events, RATES, START)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Event.advance(1, START, Decimal("-1.00")),
        lambda: Event.curtailment(1, START, Decimal("-1.00")),
        lambda: Event.fee_payment(1, START, Decimal("-1.00")),
        lambda: Event(kind=EventKind.ADVANCE, effective_on=START, sequence=1, fees=Decimal("1.00")),
        lambda: Event(kind=EventKind.REVERSAL, effective_on=START, sequence=1),
        lambda: Event(kind=EventKind.ADVANCE, effective_on=START, sequence=2, reverses=1),
        lambda: Event(kind=EventKind.REVERSAL, effective_on=START, sequence=1, reverses=1),
        lambda: Event(
            kind=EventKind.REVERSAL, effective_on=START, sequence=2, reverses=1, principal=Decimal(1)
        ),
        lambda: Event.advance(1, START, Decimal("NaN")),
    ],
)
def test_an_event_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=r"cannot|only a reversal|finite"):
        wrong()


def test_an_amount_that_is_no_decimal_is_refused():
    with pytest.raises(TypeError):
        Event.advance(1, START, 100.0)  # type: ignore[arg-type]


def test_free_days_bear_no_interest():
    free_until = START + 5 * DAY
    for as_of, interest in [(START + 3 * DAY, "0"), (free_until, "0"), (free_until + DAY, "2.50")]:
        assert fold([ADVANCE], RATES, as_of, interest_from=free_until).accrued == Decimal(interest)
    found = segments([ADVANCE], RATES, START, START + 10 * DAY, interest_from=free_until)
    assert [(segment.start, segment.days, segment.interest) for segment in found] == [
        (free_until, 5, Decimal("12.50"))
    ]
    position = fold([ADVANCE], RATES, START + DAY, interest_from=free_until)
    figures = payoff_figures(position, RATES, [START + 2 * DAY, START + 6 * DAY], "USD")
    assert [figure.total for figure in figures] == [Decimal("10000.00"), Decimal("10002.50")]


def test_a_step_back_in_time_asks_for_a_fold():
    position = fold([ADVANCE], RATES, START + 10 * DAY)
    with pytest.raises(BackdatedError):
        advance(position, Event.curtailment(2, START + 9 * DAY, Decimal("1.00")), RATES)
    with pytest.raises(BackdatedError):
        advance(position, Event.reversal_of(ADVANCE, sequence=2, effective_on=START + 11 * DAY), RATES)
    with pytest.raises(BackdatedError):
        payoff_figures(position, RATES, [START + 9 * DAY], "USD")
    assert accrue(position, RATES, START) is position


def test_a_payment_recorded_late_is_answered_by_an_adjustment():
    billed_on = START + 31 * DAY
    before = [ADVANCE, Event.interest_billed(2, billed_on, Decimal("77.50"))]
    after = [*before, Event.curtailment(3, START + 21 * DAY, Decimal("4000.00"))]
    adjustment = billing_adjustment(before, after, RATES, billed_on, "USD")
    assert (adjustment.before, adjustment.after) == (Decimal("77.50"), Decimal("67.50"))
    assert adjustment.amount == Decimal("-10.00")
    corrected = fold([*after, Event.adjustment(4, billed_on, adjustment.amount)], RATES, billed_on)
    assert corrected.billed_interest == Decimal("67.50")
    assert corrected.remainder_parts == 0
    assert billing_adjustment(after, after, RATES, billed_on, "USD").amount == 0


def test_a_corrected_fixing_is_answered_by_an_adjustment():
    billed_on = START + 31 * DAY
    events = [ADVANCE, Event.interest_billed(2, billed_on, Decimal("77.50"))]
    corrected = RateCurve(
        [(date(2024, 1, 1), Decimal("0.09")), (START + 21 * DAY, Decimal("0.108"))],
        day_count=DayCount.ACTUAL_360,
    )
    adjustment = billing_adjustment(events, events, RATES, billed_on, "USD", corrected_rates=corrected)
    assert adjustment.amount == Decimal("5.00")


def test_a_remainder_is_carried_and_settled_with_the_payoff():
    # 31,500.00 at 9.50 % on 360 days earn 8.3125 a day: 19 days leave exactly a quarter of a cent, twice half a cent.
    rates = RateCurve([(START, Decimal("0.095"))], day_count=DayCount.ACTUAL_360)
    events = [Event.advance(1, START, Decimal("31500.00"))]
    first = interest_to_bill(fold(events, rates, START + 19 * DAY), "USD")
    events.append(Event.interest_billed(2, START + 19 * DAY, first))
    value_date = START + 38 * DAY
    figure = payoff_figures(fold(events, rates, value_date), rates, [value_date], "USD")[0]
    assert (first, figure.accrued) == (Decimal("157.94"), Decimal("157.94"))
    payoff = Event.payoff(
        3, value_date, principal=figure.principal, billed=figure.accrued, interest=first + figure.accrued
    )
    closed = fold([*events, payoff], rates, value_date)
    assert closed.accrued == Decimal("-0.005")
    assert closed.total("USD") == 0
    assert closed.is_settled("USD")
    assert payoff_figures(closed, rates, [value_date + 30 * DAY], "USD")[0].total == 0


def test_a_closed_account_stays_at_nothing_though_interest_compounds():
    events = [ADVANCE]
    value_date = START + 100 * DAY
    figure = payoff_figures(fold(events, DAILY, value_date), DAILY, [value_date], "USD")[0]
    payoff = Event.payoff(
        2, value_date, principal=figure.principal, billed=figure.accrued, interest=figure.accrued
    )
    closed = fold([*events, payoff], DAILY, value_date)
    years_later = fold([*events, payoff], DAILY, value_date + 9000 * DAY)
    assert closed.remainder_parts != 0
    assert years_later.unbilled_parts == closed.unbilled_parts
    assert years_later.is_settled("USD")


def test_billed_unpaid_interest_earns_interest_only_where_it_compounds():
    bill = Event.interest_billed(2, START + 30 * DAY, Decimal("75.27"))
    end = START + 60 * DAY
    billed, unbilled = fold([ADVANCE, bill], DAILY, end), fold([ADVANCE], DAILY, end)
    # Billing by itself changes what is owed by less than a day's interest on the rounding.
    assert abs(billed.accrued + billed.billed_interest - unbilled.accrued) < Decimal("0.0001")
    simple = fold([ADVANCE, Event.interest_billed(2, START + 30 * DAY, Decimal("75.00"))], RATES, end)
    assert simple.accrued == Decimal("75.00")


def test_overpaid_money_is_a_credit_that_lowers_the_total():
    events = [ADVANCE, Event.payment(2, START, principal=Decimal("10000.00"), credit=Decimal("12.00"))]
    position = fold(events, RATES, START + DAY)
    assert position.total("USD") == Decimal("-12.00")
    assert not position.is_settled("USD")


def test_events_of_one_day_are_shown_in_one_order():
    billed = Event.interest_billed(5, START + DAY, Decimal("2.50"))
    fee = Event.fee_assessed(2, START + DAY, Decimal("18.00"))
    paid = Event.payment(3, START + DAY, interest=Decimal("2.50"), fees=Decimal("18.00"))
    lines = running([paid, fee, billed, ADVANCE], RATES)
    assert [event.sequence for event, _ in lines] == [1, 5, 2, 3]
    assert [position.total("USD") for _, position in lines] == [
        Decimal("10000.00"),
        Decimal("10002.50"),
        Decimal("10020.50"),
        Decimal("10000.00"),
    ]


def test_a_compounding_segment_names_the_interest_that_earns_interest():
    billed = Event.interest_billed(2, START + 30 * DAY, Decimal("75.27"))
    paid = Event.interest_payment(3, START + 40 * DAY, Decimal("75.27"))
    found = segments([ADVANCE, billed, paid], DAILY, START, START + 60 * DAY)
    assert found[-1].start == START + 40 * DAY
    assert found[-1].unpaid_interest < Decimal(26) < Decimal(75) < found[-2].unpaid_interest
    assert segments([ADVANCE, billed, paid], RATES, START, START + 60 * DAY)[0].days == 60


def test_a_later_reversal_does_not_keep_the_next_bill_from_closing_its_period():
    first = Event.interest_billed(2, START + 30 * DAY, Decimal("75.00"))
    second = Event.interest_billed(3, START + 60 * DAY, Decimal("75.00"))
    undone = Event.reversal_of(first, sequence=4, effective_on=START + 60 * DAY)
    position = fold([ADVANCE, first, second, undone], RATES, START + 60 * DAY)
    assert position.period_interest == 0
    assert (position.billed_interest, position.accrued) == (Decimal("75.00"), Decimal("75.00"))


def test_a_gap_without_balance_parts_two_segments():
    paid = Event.curtailment(2, START + 10 * DAY, Decimal("10000.00"))
    again = Event.advance(3, START + 20 * DAY, Decimal("10000.00"))
    found = segments([ADVANCE, paid, again], RATES, START, START + 30 * DAY)
    assert [(segment.start, segment.end, segment.days) for segment in found] == [
        (START, START + 10 * DAY, 10),
        (START + 20 * DAY, START + 30 * DAY, 10),
    ]
