"""A small living world around the fixed cast: every kind of thing that a page can show, for each dealership.

Each dealership's things carry its own canary words, so that a test can ask whether any of them shows elsewhere.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import uuid4

from accounts.models import Dealership, Lender, User
from accounts.tenancy import tenant
from finance.actions.billing import bill_instalments, bill_interest
from finance.actions.chart import open_chart
from finance.actions.lines import open_line, set_line_terms
from finance.actions.loans import open_loan
from finance.actions.programmes import create_programme
from finance.actions.rates import create_index, create_rate_plan, extend_rate_plans, record_fixing
from finance.actions.statements import order_statement
from finance.actions.units import approve_advance, fund_advance, report_unit_sold, request_advance
from finance.models import CreditLine, CurtailmentProgramme, Loan, RatePlan, Unit
from finance.tasks.statements import produce_statement
from finance.vin import make_vin, year_code
from payments.actions.methods import register_method
from payments.actions.submit import submit_payment
from payments.models import PaymentMethod, PaymentShare
from payments.queries.choices import Choice
from payments.queries.timing import timing_of
from support.actions.tickets import open_ticket
from support.models import Ticket
from tests.cast import Cast


@dataclass(frozen=True)
class Books:
    """What a lender needs before it can lend."""

    floor_plan: RatePlan
    term: RatePlan
    programme: CurtailmentProgramme
    finance: User


@dataclass(frozen=True)
class Site:
    """One dealership with something of everything."""

    dealership: Dealership
    line: CreditLine
    units: tuple[Unit, ...]
    loan: Loan
    canaries: frozenset[str]


@dataclass(frozen=True)
class World:
    """The cast with its things, and the lender's today."""

    cast: Cast
    today: date
    own: Site
    strange: Site
    other: Site


def open_books(lender: Lender, finance: User, *, start: date, today: date) -> Books:
    """Chart, prime-based floor-plan rate, fixed term rate, an interval programme; inside the lender's staff scope."""
    open_chart(actor=finance)
    index = create_index(code="prime", name="Prime rate", actor=finance)
    record_fixing(
        index=index,
        effective_from=start - timedelta(days=40),
        annual_rate=Decimal("0.0750"),
        source="published",
        actor=finance,
    )
    floor_plan = create_rate_plan(
        code="prime-2",
        name="Prime + 2 %",
        index=index,
        margin=Decimal("0.0200"),
        day_count="actual/360",
        starts_on=start - timedelta(days=31),
        through=today,
        actor=finance,
    )
    term = create_rate_plan(
        code="fixed",
        name="Fixed",
        margin=Decimal("0.0840"),
        day_count="30/360",
        starts_on=start - timedelta(days=31),
        through=today,
        actor=finance,
    )
    programme = create_programme(
        code="interval",
        name="10 % every 60 days",
        shape={"kind": "interval", "days": 60, "fraction": "0.10", "base": "original", "times": 3},
        grace_days=5,
        actor=finance,
    )
    extend_rate_plans(business_date=today)
    return Books(floor_plan, term, programme, finance)


def open_floor_plan(
    books: Books, dealership: Dealership, *, start: date, limit: Decimal = Decimal("750000.00")
) -> CreditLine:
    """A floor-plan line with the usual terms."""
    line = open_line(
        dealership=dealership,
        name=f"Floor plan of {dealership.name}",
        kind=CreditLine.Kind.FLOOR_PLAN,
        limit=limit,
        opened_on=start - timedelta(days=31),
        actor=books.finance,
    )
    set_line_terms(
        line=line,
        effective_from=start - timedelta(days=31),
        rate_plan=books.floor_plan,
        programme=books.programme,
        payment_day=10,
        payoff_hours_after_sale=48,
        document_fee=Decimal("18.00"),
        return_fee=Decimal("35.00"),
        actor=books.finance,
    )
    return line


def floor_unit(
    books: Books,
    line: CreditLine,
    *,
    serial: int,
    funded_on: date,
    amount: Decimal = Decimal("20000.00"),
    stock_number: str = "",
) -> Unit:
    """A unit requested, approved and funded on one day."""
    moment = datetime.combine(funded_on, time(12), tzinfo=line.lender.zone)
    unit = request_advance(
        line=line,
        vin=make_vin("1HG", "CY2F5", year_code(2023), "A", serial),
        model_year=2023,
        make="Honda",
        model="Accord Sport",
        advance_amount=amount,
        requested_at=moment,
        cost=amount,
        stock_number=stock_number or f"S{serial}",
        actor=books.finance,
    )
    approve_advance(unit=unit, approved_at=moment, actor=books.finance)
    fund_advance(unit=unit, funded_on=funded_on, business_date=funded_on, actor=books.finance)
    return unit


def lend(books: Books, dealership: Dealership, *, serial: int, start: date, today: date) -> Site:
    """Three units (one sold and unpaid), a term loan, and last month's bill."""
    line = open_floor_plan(books, dealership, start=start)
    units = tuple(
        floor_unit(books, line, serial=serial + place, funded_on=start + timedelta(days=3 * place))
        for place in range(3)
    )
    term_line = open_line(
        dealership=dealership,
        name=f"Loans of {dealership.name}",
        kind=CreditLine.Kind.TERM,
        limit=Decimal("200000.00"),
        opened_on=start,
        actor=books.finance,
    )
    set_line_terms(
        line=term_line,
        effective_from=start - timedelta(days=31),
        rate_plan=books.term,
        payment_day=5,
        actor=books.finance,
    )
    loan = open_loan(
        line=term_line,
        title=f"Lift for {dealership.name}",
        purpose=Loan.Purpose.EQUIPMENT,
        method=Loan.Method.EQUAL_INSTALMENT,
        amount=Decimal("60000.00"),
        instalment_count=12,
        first_due_on=(start + timedelta(days=32)).replace(day=5),
        funded_on=start,
        business_date=start,
        actor=books.finance,
    )
    sold_at = datetime.combine(today - timedelta(days=1), time(15), tzinfo=line.lender.zone)
    report_unit_sold(unit=units[2], sold_at=sold_at, reported_on=today, actor=books.finance)
    # Numbers are counted per lender and recur at another one, so only words and VINs tell whose a thing is.
    canaries = {dealership.name, *(unit.vin for unit in units)}
    return Site(dealership, line, units, loan, frozenset(canaries))


def add_talk_and_payment(site: Site, owner: User, *, now: datetime) -> None:
    """A ticket with an answer to come, and a payment on its way; inside the lender's staff scope."""
    lender = site.dealership.lender
    open_ticket(
        actor=owner,
        dealership=site.dealership,
        lender=lender,
        token=uuid4(),
        topic=Ticket.Topic.OTHER,
        subject=f"Question of {site.dealership.name}",
        body=f"{site.dealership.name} asks something.",
        now=now,
    )
    method = register_method(
        dealership=site.dealership,
        kind=PaymentMethod.Kind.ACH_DEBIT,
        label="Operating account",
        holder=site.dealership.name,
        bank_code="102000021",
        account_number="4812345671",
        actor=None,
    )
    timing = timing_of(lender, method.kind, now)
    choices = [Choice(site.units[0].account.public_id, PaymentShare.Purpose.AMOUNT, Decimal("250.00"))]
    submit_payment(
        token=uuid4(),
        dealership=site.dealership,
        method=method,
        choices=choices,
        shown_amounts={choices[0].account: Decimal("250.00")},
        shown_value_date=timing.value_date,
        actor=owner,
        now=now,
    )


def make_world(cast: Cast, *, now: datetime) -> World:
    """Two months of lending at three dealerships of two lenders."""
    today = cast.lender.business_date(now)
    first = today.replace(day=1)
    start = (first - timedelta(days=40)).replace(day=1)
    sites: dict[int, Site] = {}
    statements: list[tuple[int, int]] = []
    for lender, finance, dealerships, serial in (
        (cast.lender, cast.finance, (cast.dealership, cast.stranger_dealership), 100_000),
        (cast.other_lender, cast.other_finance, (cast.other_dealership,), 500_000),
    ):
        with tenant(lender.pk):
            books = open_books(lender, finance, start=start, today=today)
            for place, dealership in enumerate(dealerships):
                sites[dealership.pk] = lend(
                    books, dealership, serial=serial + 1000 * place, start=start, today=today
                )
            month_end = (start + timedelta(days=31)).replace(day=1) - timedelta(days=1)
            while month_end < today:
                bill_interest(period_end=month_end, actor=finance)
                month_end = (month_end + timedelta(days=32)).replace(day=1) - timedelta(days=1)
            bill_instalments(through=today, business_date=today, actor=finance)
            for dealership in dealerships:
                owner = User.objects.filter(memberships__dealership=dealership, memberships__role="owner")[0]
                add_talk_and_payment(sites[dealership.pk], owner, now=now)
                statement = order_statement(
                    dealership=dealership,
                    period_end=first - timedelta(days=1),
                    business_date=today,
                    actor=finance,
                )
                statements.append((lender.pk, statement.pk))
    for lender_id, statement_id in statements:
        produce_statement(lender_id, statement_id)
    return World(
        cast=cast,
        today=today,
        own=sites[cast.dealership.pk],
        strange=sites[cast.stranger_dealership.pk],
        other=sites[cast.other_dealership.pk],
    )
