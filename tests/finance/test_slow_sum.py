"""Random lives of a unit against a second, slow calculation that knows nothing of the engine: day by day, in fractions.

Late news of every kind: payments and payoffs with a value date long past, returns in any order, bills that run late,
free days, all day counts, leap years. After each step the interest counted equals the slow sum exactly, what was posted
of it equals billing in order to the cent, and a unit that was paid off owes nothing on any later day.
"""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from finance.allocation import FEES_FIRST, INTEREST_FIRST
from finance.interest import (
    YEAR_PARTS,
    Compounding,
    DayCount,
    Event,
    EventKind,
    RateCurve,
    interest_to_bill,
)
from finance.queries.cards import Card, Item, next_payment_day
from finance.queries.reckoning import drop_items, final_position, position_of, record, spread
from finance.queries.settlement import payoff_of, settle_share
from finance.queries.splits import is_paid

DAY = timedelta(days=1)
STARTS = [
    date(2023, 12, 20), date(2024, 1, 31), date(2024, 2, 10), date(2024, 10, 30), date(2025, 1, 17), date(2027, 12, 1)
]  # fmt: skip


def cents(amount: Fraction, *, tie_stays: bool = False) -> Decimal:
    """Half up, away from zero."""
    whole, rest = divmod(abs(amount) * 100, 1)
    up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and not tie_stays)
    return Decimal((whole + up) * (1 if amount >= 0 else -1)) / 100


@dataclass
class SlowSum:
    """Interest as the contract words it: the balance at the end of each day, at that day's rate, by the day count."""

    rates: list[tuple[date, Decimal]]
    day_count: str
    free_until: date

    def of_day(self, day: date) -> Fraction:
        rate = Fraction([rate for since, rate in self.rates if since <= day][-1])
        match self.day_count:
            case "actual/360":
                return rate / 360
            case "actual/365":
                return rate / 365
            case "actual/actual":
                return rate / (366 if calendar.isleap(day.year) else 365)
        following = day + DAY
        months = 12 * (following.year - day.year) + following.month - day.month
        return rate * (30 * months + min(following.day, 30) - min(day.day, 30)) / 360

    def interest(self, moves: Sequence[tuple[date, Decimal]], start: date, end: date) -> Fraction:
        total, day = Fraction(0), max(start, self.free_until)
        while day < end:
            total += Fraction(
                sum((amount for since, amount in moves if since <= day), Decimal(0))
            ) * self.of_day(day)
            day += DAY
        return total


@dataclass
class Life:
    """One unit and everything that happens to it."""

    random: Random
    card: Card = field(init=False)
    slow: SlowSum = field(init=False)
    start: date = field(init=False)
    lent: Decimal = field(init=False)
    charged: Decimal = Decimal(0)
    received: Decimal = Decimal(0)
    payments: list[tuple[Decimal, list[int]]] = field(default_factory=list)
    billed_on: set[date] = field(default_factory=set)
    payoffs: int = 0
    counts_ahead: bool = False

    def __post_init__(self) -> None:
        random = self.random
        self.start = random.choice(STARTS) + random.randrange(5) * DAY
        rates = [(date(2023, 1, 1), Decimal(random.randrange(300, 1200)) / 10_000)]
        for _ in range(random.randrange(4)):
            rates.append(
                (
                    max(rates[-1][0], self.start) + random.randrange(1, 70) * DAY,
                    Decimal(random.randrange(99_999)) / 10**6,
                )
            )
        day_count = random.choice(["actual/360", "actual/360", "actual/365", "actual/actual", "30/360"])
        free_until = self.start + random.choice([0, 0, 0, 5, 20, 40]) * DAY
        self.slow = SlowSum(rates, day_count, free_until)
        self.lent = Decimal(random.randrange(10, 4_000_000)) / 100
        self.card = Card(
            account_id=1, dealership_id=1, line_id=1, kind="unit", state="open", currency="USD", plan_id=1,
            day_count=DayCount(day_count), compounding=Compounding.SIMPLE, interest_from=free_until, position=None,
            last_sequence=0, order=random.choice([FEES_FIRST, INTEREST_FIRST]), payment_day=10, unit_state="funded",
            is_sold=False, lent=self.lent, scheduled=Decimal(0), method=None, instalment=None, days=[],
            rates=RateCurve(rates, day_count=DayCount(day_count)), history=[],
        )  # fmt: skip
        step = cents(Fraction(self.lent) / 10)
        for number in range(1, 4):
            self.add_item("curtailment", number, self.start + 60 * number * DAY, principal=step)
        self.add_item("maturity", 4, self.start + 240 * DAY, principal=self.lent - 3 * step)
        self.card.scheduled = self.lent
        self.happen(self.start, Event.advance(1, self.start, self.lent))

    def add_item(self, kind: str, number: int, due_on: date, **amounts: Decimal) -> None:
        self.card.items.append(
            Item(len(self.card.items) + 1, kind, number, due_on, billed_on=due_on, **amounts)
        )

    def happen(self, today: date, *events: Event) -> None:
        record(self.card, events)
        self.settle(today)

    def settle(self, today: date) -> None:
        """What the posting would do after each thing that happens: spread, store, read again."""
        spread(self.card, posted_on=today)
        self.card.recorded.clear()
        for number, item in enumerate(self.card.items, start=1):
            item.id = number

    def play(self, days: int) -> None:
        for number in range(days):
            today = self.start + number * DAY
            if today.day == 1 and self.random.random() < 0.8:
                self.bill(today, today)
                if self.random.random() < 0.3:
                    self.bill((today - DAY).replace(day=1), today)
            chance = self.random.random()
            if chance < 0.08:
                self.pay(today, max(self.start, today - self.random.choice([0, 0, 1, 2, 9, 33, 61]) * DAY))
            elif chance < 0.11 and self.payments:
                self.take_back(today)
            elif chance < 0.13:
                self.charge(today, max(self.start, today - self.random.choice([0, 0, 20]) * DAY))
            else:
                continue
            self.agree()
        self.agree()
        if self.card.state == "open":
            on = max(self.start + days * DAY, final_position(self.card).accrued_through)
            self.settle_share(payoff_of(self.card, on).total, on, on, payoff=True)
            self.agree()

    def bill(self, day: date, today: date) -> None:
        if self.card.state != "open" or day <= self.start or day in self.billed_on:
            return
        amount = interest_to_bill(position_of(self.card, day), "USD")
        if amount:
            self.billed_on.add(day)
            number, due_on = day.year * 100 + day.month, next_payment_day(self.card, day - DAY)
            self.add_item("interest", number, due_on, interest=amount)
            self.happen(today, Event.interest_billed(self.card.last_sequence + 1, day, amount))

    def charge(self, today: date, day: date) -> None:
        amount = Decimal(self.random.randrange(100, 5_000)) / 100
        self.add_item("fee", self.card.last_sequence + 1, next_payment_day(self.card, day), fees=amount)
        self.happen(today, Event.fee_assessed(self.card.last_sequence + 1, day, amount))
        self.charged += amount
        self.card.state = "open"

    def pay(self, today: date, day: date) -> None:
        if self.random.random() < 0.25 and self.card.state == "open":
            excess = self.random.choice(["0", "0", "3.21"])
            self.settle_share(payoff_of(self.card, day).total + Decimal(excess), day, today, payoff=True)
        else:
            self.settle_share(Decimal(self.random.randrange(1, int(self.lent * 40) + 2)) / 100, day, today)

    def settle_share(self, amount: Decimal, day: date, today: date, *, payoff: bool = False) -> None:
        if amount <= 0:
            return
        first = self.card.last_sequence + 1
        is_late = day < final_position(self.card).accrued_through
        split, closes = settle_share(self.card, amount, day=day, business_date=today, purpose="amount")
        self.settle(today)
        assert split.total == amount
        assert closes or not payoff
        self.payments.append((amount, list(range(first, self.card.last_sequence + 1))))
        self.received += amount
        if closes:
            self.payoffs += 1
            # It takes along the interest of days after its own, on what was paid since: billing in order knows no such.
            self.counts_ahead = self.counts_ahead or is_late
            self.card.state = "closed"
            position = final_position(self.card)
            assert (position.principal, position.billed_interest, position.fees) == (0, 0, 0)
            for days in (0, 1, 35, 400):
                later = position_of(self.card, position.accrued_through + days * DAY)
                assert later.postable_interest("USD") == 0

    def take_back(self, today: date) -> None:
        amount, numbers = self.payments.pop(self.random.randrange(len(self.payments)))
        events = [event for event in self.card.history or [] if event.sequence in numbers]
        drop_items(self.card, events)
        first = self.card.last_sequence + 1
        self.happen(
            today,
            *(
                Event.reversal_of(event, sequence=number)
                for number, event in enumerate(reversed(events), start=first)
            ),
        )
        self.received -= amount
        if not is_paid(self.card):
            self.card.state = "open"

    def agree(self) -> None:
        """The engine's figures are those of the slow sum."""
        history = self.card.history or []
        undone = {event.reverses for event in history}
        kept = [event for event in history if event.sequence not in undone and event.reverses is None]
        moves = [(event.effective_on, event.principal) for event in kept]
        position = final_position(self.card)
        posted = sum((event.billed for event in kept), Decimal(0))
        unposted = Fraction(position.accrued_parts + position.remainder_parts) / YEAR_PARTS
        assert unposted + Fraction(posted) == self.slow.interest(moves, self.start, position.accrued_through)
        assert min(position.principal, position.billed_interest, position.fees) >= 0
        assert position.credit >= 0 or self.card.state == "open"
        owed = position.principal + position.billed_interest + position.fees - position.credit
        assert owed == self.lent + self.charged + posted - self.received
        if not self.counts_ahead:
            assert posted == self.billed_in_order(kept, moves)
        assert sum((item.open_interest for item in self.card.items), Decimal(0)) == position.billed_interest
        assert sum((item.open_fees for item in self.card.items), Decimal(0)) == position.fees
        assert sum((item.open_principal for item in self.card.items), Decimal(0)) == position.principal

    def billed_in_order(self, kept: Sequence[Event], moves: Sequence[tuple[date, Decimal]]) -> Decimal:
        """A bill rounds its own days; a payoff rounds them with what the bills left."""
        closings = [event for event in kept if event.closes_period]
        total, since, left = Decimal(0), self.start, Fraction(0)
        for event in sorted(closings, key=lambda event: (event.effective_on, event.kind is EventKind.PAYOFF)):
            interest = self.slow.interest(moves, since, event.effective_on)
            since = max(since, event.effective_on)
            whole = event.kind is EventKind.PAYOFF
            billed = cents(interest + left, tie_stays=not interest) if whole else cents(interest)
            left += interest - Fraction(billed)
            total += billed
        return total


@pytest.mark.parametrize("seed", range(60))
def test_a_random_life_is_what_the_slow_sum_says(seed: int) -> None:
    Life(Random(seed)).play(days=140)


def test_the_lives_meet_payoffs_and_returns() -> None:
    lives = [Life(Random(seed)) for seed in range(10)]
    for life in lives:
        life.play(days=140)
    assert sum(life.payoffs for life in lives) >= 10
    assert sum(event.reverses is not None for life in lives for event in life.card.history or []) >= 10
