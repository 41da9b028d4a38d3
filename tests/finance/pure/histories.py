"""Random histories, and a slow count of what they owe that shares nothing with the engine.

The count goes day by day with fractions and asks of each day anew which events stand. Run with another seed by
`pytest --hypothesis-seed=N` after setting `FORECOURT_RANDOM_HISTORIES=1`; a failure prints how to repeat it.
"""

import calendar
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st

from finance.interest import Compounding, DayCount, Event, EventKind

DAY = timedelta(days=1)

quick = settings(
    derandomize=not os.environ.get("FORECOURT_RANDOM_HISTORIES"),
    database=None,
    deadline=None,
    max_examples=int(os.environ.get("FORECOURT_HISTORIES", "120")),
    print_blob=True,
)

cents = st.integers(1, 5_000_000).map(lambda units: Decimal(units).scaleb(-2))
signed_cents = st.integers(-50_000, 50_000).map(lambda units: Decimal(units).scaleb(-2))
annual_rates = st.integers(0, 2_500).map(lambda units: Decimal(units).scaleb(-4))
day_counts = st.sampled_from(list(DayCount))
compoundings = st.sampled_from(list(Compounding))


@dataclass(frozen=True)
class History:
    start: date
    rates: list[tuple[date, Decimal]]
    events: list[Event]
    as_of: date


@st.composite
def histories(draw: st.DrawFn, *, with_reversals: bool = True) -> History:
    start = date(2023, 10, 1) + draw(st.integers(0, 200)) * DAY
    offsets = draw(st.lists(st.integers(1, 400), max_size=5, unique=True))
    rates = [(start, draw(annual_rates)), *((start + offset * DAY, draw(annual_rates)) for offset in offsets)]
    events = [Event.advance(1, start + draw(st.integers(0, 20)) * DAY, draw(cents))]
    kinds = ["advance", "curtailment", "billing", "interest", "payment", "fee", "adjustment", "credit"]
    if with_reversals:
        kinds += ["reversal", "reversal"]
    for sequence in range(2, draw(st.integers(2, 13))):
        day = start + draw(st.integers(0, 400)) * DAY
        amount = draw(cents) / 100
        amount = amount.quantize(Decimal("0.01"))
        match draw(st.sampled_from(kinds)):
            case "advance":
                events.append(Event.advance(sequence, day, draw(cents)))
            case "curtailment":
                events.append(Event.curtailment(sequence, day, draw(cents)))
            case "billing":
                events.append(Event.interest_billed(sequence, day, draw(signed_cents)))
            case "interest":
                events.append(Event.interest_payment(sequence, day, amount))
            case "payment":
                share = Event.payment(sequence, day, principal=draw(cents), interest=amount, fees=amount)
                events.append(share)
            case "fee":
                events.append(Event.fee_assessed(sequence, day, amount))
            case "adjustment":
                events.append(Event.adjustment(sequence, day, draw(signed_cents)))
            case "credit":
                events.append(Event.credit_granted(sequence, day, amount))
            case _:
                undone = {event.reverses for event in events}
                targets = [event for event in events if event.sequence not in undone]
                target = draw(st.sampled_from(targets))
                later = draw(st.sampled_from([0, 0, 0, 5, 90]))
                day = target.effective_on + later * DAY
                events.append(Event.reversal_of(target, sequence=sequence, effective_on=day))
    return History(start, rates, events, start + draw(st.integers(0, 600)) * DAY)


@dataclass(frozen=True)
class Owed:
    """What the slow count finds; interest as fractions of money, `earned` being all of it, billed or not."""

    principal: Fraction
    earned: Fraction
    accrued: Fraction
    remainder: Fraction
    billed_interest: Fraction
    fees: Fraction
    credit: Fraction


def slow_count(
    events: Sequence[Event],
    rates: Sequence[tuple[date, Decimal]],
    day_count: DayCount,
    compounding: Compounding,
    as_of: date,
) -> Owed:
    """Count day by day, asking of each day which events are effective and not undone as that day ends."""
    undone_by = {event.reverses: event for event in events if event.reverses is not None}

    def stands(event: Event, day: date) -> bool:
        if event.effective_on > day:
            return False
        undoing = undone_by.get(event.sequence)
        return undoing is None or not stands(undoing, day)

    originals = [event for event in events if event.kind is not EventKind.REVERSAL]

    def total(field: str, day: date) -> Fraction:
        return sum(
            (Fraction(getattr(event, field)) for event in originals if stands(event, day)), Fraction(0)
        )

    earned = closed = Fraction(0)
    day = min([event.effective_on for event in events] + [as_of])
    while True:
        if any(
            event.kind in {EventKind.INTEREST_BILLED, EventKind.PAYOFF}
            and event.effective_on == day
            and stands(event, day)
            for event in originals
        ):
            closed = earned
        if day == as_of:
            break
        base = total("principal", day)
        if compounding is Compounding.DAILY:
            # Interest of the period and billed unpaid interest earn interest; what rounding left does not.
            base += earned - closed + total("billed", day) + total("interest", day)
        if base:
            earned += base * Fraction(_rate_on(rates, day)) * part_of_year(day_count, day)
            if compounding is Compounding.DAILY:
                # Exact fractions grow by some digits each day; forty decimals are far more than is compared.
                earned = Fraction(round(earned * 10**40), 10**40)
        day += DAY
    billed = total("billed", as_of)
    return Owed(
        principal=total("principal", as_of),
        earned=earned,
        accrued=earned - closed,
        remainder=closed - billed,
        billed_interest=billed + total("interest", as_of),
        fees=total("fees", as_of),
        credit=total("credit", as_of),
    )


def _rate_on(rates: Sequence[tuple[date, Decimal]], day: date) -> Decimal:
    return max((valid_from, rate) for valid_from, rate in rates if valid_from <= day)[1]


def part_of_year(day_count: DayCount, day: date) -> Fraction:
    if day_count is DayCount.ACTUAL_360:
        return Fraction(1, 360)
    if day_count is DayCount.ACTUAL_365:
        return Fraction(1, 365)
    if day_count is DayCount.ACTUAL_ACTUAL:
        return Fraction(1, 366 if calendar.isleap(day.year) else 365)
    # Thirty days a month: the 31st adds none, the last day of February adds what the month lacks.
    if day.day == 30 and calendar.monthrange(day.year, day.month)[1] == 31:
        return Fraction(0)
    if day.month == 2 and (day + DAY).month == 3:
        return Fraction(31 - day.day, 360)
    return Fraction(1, 360)
