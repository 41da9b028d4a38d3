"""Random histories through the actions: position, fold, ledger, due items and a slow day-by-day sum all agree."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from random import Random

import pytest

from finance.actions.billing import bill_instalments, bill_interest
from finance.actions.fees import assess_fee
from finance.actions.loans import open_loan
from finance.actions.rates import record_fixing
from finance.actions.receipts import Share, post_payment, reverse_payment
from finance.interest import YEAR_PARTS
from finance.models import AccountEvent, AccountPosition, IndexFixing, JournalEntry, Loan, RatePlan, Unit
from finance.queries.dues import amount_due
from finance.queries.payoff import payoff_split
from finance.queries.proof import problems
from tests.cast import Cast
from tests.finance.books import Books, D, make_line, make_plan, open_books

pytestmark = pytest.mark.django_db

START = date(2025, 1, 8)
DAYS = 200


def rate_on(day: date, plan: RatePlan) -> Decimal:
    """The plan's rate straight from the fixings."""
    fixings = IndexFixing.objects.filter(index_id=plan.index_id, effective_from__lte=day)
    latest = fixings.order_by("-effective_from").first()
    return plan.margin + (latest.annual_rate if latest else Decimal(0))


def slow_interest(account_id: int, plan: RatePlan, through: date) -> Fraction:
    """All interest of the days before `through`, added up day by day as exact fractions."""
    rows = list(AccountEvent.objects.filter(account_id=account_id))
    undone = {row.reverses_sequence for row in rows if row.reverses_sequence}
    moves = [row for row in rows if row.sequence not in undone and row.reverses_sequence is None]
    total = Fraction(0)
    day = min(row.effective_on for row in rows)
    rates: dict[date, Decimal] = {}
    while day < through:
        principal = sum((row.principal for row in moves if row.effective_on <= day), Decimal(0))
        if day not in rates:
            rates[day] = rate_on(day, plan)
        basis = 360 if plan.day_count == "actual/360" else 365
        total += Fraction(principal) * Fraction(rates[day]) / basis
        day += timedelta(days=1)
    return total


def agrees_with_the_slow_sum(account_id: int, plan: RatePlan) -> None:
    position = AccountPosition.objects.get(account_id=account_id)
    billed = sum(
        AccountEvent.objects.filter(account_id=account_id).values_list("billed", flat=True), Decimal(0)
    )
    kept = Fraction(position.accrued_parts + position.remainder_parts) / YEAR_PARTS
    assert kept + Fraction(billed) == slow_interest(account_id, plan, position.accrued_through)


class Player:
    """Plays a random life of a few units, day by day, with late news."""

    def __init__(self, books: Books, seed: int) -> None:
        self.books = books
        self.random = Random(seed)
        self.units: list[Unit] = []
        self.entries: list[JournalEntry] = []
        self.number = 0

    def play(self) -> None:
        day = START
        for _ in range(DAYS):
            if day.day == 1 and self.random.random() < 0.85:
                bill_interest(period_end=day - timedelta(days=1))
            if len(self.units) < 4 and self.random.random() < 0.08:
                amount = str(Decimal(self.random.randrange(500_000, 2_000_000)) / 100)
                self.units.append(self.books.fund(amount, day))
            elif self.units and self.random.random() < 0.12:
                self.pay(day)
            elif self.entries and self.random.random() < 0.03:
                entry = self.entries.pop(self.random.randrange(len(self.entries)))
                fee = self.random.choice([None, D("35.00")])
                reverse_payment(entry=entry, business_date=day, reason="R01", actor=None, fee=fee)
            elif self.units and self.random.random() < 0.02:
                self.charge(day)
            if self.random.random() < 0.01:
                self.fix(day)
            day += timedelta(days=1)

    def pay(self, day: date) -> None:
        value_date = day - timedelta(days=self.random.choice([0, 0, 0, 1, 3, 12, 40]))
        chosen = self.random.sample(self.units, self.random.randrange(1, min(3, len(self.units)) + 1))
        shares = []
        for unit in chosen:
            value_date = max(value_date, unit.funded_on or value_date)
        for unit in chosen:
            purpose = self.random.choice(["due", "due", "amount", "payoff"])
            if purpose == "payoff":
                amount = payoff_split(unit.pk, value_date).total
            elif purpose == "due":
                owed = amount_due([unit.pk], on=day).get(unit.pk)
                amount = owed.total if owed else Decimal(0)
            else:
                amount = Decimal(self.random.randrange(1, 400_000)) / 100
            if amount > 0:
                shares.append(Share(unit.pk, purpose, amount))  # type: ignore[arg-type]
        if not shares:
            return
        self.number += 1
        posted = post_payment(
            key=f"P{self.number}",
            shares=shares,
            value_date=value_date,
            business_date=day,
            description="Payment",
            actor=None,
        )
        for share in shares:
            assert posted.splits[share.account_id].total == share.amount
        self.entries.append(posted.entry)

    def charge(self, day: date) -> None:
        self.number += 1
        assess_fee(
            account=self.random.choice(self.units).pk,
            amount=D("25.00"),
            name="Lot check",
            effective_on=day,
            business_date=day,
            key=f"F{self.number}",
            actor=None,
        )

    def fix(self, day: date) -> None:
        effective = day - timedelta(days=self.random.choice([0, 0, 5, 20]))
        if not IndexFixing.objects.filter(index=self.books.index, effective_from=effective).exists():
            rate = Decimal(self.random.randrange(600, 900)) / 10_000
            record_fixing(
                index=self.books.index,
                effective_from=effective,
                annual_rate=rate,
                source="published",
                business_date=day,
                actor=None,
            )


@pytest.mark.parametrize("seed", range(6))
def test_a_random_life_of_units_adds_up(inside: Cast, seed: int) -> None:
    books = open_books(inside.dealership, document_fee=D("18.00"))
    player = Player(books, seed)
    player.play()
    assert player.units
    assert player.number > 5
    assert problems() == []
    for unit in player.units:
        agrees_with_the_slow_sum(unit.pk, books.plan)


@pytest.mark.parametrize("seed", range(3))
def test_a_random_life_under_daily_compounding_adds_up(inside: Cast, seed: int) -> None:
    books = open_books(inside.dealership)
    plan = make_plan("daily", books.index, compounding="daily")
    books.line = make_line(inside.dealership, plan, programme=None, term_days=150)
    Player(books, 100 + seed).play()
    assert problems() == []


@pytest.mark.parametrize(
    "method", [Loan.Method.EQUAL_INSTALMENT, Loan.Method.ACTUAL_DAYS, Loan.Method.INTEREST_ONLY]
)
@pytest.mark.parametrize("seed", range(3))
def test_a_random_life_of_a_loan_adds_up(inside: Cast, method: Loan.Method, seed: int) -> None:
    open_books(inside.dealership)
    by_days = method == Loan.Method.ACTUAL_DAYS
    plan = make_plan("loans", margin=D("0.072"), day_count="actual/365" if by_days else "30/360")
    line = make_line(inside.dealership, plan, kind="term", limit="100000.00")
    loan = open_loan(
        line=line,
        title="Loan",
        purpose="retail",
        method=method,
        amount=D("24000.00"),
        instalment_count=10,
        first_due_on=date(2025, 2, 15),
        funded_on=date(2025, 1, 15),
        business_date=date(2025, 1, 15),
        actor=None,
    )
    random = Random(seed)
    entries: list[JournalEntry] = []
    for number in range(360):
        day = date(2025, 1, 16) + timedelta(days=number)
        if random.random() < 0.9:
            bill_instalments(through=day)
        if random.random() < 0.04 or (day.day == 15 and random.random() < 0.7):
            owed = amount_due([loan.pk], on=day).get(loan.pk)
            amount = owed.total if owed and owed.total else Decimal(random.randrange(100, 300_000)) / 100
            purpose = random.choice(["due", "due", "amount"])
            posted = post_payment(
                key=f"P{number}",
                shares=[Share(loan.pk, purpose, amount)],  # type: ignore[arg-type]
                value_date=day - timedelta(days=random.choice([0, 0, 0, 2])),
                business_date=day,
                description="Payment",
                actor=None,
            )
            entries.append(posted.entry)
        elif entries and random.random() < 0.01:
            entry = entries.pop()
            reverse_payment(entry=entry, business_date=day, reason="R01", actor=None)
        if number % 30 == 0:
            assert problems() == []
    assert problems() == []
    if by_days:
        agrees_with_the_slow_sum(loan.pk, plan)
