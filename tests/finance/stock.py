"""A dealership's stock for tests of pages: units and dues of every kind, around today."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from dateutil.relativedelta import relativedelta
from django.utils import timezone

from accounts.models import Dealership, Lender
from accounts.tenancy import tenant
from finance.actions.billing import bill_instalments, bill_interest
from finance.actions.chart import open_chart
from finance.actions.fees import assess_fee
from finance.actions.lines import open_line, set_line_terms
from finance.actions.loans import open_loan
from finance.actions.programmes import create_programme
from finance.actions.rates import create_index, record_fixing
from finance.actions.receipts import Share, post_payment
from finance.actions.units import approve_advance, fund_advance, report_unit_sold, request_advance
from finance.models import (
    Account,
    AccountPosition,
    CreditLine,
    CurtailmentProgramme,
    DueItem,
    Loan,
    RatePlan,
    Unit,
)
from finance.queries.dues import amount_due
from finance.vin import make_vin
from tests.finance.books import D, make_plan

MAKES = [
    ("Honda", "Civic"),
    ("Ford", "F-150 XLT"),
    ("Toyota", "Camry SE"),
    ("Chevrolet", "Silverado 1500 LT"),
]


def today_of(lender: Lender) -> date:
    """The lender's business date now."""
    return lender.business_date(timezone.now())


@dataclass
class Stock:
    """One dealership with a line, and ways to put units on it at ages in days."""

    dealership: Dealership
    today: date
    plan: RatePlan
    programme: CurtailmentProgramme
    line: CreditLine
    serial: int = 0
    units: list[Unit] = field(default_factory=list)
    keys: dict[int, UUID] = field(default_factory=dict)

    def day(self, days_ago: int) -> date:
        """The day so many days before today."""
        return self.today - timedelta(days=days_ago)

    def request(
        self, amount: str = "20000.00", *, stock_number: str | None = None, days_ago: int = 0
    ) -> Unit:
        """A unit for which an advance was asked."""
        self.serial += 1
        make, model = MAKES[self.serial % len(MAKES)]
        unit = request_advance(
            line=self.line,
            vin=make_vin("1HG", "CV1F3", "S", "A", f"{self.dealership.pk % 1000:03d}{self.serial:03d}"),
            model_year=2020 + self.serial % 6,
            make=make,
            model=model,
            advance_amount=D(amount),
            requested_at=datetime.combine(self.day(days_ago), time(12), tzinfo=UTC),
            stock_number=f"T{self.serial:04d}" if stock_number is None else stock_number,
            condition=Unit.Condition.NEW if self.serial % 3 == 0 else Unit.Condition.USED,
            actor=None,
        )
        self.units.append(unit)
        self.keys[unit.pk] = unit.account.public_id
        return unit

    def key(self, unit: Unit) -> UUID:
        """The public id by which the pages know the unit."""
        return self.keys[unit.pk]

    def approve(self, amount: str = "20000.00", *, days_ago: int = 0) -> Unit:
        """A unit whose advance is approved and not funded."""
        unit = self.request(amount, days_ago=days_ago)
        return approve_advance(unit=unit, approved_at=unit.requested_at, actor=None)

    def fund(self, amount: str = "20000.00", *, days_ago: int, stock_number: str | None = None) -> Unit:
        """A unit that was floored so many days ago."""
        unit = self.request(amount, stock_number=stock_number, days_ago=days_ago)
        unit = approve_advance(unit=unit, approved_at=unit.requested_at, actor=None)
        fund_advance(unit=unit, funded_on=self.day(days_ago), business_date=self.day(days_ago), actor=None)
        unit.refresh_from_db()
        self.units[-1] = unit
        return unit

    def sell(self, unit: Unit, *, days_ago: int) -> None:
        """The unit was sold so many days ago."""
        sold_at = datetime.combine(self.day(days_ago), time(12), tzinfo=UTC)
        report_unit_sold(unit=unit, sold_at=sold_at, reported_on=self.day(days_ago), actor=None)
        unit.refresh_from_db()

    def pay(self, unit: Unit, amount: str | Decimal, *, days_ago: int = 0, purpose: str = "amount") -> None:
        """A payment on one unit that counted so many days ago."""
        post_payment(
            key=str(uuid4()),
            shares=[Share(unit.pk, purpose, Decimal(amount))],  # type: ignore[arg-type]
            value_date=self.day(days_ago),
            business_date=self.day(days_ago),
            description="Payment",
            actor=None,
        )

    def charge(self, unit: Unit, amount: str, *, due_in: int, days_ago: int = 0) -> None:
        """A fee that falls due so many days from today."""
        assess_fee(
            account=unit.pk,
            amount=D(amount),
            name="Lot check",
            effective_on=self.day(days_ago),
            business_date=self.day(days_ago),
            key=str(uuid4()),
            due_on=self.today + timedelta(days=due_in),
            actor=None,
        )

    def copies(self, unit: Unit, number: int) -> None:
        """Copies of a floored unit with its position and due items, without their postings: for counting queries."""
        account, position = Account.objects.get(pk=unit.pk), AccountPosition.objects.get(pk=unit.pk)
        items = list(DueItem.objects.filter(account_id=unit.pk))
        accounts = Account.objects.bulk_create(
            Account(
                **{**_values(account), "id": None, "public_id": uuid4(), "number": f"C{self.serial}-{copy}"}
            )
            for copy in range(number)
        )
        Unit.objects.bulk_create(
            Unit(
                **{
                    **_values(unit),
                    "account_id": row.pk,
                    "vin": f"COPY{self.serial:03d}{copy:010d}",
                    "stock_number": f"C{copy}",
                }
            )
            for copy, row in enumerate(accounts)
        )
        AccountPosition.objects.bulk_create(
            AccountPosition(**{**_values(position), "account_id": row.pk}) for row in accounts
        )
        DueItem.objects.bulk_create(
            DueItem(**{**_values(item), "id": None, "public_id": uuid4(), "account_id": row.pk})
            for row in accounts
            for item in items
        )


def _values(row: object) -> dict[str, object]:
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields  # type: ignore[attr-defined]
        if not field.generated
    }


def open_stock(dealership: Dealership, today: date, *, limit: str = "2000000.00", **terms: object) -> Stock:
    """The lender's books, around today, and a floor-plan line for the dealership. Inside the lender, as staff."""
    open_chart()
    index = create_index(code="prime", name="Prime rate", actor=None)
    first = today - timedelta(days=420)
    for days_ago, rate in ((420, "0.0775"), (200, "0.0750"), (45, "0.0725")):
        record_fixing(
            index=index,
            effective_from=today - timedelta(days=days_ago),
            annual_rate=D(rate),
            source="Published by the central bank",
            actor=None,
        )
    plan = make_plan(
        "prime-plus-2", index, name="Prime + 2 %", starts_on=first, through=today + timedelta(days=60)
    )
    programme = create_programme(
        code="ten-percent",
        name="10 % every 30 days",
        shape={"kind": "interval", "days": 30, "fraction": "0.10", "base": "original", "times": 6},
        actor=None,
    )
    return more_stock(dealership, today, plan, programme, limit=limit, **terms)


def more_stock(
    dealership: Dealership,
    today: date,
    plan: RatePlan,
    programme: CurtailmentProgramme,
    *,
    limit: str = "2000000.00",
    **terms: object,
) -> Stock:
    """A line for one more dealership on books that are open."""
    terms.setdefault("programme", programme)
    terms.setdefault("document_fee", D("18.00"))
    first = today - timedelta(days=419)
    line = open_line(
        dealership=dealership,
        name="Floor plan",
        kind=CreditLine.Kind.FLOOR_PLAN,
        limit=D(limit),
        opened_on=first,
        actor=None,
    )
    set_line_terms(line=line, effective_from=first, rate_plan=plan, actor=None, **terms)  # type: ignore[arg-type]
    return Stock(dealership, today, plan, programme, line)


def fill(stock: Stock, seed: int, units: int = 8) -> None:
    """Random but reproducible units in every state, with part payments, fees and sales."""
    dice = random.Random(seed)
    for _ in range(units):
        amount = f"{dice.randrange(300_000, 4_500_000) / 100:.2f}"
        unit = stock.fund(amount, days_ago=dice.randrange(0, 130))
        if dice.random() < 0.4:
            age = (stock.today - unit.funded_on).days if unit.funded_on else 0
            stock.pay(unit, f"{dice.randrange(100, 200_000) / 100:.2f}", days_ago=dice.randrange(0, age + 1))
        if dice.random() < 0.3:
            stock.charge(unit, f"{dice.randrange(100, 9_900) / 100:.2f}", due_in=dice.randrange(-9, 20))
        unit.refresh_from_db()
        if unit.state == Unit.State.FUNDED and dice.random() < 0.3:
            age = (stock.today - unit.funded_on).days if unit.funded_on else 0
            stock.sell(unit, days_ago=dice.randrange(0, min(age, 4) + 1))
    stock.request("12000.00")
    stock.approve("9500.50")


def add_loans(stock: Stock, seed: int, *, youngest: bool = False) -> list[Loan]:
    """A term line with a fleet contract of each method; instalments that fell due are billed, some are paid.

    `youngest` contracts are twelve days old, with nothing due yet.
    """
    dice = random.Random(seed)
    line = open_line(
        dealership=stock.dealership,
        name="Term loans",
        kind=CreditLine.Kind.TERM,
        limit=D("500000.00"),
        opened_on=stock.day(400),
        actor=None,
    )
    plan = RatePlan.objects.filter(code="fixed").first() or make_plan(
        "fixed",
        None,
        name="8.40 % fixed",
        margin=D("0.084"),
        day_count="30/360",
        starts_on=stock.day(410),
        through=stock.today + timedelta(days=60),
    )
    set_line_terms(line=line, effective_from=stock.day(400), rate_plan=plan, actor=None)
    loans = []
    for number, method in enumerate(Loan.Method.values):
        funded_on = stock.day(12 if youngest else dice.randrange(40, 300))
        loans.append(
            open_loan(
                line=line,
                title=f"Van {number + 1}",
                purpose=Loan.Purpose.FLEET,
                method=method,
                amount=Decimal(dice.randrange(1_000_000, 6_000_000)).scaleb(-2),
                instalment_count=dice.choice([12, 24, 36]),
                first_due_on=(
                    stock.day(-20) if youngest else (funded_on + relativedelta(months=1)).replace(day=1)
                ),
                funded_on=funded_on,
                business_date=funded_on,
                vehicle="Ford Transit" if number < 2 else "Ram ProMaster",
                registration="B-221" if number < 2 else "B-119",
                actor=None,
            )
        )
    bill_instalments(through=stock.today)
    paid = loans[0]
    due = amount_due([paid.pk], on=stock.today)[paid.pk].total
    if due > 0:
        share = Share(paid.pk, "due", due)
        post_payment(
            key=str(uuid4()),
            shares=[share],
            value_date=stock.today,
            business_date=stock.today,
            description="Payment",
            actor=None,
        )
    return loans


def bill_last_month(stock: Stock) -> None:
    """Bill the interest of the month before today's, for the whole lender."""
    bill_interest(period_end=stock.today.replace(day=1) - timedelta(days=1))


@contextmanager
def stocked(lender: Lender, dealership: Dealership, **options: object) -> Iterator[Stock]:
    """A fresh stock of the dealership, inside its lender as staff."""
    with tenant(lender.pk):
        yield open_stock(dealership, today_of(lender), **options)  # type: ignore[arg-type]
