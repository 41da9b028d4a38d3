"""Summit's history: seven months of advances, bills, curtailments, sales and payments, played day by day.

Everything goes through the same actions as in daily work, with the dates of the day that is being played. The random
numbers are seeded, so the same day fills the same demo.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from random import Random

from accounts.models import Dealership, Lender, User
from accounts.tenancy import tenant
from finance.actions.billing import bill_interest
from finance.actions.chart import open_chart
from finance.actions.lines import open_line, set_line_terms
from finance.actions.programmes import create_programme
from finance.actions.rates import create_index, create_rate_plan, extend_rate_plans, record_fixing
from finance.actions.receipts import Share
from finance.actions.units import approve_advance, fund_advance, report_unit_sold, request_advance
from finance.calendars import calendar_named
from finance.models import CreditLine, Unit
from finance.queries.dues import amount_due
from finance.queries.payoff import payoffs_on
from portal.demo import prime
from portal.demo.paying import Payer
from portal.demo.registry import gather_statistics
from portal.demo.titles import play_titles
from portal.demo.vehicles import AMERICAN, Vehicle, pick_vehicle

HISTORY_MONTHS = 7
PAST_DUE_SITE = "20007"
EMPTY_SITE = "20011"
# Here credit is free as soon as a payment is submitted, elsewhere when it has settled.
TRUSTED_SITES = {"20001"}
# Live units per dealership; the twelfth is the large one, the eleventh is brand-new.
LIVE_UNITS = {
    "20001": 46, "20002": 28, "20003": 35, "20004": 22, "20005": 18, "20006": 31,
    "20007": 26, "20008": 14, "20009": 39, "20010": 24, "20011": 0, "20012": 400,
}  # fmt: skip
SMALLEST_LIMIT = 250_000


@dataclass
class Plan:
    """One unit's life as planned: when it is floored and, perhaps, sold and paid off."""

    site: str
    vehicle: Vehicle
    stock_number: str
    funded_on: date
    paid_off_on: date | None
    unit: Unit | None = field(default=None)


def fill(lender: Lender, *, now: datetime, say: Callable[[str], object]) -> int:
    """Play the history up to the lender's today; the number of units entered."""
    random = Random(20_010)  # noqa: S311 (sample data)
    today = lender.business_date(now)
    start = _months_before(today, HISTORY_MONTHS)
    with tenant(lender.pk):
        sites = {site.number: site for site in Dealership.objects.all()}
        finance = User.objects.get(username="faye")
        lines = _open_lines(sites, start=start, today=today, finance=finance)
        payer = Payer(lender, finance=finance)
    plans = _plan_units(random, today=today, start=start)
    by_funding: dict[date, list[Plan]] = {}
    by_payoff: dict[date, list[Plan]] = {}
    for plan in plans:
        by_funding.setdefault(plan.funded_on, []).append(plan)
        if plan.paid_off_on:
            by_payoff.setdefault(plan.paid_off_on, []).append(plan)
    for month, days in groupby(_days(start, today), key=lambda day: day.replace(day=1)):
        say(f"  playing {month:%B %Y}")
        with tenant(lender.pk):
            if month > start:
                bill_interest(period_end=month - timedelta(days=1), actor=None)
            for day in days:
                for plan in by_funding.get(day, []):
                    plan.unit = _floor(plan, lines[plan.site], finance=finance, lender=lender)
                _pay_what_is_due(payer, sites, day, today=today)
                _pay_off(payer, sites, by_payoff.get(day, []), day)
        gather_statistics()
    with tenant(lender.pk):
        play_titles(plans, today=today, actor=finance)
        _leave_things_to_do(lender, plans, lines, random, now=now, finance=finance)
        payer.return_last(sites[PAST_DUE_SITE])
        for number in ("20001", "20012"):
            payer.leave_some_open(sites[number], now=now)
    return len(plans)


def _open_lines(
    sites: dict[str, Dealership], *, start: date, today: date, finance: User
) -> dict[str, CreditLine]:
    open_chart(actor=finance)
    index = create_index(code="prime", name="WSJ prime rate", actor=finance)
    for day, rate in prime.FIXINGS:
        record_fixing(index=index, effective_from=day, annual_rate=rate, source=prime.SOURCE, actor=finance)
    first = start - timedelta(days=31)
    plans = {
        margin: create_rate_plan(
            code=f"prime-plus-{margin}",
            name=f"Prime + {Decimal(margin) / 100} %",
            index=index,
            margin=Decimal(margin) / 10_000,
            day_count="actual/360",
            starts_on=first,
            through=today,
            floor=Decimal("0.06"),
            actor=finance,
        )
        for margin in (200, 275)
    }
    extend_rate_plans(business_date=today)
    programme = create_programme(
        code="interval-60",
        name="10 % of original every 60 days, three times",
        shape={
            "kind": "interval",
            "days": 60,
            "fraction": "0.10",
            "base": "original",
            "times": 3,
            "due_rule": {"kind": "next_business_day"},
        },
        grace_days=5,
        actor=finance,
    )
    lines = {}
    for number, site in sites.items():
        line = open_line(
            dealership=site,
            name="Floor plan",
            kind=CreditLine.Kind.FLOOR_PLAN,
            limit=_limit_for(LIVE_UNITS[number]),
            opened_on=first,
            actor=finance,
        )
        set_line_terms(
            line=line,
            effective_from=first,
            rate_plan=plans[200 if LIVE_UNITS[number] > 30 else 275],
            programme=programme,
            payment_day=10,
            grace_days=5,
            payoff_hours_after_sale=48,
            document_fee=Decimal("18.00"),
            return_fee=Decimal("35.00"),
            releases_credit_at="submission" if number in TRUSTED_SITES else "settlement",
            actor=finance,
        )
        lines[number] = line
    return lines


def _limit_for(live: int) -> Decimal:
    """Room for the units on the lot and the ones sold meanwhile, in steps of 50,000."""
    return Decimal(max(SMALLEST_LIMIT, -(-live * 46_000 // 50_000) * 50_000))


def _plan_units(random: Random, *, today: date, start: date) -> list[Plan]:
    calendar = calendar_named("federal-reserve")
    plans: list[Plan] = []
    serial = 100_000
    for number, live in LIVE_UNITS.items():
        gone = min(live // 2, 90)
        for place in range(live + gone):
            serial += random.randrange(1, 900)
            stays = place < live
            age = random.choice((3, 9, 16, 24, 33, 41, 52, 58, 67, 78, 95, 118, 140, 165)) + random.randrange(
                0, 9
            )
            funded_on = calendar.next_business_day(today - timedelta(days=age if stays else age + 35))
            funded_on = max(min(funded_on, today), calendar.next_business_day(start))
            paid_off_on = None
            if not stays:
                latest = max((today - funded_on).days - 1, 1)
                kept = min(random.randrange(9, 75), latest)
                paid_off_on = calendar.previous_business_day(funded_on + timedelta(days=kept))
                paid_off_on = max(paid_off_on, calendar.add_business_days(funded_on, 1))
            plans.append(
                Plan(
                    site=number,
                    vehicle=pick_vehicle(random, AMERICAN, serial=serial % 1_000_000, today=today, newest=1),
                    stock_number=f"{number[-2:]}{place + 1:04d}",
                    funded_on=funded_on,
                    paid_off_on=paid_off_on,
                )
            )
    return plans


def _floor(plan: Plan, line: CreditLine, *, finance: User, lender: Lender) -> Unit:
    moment = datetime.combine(plan.funded_on, time(10, 30), tzinfo=lender.zone)
    unit = _request(plan, line, requested_at=moment, actor=finance)
    approve_advance(unit=unit, approved_at=moment, actor=finance)
    fund_advance(unit=unit, funded_on=plan.funded_on, business_date=plan.funded_on, actor=finance)
    return unit


def _request(plan: Plan, line: CreditLine, *, requested_at: datetime, actor: User) -> Unit:
    vehicle = plan.vehicle
    return request_advance(
        line=line,
        vin=vehicle.vin,
        model_year=vehicle.model_year,
        make=vehicle.make,
        model=vehicle.model,
        colour=vehicle.colour,
        stock_number=plan.stock_number,
        cost=vehicle.wholesale,
        advance_amount=vehicle.wholesale,
        requested_at=requested_at,
        actor=actor,
    )


def _pay_what_is_due(payer: Payer, sites: dict[str, Dealership], day: date, *, today: date) -> None:
    """Twice a month everybody pays what falls due until the next time; one dealership stopped two months ago."""
    if day.day not in {10, 24}:
        return
    for number, site in sites.items():
        if number == PAST_DUE_SITE and day > today - timedelta(days=65):
            continue
        owed = amount_due(dealership=site, on=day, through=day + timedelta(days=17))
        shares = [
            Share(account, "due", item.total) for account, item in sorted(owed.items()) if item.total > 0
        ]
        if shares:
            payer.pay(site, shares, day)


def _pay_off(payer: Payer, sites: dict[str, Dealership], plans: list[Plan], day: date) -> None:
    by_site: dict[str, list[int]] = {}
    for plan in plans:
        if plan.unit is not None:
            by_site.setdefault(plan.site, []).append(plan.unit.pk)
    for number, accounts in sorted(by_site.items()):
        figures = payoffs_on(accounts, day)
        payer.pay(
            sites[number], [Share(account, "payoff", figures[account]) for account in sorted(figures)], day
        )


def _leave_things_to_do(
    lender: Lender,
    plans: list[Plan],
    lines: dict[str, CreditLine],
    random: Random,
    *,
    now: datetime,
    finance: User,
) -> None:
    """Sold and not yet paid, requested, approved: what a live morning looks like."""
    today = lender.business_date(now)
    for number in ("20001", "20007", "20012"):
        live = [plan for plan in plans if plan.site == number and plan.paid_off_on is None and plan.unit]
        for hours, plan in zip((20, 52, 75), live[2:5], strict=False):
            assert plan.unit is not None
            report_unit_sold(
                unit=plan.unit, sold_at=now - timedelta(hours=hours), reported_on=today, actor=finance
            )
    for place, number in enumerate(("20001", "20001", "20012", "20012")):
        vehicle = pick_vehicle(random, AMERICAN, serial=900_000 + place, today=today, newest=1)
        plan = Plan(number, vehicle, f"{number[-2:]}9{place:03d}", today, None)
        moment = now - timedelta(hours=3 + place)
        unit = _request(plan, lines[number], requested_at=moment, actor=finance)
        if place % 2:
            approve_advance(unit=unit, approved_at=moment + timedelta(hours=1), actor=finance)


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def _days(start: date, end: date) -> Iterator[date]:
    day = start
    while day <= end:
        yield day
        day += timedelta(days=1)
