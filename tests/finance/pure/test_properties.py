"""What holds in every history, for every day count and compounding."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from finance.interest import (
    YEAR_PARTS,
    Compounding,
    DayCount,
    DayRows,
    Event,
    Position,
    RateCurve,
    RemainderRule,
    accrue,
    advance,
    fold,
    interest_to_bill,
    payoff_figures,
    plan_days,
    running,
    segments,
)
from finance.money import round_money
from tests.finance.pure.histories import (
    DAY,
    History,
    annual_rates,
    cents,
    compoundings,
    day_counts,
    histories,
    part_of_year,
    quick,
    slow_count,
)

FAR_BELOW_A_CENT = Fraction(1, 10**15)


def curve_of(history: History, day_count: DayCount, compounding: Compounding) -> RateCurve:
    return RateCurve(history.rates, day_count=day_count, compounding=compounding)


@quick
@given(histories(), day_counts)
def test_the_fold_equals_a_slow_day_by_day_sum_to_the_last_digit(history: History, day_count: DayCount):
    position = fold(history.events, curve_of(history, day_count, Compounding.SIMPLE), history.as_of)
    slow = slow_count(history.events, history.rates, day_count, Compounding.SIMPLE, history.as_of)
    assert Fraction(position.accrued_parts) == slow.accrued * YEAR_PARTS
    assert Fraction(position.remainder_parts) == slow.remainder * YEAR_PARTS
    assert_posted_amounts_equal(position, slow)


@quick
@given(histories(), day_counts)
def test_the_compounding_fold_equals_a_slow_day_by_day_sum(history: History, day_count: DayCount):
    position = fold(history.events, curve_of(history, day_count, Compounding.DAILY), history.as_of)
    slow = slow_count(history.events, history.rates, day_count, Compounding.DAILY, history.as_of)
    assert abs(Fraction(position.accrued_parts) / YEAR_PARTS - slow.accrued) < FAR_BELOW_A_CENT
    assert abs(Fraction(position.remainder_parts) / YEAR_PARTS - slow.remainder) < FAR_BELOW_A_CENT
    assert_posted_amounts_equal(position, slow)


def assert_posted_amounts_equal(position: Position, slow) -> None:
    fast = (position.principal, position.billed_interest, position.fees, position.credit)
    assert tuple(map(Fraction, fast)) == (slow.principal, slow.billed_interest, slow.fees, slow.credit)


@quick
@given(histories(), day_counts, compoundings, st.randoms(use_true_random=False))
def test_any_order_of_the_same_events_gives_the_same_position(history, day_count, compounding, random):
    rates = curve_of(history, day_count, compounding)
    shuffled = list(history.events)
    random.shuffle(shuffled)
    assert fold(shuffled, rates, history.as_of) == fold(history.events, rates, history.as_of)
    assert running(shuffled, rates) == running(history.events, rates)


@quick
@given(histories(with_reversals=False), day_counts, compoundings)
def test_advancing_event_by_event_equals_the_fold(history, day_count, compounding):
    rates = curve_of(history, day_count, compounding)
    ordered = sorted(history.events, key=lambda event: event.sort_key)
    position = Position.empty(ordered[0].effective_on)
    for event in ordered:
        position = advance(position, event, rates)
    end = max(ordered[-1].effective_on, history.as_of)
    assert accrue(position, rates, end) == fold(history.events, rates, end)


@quick
@given(histories(), day_counts, compoundings)
def test_rows_of_the_database_give_the_same_position_as_the_curve(history, day_count, compounding):
    rows: list = []
    # One night after the other, each from the row before alone.
    for night in range(700):
        through = history.start + night * DAY
        rows.extend(
            plan_days(
                history.rates, day_count=day_count, through=through, previous=rows[-1] if rows else None
            )
        )
    assert len(rows) == 700
    by_rows = DayRows(rows, day_count=day_count, compounding=compounding)
    by_curve = curve_of(history, day_count, compounding)
    assert fold(history.events, by_rows, history.as_of) == fold(history.events, by_curve, history.as_of)
    start = min(event.effective_on for event in history.events)
    assert segments(history.events, by_rows, start, history.as_of) == segments(
        history.events, by_curve, start, history.as_of
    )


@quick
@given(histories(), day_counts, compoundings)
def test_segments_add_up_to_the_interest(history, day_count, compounding):
    rates = curve_of(history, day_count, compounding)
    start = min(event.effective_on for event in history.events)
    parts = sum(
        (segment.parts for segment in segments(history.events, rates, start, history.as_of)), Decimal(0)
    )
    slow = slow_count(history.events, history.rates, day_count, compounding, history.as_of)
    assert abs(Fraction(parts) / YEAR_PARTS - slow.earned) < FAR_BELOW_A_CENT


@quick
@given(cents, annual_rates, day_counts, st.integers(1, 24), st.integers(0, 30))
def test_running_bills_never_drift_and_period_bills_keep_their_remainder(
    principal, rate, day_count, months, offset
):
    start = date(2023, 12, 1) + offset * DAY
    rates = RateCurve([(start, rate)], day_count=day_count)
    half = Decimal("0.005")
    for rule in RemainderRule:
        events = [Event.advance(1, start, principal)]
        posted, exact = Decimal(0), Fraction(0)
        for number in range(months):
            billed_on = start + 31 * (number + 1) * DAY
            position = fold(events, rates, billed_on)
            amount = interest_to_bill(position, "USD", rule=rule)
            posted += amount
            events.append(Event.interest_billed(number + 2, billed_on, amount))
            for day in range(31 * number, 31 * (number + 1)):
                exact += Fraction(principal) * Fraction(rate) * part_of_year(day_count, start + day * DAY)
            after = fold(events, rates, billed_on)
            assert after.accrued_parts == 0
            assert Fraction(after.remainder_parts) == (exact - Fraction(posted)) * YEAR_PARTS
            if rule is RemainderRule.RUNNING:
                assert abs(exact - Fraction(posted)) <= Fraction(half)
                assert posted == round_money(Decimal(exact.numerator) / Decimal(exact.denominator), "USD")
            else:
                assert abs(position.period_interest - amount) <= half


@quick
@given(histories(), day_counts, compoundings, st.integers(0, 60))
def test_paying_exactly_the_payoff_figure_leaves_nothing(history, day_count, compounding, later):
    rates = curve_of(history, day_count, compounding)
    as_of = max(history.as_of, *(event.effective_on for event in history.events))
    value_date = as_of + later * DAY
    figure = payoff_figures(fold(history.events, rates, as_of), rates, [value_date], "USD")[0]
    assert figure.total == (
        figure.principal + figure.accrued + figure.billed_interest + figure.fees - figure.credit
    )
    if min(figure.principal, figure.billed_interest + figure.accrued, figure.fees) < 0:
        return  # an overpaid portion is refunded, not paid off
    payoff = Event.payoff(
        100,
        value_date,
        principal=figure.principal,
        billed=figure.accrued,
        interest=figure.billed_interest + figure.accrued,
        fees=figure.fees,
        credit=figure.credit,
    )
    closed = fold([*history.events, payoff], rates, value_date)
    assert closed.total("USD") == 0
    assert closed.is_settled("USD")
    assert abs(closed.accrued) <= Decimal("0.005")


@quick
@given(histories(), day_counts, compoundings, st.data())
def test_reversing_from_the_original_date_is_as_if_it_never_happened(history, day_count, compounding, data):
    rates = curve_of(history, day_count, compounding)
    numbers = {event.reverses for event in history.events}
    plain = [event for event in history.events if event.reverses is None and event.sequence not in numbers]
    if not plain:
        return
    target = data.draw(st.sampled_from(plain))
    reversed_history = [*history.events, Event.reversal_of(target, sequence=200)]
    without = [event for event in history.events if event is not target]
    undone, never = (fold(events, rates, history.as_of) for events in (reversed_history, without))
    if compounding is Compounding.SIMPLE:
        assert undone == never
    # Compound interest is cut to twenty decimals of a part on each day that has an event, undone or not.
    assert replace(undone, accrued_parts=never.accrued_parts, remainder_parts=never.remainder_parts) == never
    assert abs(undone.accrued_parts - never.accrued_parts) < Decimal("1e-15")
    assert abs(undone.remainder_parts - never.remainder_parts) < Decimal("1e-15")


@quick
@given(histories(), day_counts, st.integers(0, 500))
def test_interest_of_a_span_does_not_depend_on_where_it_is_cut(history, day_count, cut):
    rates = curve_of(history, day_count, Compounding.SIMPLE)
    first = min(event.effective_on for event in history.events)
    last = first + timedelta(days=600)
    middle = first + cut * DAY
    whole, left, right = (
        sum((segment.parts for segment in segments(history.events, rates, a, b)), Decimal(0))
        for a, b in [(first, last), (first, middle), (middle, last)]
    )
    assert whole == left + right
