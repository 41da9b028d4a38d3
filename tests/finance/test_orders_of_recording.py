"""Whatever the order in which the same facts become known, the account ends where posting in time would have led it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import pytest

from finance.allocation import FEES_FIRST
from finance.interest import Compounding, DayCount, Event, EventKind, RateCurve, interest_to_bill
from finance.queries.cards import Card
from finance.queries.reckoning import final_position, position_of, record

OPENED = date(2025, 1, 10)
FIXINGS = [
    (date(2025, 1, 1), Decimal("0.0950")),
    (date(2025, 3, 14), Decimal("0.0925")),
    (date(2025, 5, 2), Decimal("0.1")),
]
MONTH_STARTS = [date(2025, month, 1) for month in range(2, 8)]

Fact = tuple[date, Callable[[Card, date], Event | None]]


def new_card(compounding: Compounding) -> Card:
    rates = RateCurve(FIXINGS, day_count=DayCount.ACTUAL_360, compounding=compounding)
    return Card(
        account_id=1, dealership_id=1, line_id=1, kind="unit", state="open", currency="USD", plan_id=1,
        day_count=DayCount.ACTUAL_360, compounding=compounding, interest_from=OPENED, position=None, last_sequence=0,
        order=FEES_FIRST, payment_day=10, unit_state="funded", is_sold=False, lent=Decimal(0), scheduled=Decimal(0),
        method=None, instalment=None, days=[], rates=rates, history=[],
    )  # fmt: skip


def advance(card: Card, _day: date) -> Event:
    return Event.advance(card.last_sequence + 1, OPENED, Decimal("20000.00"))


def bill(card: Card, day: date) -> Event | None:
    amount = interest_to_bill(position_of(card, day), "USD")
    return Event.interest_billed(card.last_sequence + 1, day, amount) if amount else None


def pay(amount: Decimal) -> Callable[[Card, date], Event]:
    return lambda card, day: Event.curtailment(card.last_sequence + 1, day, amount)


def charge(amount: Decimal) -> Callable[[Card, date], Event]:
    return lambda card, day: Event.fee_assessed(card.last_sequence + 1, day, amount)


def played(facts: list[Fact], compounding: Compounding) -> Card:
    card = new_card(compounding)
    for day, make in [(OPENED, advance), *facts]:
        event = make(card, day)
        if event is not None:
            record(card, [event])
    return card


def what_is_owed(card: Card) -> tuple[Decimal, ...]:
    position = final_position(card)
    on = position_of(card, date(2025, 7, 31))
    return (
        position.principal,
        position.billed_interest - position.credit,
        position.fees,
        round(on.accrued, 12),
    )


@pytest.mark.parametrize("compounding", list(Compounding))
@pytest.mark.parametrize("seed", range(40))
def test_late_facts_end_where_timely_ones_would(seed: int, compounding: Compounding) -> None:
    random = Random(seed)
    payments: list[Fact] = [
        (OPENED + timedelta(days=random.randrange(1, 190)), pay(Decimal(random.randrange(1, 300_000)) / 100))
        for _ in range(random.randrange(1, 6))
    ]
    fees: list[Fact] = [(OPENED + timedelta(days=random.randrange(1, 190)), charge(Decimal("18.00")))]
    bills: list[Fact] = [(day, bill) for day in MONTH_STARTS]
    in_time = sorted([*payments, *fees, *bills], key=lambda fact: (fact[0], fact[1] is bill))
    expected = what_is_owed(played(in_time, compounding))

    late = [fact for fact in in_time if fact[1] is not bill and random.random() < 0.6]
    in_any_order = [fact for fact in in_time if fact not in late]
    for fact in random.sample(late, len(late)):
        # A fact becomes known after its day, never before it.
        earliest = sum(1 for other in in_any_order if other[0] <= fact[0])
        in_any_order.insert(random.randrange(earliest, len(in_any_order) + 1), fact)
    assert what_is_owed(played(in_any_order, compounding)) == expected


@pytest.mark.parametrize("seed", range(40))
def test_what_is_taken_back_never_happened(seed: int) -> None:
    random = Random(1000 + seed)
    facts: list[Fact] = [(day, bill) for day in MONTH_STARTS]
    kept: list[Fact] = []
    for _ in range(4):
        day = OPENED + timedelta(days=random.randrange(1, 190))
        fact: Fact = (day, pay(Decimal(random.randrange(1, 300_000)) / 100))
        facts.append(fact)
        if random.random() < 0.5:
            kept.append(fact)
    facts.sort(key=lambda fact: (fact[0], fact[1] is bill))
    card = played(facts, Compounding.SIMPLE)
    without = played([fact for fact in facts if fact[1] is bill or fact in kept], Compounding.SIMPLE)

    kept_events = {(day, make(card, day).principal) for day, make in kept}  # type: ignore[union-attr]
    for event in list(card.history or []):
        if event.kind is EventKind.CURTAILMENT and (event.effective_on, event.principal) not in kept_events:
            record(card, [Event.reversal_of(event, sequence=card.last_sequence + 1)])
    assert what_is_owed(card) == what_is_owed(without)


def test_a_correction_that_is_taken_back_with_its_cause_leaves_nothing() -> None:
    card = played([(day, bill) for day in MONTH_STARTS], Compounding.SIMPLE)
    before = what_is_owed(card)
    first = card.last_sequence + 1
    record(card, [Event.curtailment(first, date(2025, 2, 20), Decimal("5000.00"))])
    corrections = [event for event in card.history or [] if event.sequence >= first]
    # One adjustment for each month billed since, on the day of its bill.
    assert [event.kind for event in corrections] == [EventKind.CURTAILMENT] + [EventKind.ADJUSTMENT] * 5
    assert [event.effective_on for event in corrections[1:]] == MONTH_STARTS[1:]
    assert all(event.billed < 0 for event in corrections[1:])
    undo = [
        Event.reversal_of(event, sequence=card.last_sequence + number)
        for number, event in enumerate(corrections, start=1)
    ]
    record(card, undo)
    assert what_is_owed(card) == before
