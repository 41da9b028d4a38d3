"""The three lenders of term loans: contracts opened month by month, and instalments paid when due."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from accounts.models import Dealership, Lender, User
from accounts.tenancy import tenant
from finance.actions.billing import bill_instalments
from finance.actions.chart import open_chart
from finance.actions.lines import open_line, set_line_terms
from finance.actions.loans import open_loan
from finance.actions.rates import create_rate_plan, extend_rate_plans
from finance.actions.receipts import Share
from finance.calendars import calendar_named
from finance.models import CreditLine, Loan, RatePlan
from finance.queries.dues import amount_due
from portal.demo.cast import DemoLender
from portal.demo.paying import Payer
from portal.demo.registry import gather_statistics
from portal.demo.vehicles import BRITISH, EUROPEAN, Model, pick_vehicle


@dataclass(frozen=True, slots=True)
class Contract:
    """One term loan as planned."""

    site: str
    title: str
    purpose: str
    amount: Decimal
    count: int
    funded_on: date
    method: str = Loan.Method.EQUAL_INSTALMENT
    vehicle: str = ""
    registration: str = ""


_UPGRADES = (
    ("LED lot lighting", 48_000, 36),
    ("Rooftop solar, 60 kW", 132_000, 60),
    ("Fast chargers, four posts", 96_000, 60),
    ("Heat pump for the showroom", 61_500, 48),
    ("Paint booth heat recovery", 54_000, 48),
    ("Battery storage, 100 kWh", 88_000, 60),
)


def fill(lender: Lender, demo: DemoLender, *, now: datetime, say: Callable[[str], object]) -> int:
    """Open the lender's contracts and play their months up to today; the number of contracts."""
    random = Random(demo.slug)  # noqa: S311 (sample data)
    today = lender.business_date(now)
    contracts = sorted(
        _contracts(demo, random, today), key=lambda contract: (contract.funded_on, contract.title)
    )
    start = min(contract.funded_on for contract in contracts).replace(day=1)
    with tenant(lender.pk):
        finance = User.objects.filter(kind=User.Kind.FINANCE).get()
        sites = {site.number: site for site in Dealership.objects.all()}
        lines = _open_lines(sites, contracts, start=start, today=today, finance=finance)
        payer = Payer(lender, finance=finance)
    calendar = calendar_named(lender.calendar)
    month = start
    while month <= today:
        following = _next_month(month)
        with tenant(lender.pk):
            for contract in contracts:
                if month <= contract.funded_on < following and contract.funded_on <= today:
                    _open(contract, lines[contract.site], finance=finance)
            _play_instalments(payer, sites, calendar.next_business_day(following.replace(day=5)), today=today)
        month = following
    gather_statistics()
    say(f"  played {start:%B %Y} to {today:%B %Y}")
    with tenant(lender.pk):
        payer.leave_some_open(sites[demo.sites[0].number], now=now)
    return len(contracts)


def _play_instalments(payer: Payer, sites: dict[str, Dealership], day: date, *, today: date) -> None:
    if day > today:
        bill_instalments(through=today, business_date=today, actor=None)
        return
    bill_instalments(through=day, business_date=day, actor=None)
    for site in sites.values():
        owed = amount_due(dealership=site, on=day)
        shares = [
            Share(account, "due", item.total) for account, item in sorted(owed.items()) if item.total > 0
        ]
        if shares:
            payer.pay(site, shares, day)


def _open_lines(
    sites: dict[str, Dealership], contracts: list[Contract], *, start: date, today: date, finance: User
) -> dict[str, CreditLine]:
    lender = finance.lender
    open_chart(actor=finance)
    plan = create_rate_plan(
        code="fixed-term",
        name="Fixed rate, monthly",
        margin=Decimal("0.0690") if lender.currency == "USD" else Decimal("0.0545"),
        day_count=RatePlan.DayCount.THIRTY_360,
        starts_on=start,
        through=today,
        actor=finance,
    )
    extend_rate_plans(business_date=today)
    lines = {}
    for number in sorted({contract.site for contract in contracts}):
        total = sum((contract.amount for contract in contracts if contract.site == number), Decimal(0))
        line = open_line(
            dealership=sites[number],
            name="Term loans" if lender.currency != "EUR" else "Prêts",
            kind=CreditLine.Kind.TERM,
            limit=(total * Decimal("1.25") / 10_000).to_integral_value() * 10_000,
            opened_on=start,
            actor=finance,
        )
        set_line_terms(
            line=line,
            effective_from=start,
            rate_plan=plan,
            payment_day=5,
            grace_days=10,
            return_fee=Decimal("25.00"),
            actor=finance,
        )
        lines[number] = line
    return lines


def _open(contract: Contract, line: CreditLine, *, finance: User) -> None:
    open_loan(
        line=line,
        title=contract.title,
        purpose=contract.purpose,
        method=contract.method,
        amount=contract.amount,
        instalment_count=contract.count,
        first_due_on=_next_month(contract.funded_on).replace(day=5),
        funded_on=contract.funded_on,
        business_date=contract.funded_on,
        vehicle=contract.vehicle,
        registration=contract.registration,
        actor=finance,
    )


def _contracts(demo: DemoLender, random: Random, today: date) -> list[Contract]:
    if demo.slug == "frontrange":
        return [
            Contract(
                site=demo.sites[place % 3].number,
                title=title,
                purpose=Loan.Purpose.ENERGY,
                amount=Decimal(amount),
                count=count,
                funded_on=_month_back(today, 4 + 3 * place, day=5),
                method=Loan.Method.EQUAL_INSTALMENT if place % 3 else Loan.Method.ACTUAL_DAYS,
            )
            for place, (title, amount, count) in enumerate(_UPGRADES)
        ]
    if demo.slug == "lumiere":
        fleet = [
            _vehicle(random, EUROPEAN, "41001", place, today=today, purpose=Loan.Purpose.FLEET)
            for place in range(60)
        ]
        own = [_vehicle(random, EUROPEAN, "41002", 60, today=today, purpose=Loan.Purpose.RETAIL)]
        return (
            fleet
            + own
            + [
                _vehicle(random, EUROPEAN, "41003", 61 + n, today=today, purpose=Loan.Purpose.FLEET)
                for n in range(3)
            ]
        )
    return [
        *(
            _vehicle(random, BRITISH, "51001", place, today=today, purpose=Loan.Purpose.FLEET)
            for place in range(12)
        ),
        *(
            _vehicle(random, BRITISH, "51002", 12 + place, today=today, purpose=Loan.Purpose.FLEET)
            for place in range(5)
        ),
        _vehicle(random, BRITISH, "51003", 17, today=today, purpose=Loan.Purpose.RETAIL),
    ]


def _vehicle(
    random: Random, models: tuple[Model, ...], site: str, place: int, *, today: date, purpose: str
) -> Contract:
    vehicle = pick_vehicle(random, models, serial=200_000 + 137 * place, today=today)
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
    mark = "".join(random.choice(letters) for _ in range(2))
    if models is EUROPEAN:
        registration = f"{mark}-{random.randrange(100, 999)}-{random.choice(letters)}{random.choice(letters)}"
    else:
        year = f"{today.year % 100 - random.randrange(1, 5):02d}"
        registration = f"{mark}{year} {''.join(random.choice(letters) for _ in range(3))}"
    return Contract(
        site=site,
        title=vehicle.title,
        purpose=purpose,
        amount=(vehicle.wholesale * Decimal("0.85") / 100).to_integral_value() * 100,
        count=random.choice((24, 36, 48, 60)),
        funded_on=_month_back(today, 1 + random.randrange(0, 20), day=5),
        vehicle=vehicle.vin,
        registration=registration,
    )


def _next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def _month_back(today: date, months: int, *, day: int) -> date:
    index = today.year * 12 + today.month - 1 - months
    return date(index // 12, index % 12 + 1, day)
