"""Indices, their fixings, and rate plans with one row per day.

A plan's rows reach `AHEAD` days beyond the business date, carrying the last fixing known: a quote reads them as they
are, and a night adds one row per plan. A new fixing reckons the rows from its day on again, and with them the accounts
whose position lies beyond that day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import User
from accounts.tenancy import current_lender_id
from finance.actions.refolding import correct_accounts, remember_billing
from finance.actions.refusals import RefusedError
from finance.interest import Compounding, DayCount, PlanDay, plan_days, plan_rates
from finance.models import IndexFixing, RateIndex, RatePlan, RatePlanDay
from finance.queries.cards import RATES_LOCK

#: How many days beyond the business date a plan has rows for.
AHEAD: Final = 60

_ADD_DAYS = """
INSERT INTO finance_rateplanday (lender_id, plan_id, day, annual_rate, cumulative, growth)
SELECT %s, %s, * FROM unnest(%s::date[], %s::numeric[], %s::numeric[], %s::numeric[])
ON CONFLICT (lender_id, plan_id, day) DO NOTHING
"""


def create_index(*, code: str, name: str, actor: User | None) -> RateIndex:
    """Create a rate index; refused when the code is taken."""
    if RateIndex.objects.filter(code=code).exists():
        raise RefusedError(_("There is an index with the code %(code)s already.") % {"code": code})
    index = RateIndex.objects.create(code=code, name=name)
    record("rate.index-created", actor=actor, subject=name, details={"code": code})
    return index


@transaction.atomic
def record_fixing(
    *,
    index: RateIndex,
    effective_from: date,
    annual_rate: Decimal,
    source: str,
    actor: User | None,
    business_date: date | None = None,
) -> IndexFixing:
    """Record the index from a day on, with the place it was published.

    Fixings are never overwritten: a second one for the same day is refused. One that lies in the past corrects what
    accounts accrued since and, as an adjustment posted on `business_date`, what was billed.
    """
    with connection.cursor() as cursor:
        # Postings hold this lock in common while they count on the plans' days.
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [RATES_LOCK, current_lender_id()])
    if IndexFixing.objects.filter(index=index, effective_from=effective_from).exists():
        raise RefusedError(
            _("%(index)s already has a fixing from %(day)s.")
            % {"index": index.name, "day": effective_from.isoformat()}
        )
    fixing = IndexFixing.objects.create(
        index=index, effective_from=effective_from, annual_rate=annual_rate, source=source
    )
    for plan in RatePlan.objects.filter(index=index).order_by("pk"):
        _rebuild(plan, effective_from, fixing=fixing, business_date=business_date, actor=actor)
    record(
        "rate.fixing-recorded",
        actor=actor,
        subject=index.name,
        details={
            "effective_from": effective_from.isoformat(),
            "annual_rate": str(annual_rate),
            "source": source,
        },
    )
    return fixing


@transaction.atomic
def create_rate_plan(
    *,
    code: str,
    name: str,
    margin: Decimal,
    day_count: str,
    starts_on: date,
    through: date,
    index: RateIndex | None = None,
    compounding: str = "simple",
    floor: Decimal | None = None,
    ceiling: Decimal | None = None,
    actor: User | None,
) -> RatePlan:
    """Create a plan and its rows from `starts_on` through `through`; without an index, `margin` is the fixed rate."""
    if RatePlan.objects.filter(code=code).exists():
        raise RefusedError(_("There is a rate plan with the code %(code)s already.") % {"code": code})
    first = index.fixings.order_by("effective_from").first() if index else None
    if index is not None and (first is None or first.effective_from > starts_on):
        raise RefusedError(
            _("%(index)s has no fixing on %(day)s, the plan's first day.")
            % {"index": index.name, "day": starts_on.isoformat()}
        )
    plan = RatePlan.objects.create(
        code=code,
        name=name,
        index=index,
        margin=margin,
        floor=floor,
        ceiling=ceiling,
        day_count=day_count,
        compounding=Compounding(compounding).value,
        starts_on=starts_on,
    )
    _add_days(plan, plan_days(rates_of(plan), day_count=DayCount(day_count), through=through))
    record("rate.plan-created", actor=actor, subject=name, details={"code": code})
    return plan


def rates_of(plan: RatePlan) -> list[tuple[date, Decimal]]:
    """The plan's annual rates by their first days, from the fixings of its index."""
    margins = [(plan.starts_on, plan.margin)]
    if plan.index_id is None:
        fixings = [(plan.starts_on, Decimal(0))]
    else:
        fixings = list(
            IndexFixing.objects.filter(index_id=plan.index_id).values_list("effective_from", "annual_rate")
        )
    return plan_rates(fixings, margins, floor=plan.floor, ceiling=plan.ceiling)


def extend_rate_plans(*, business_date: date) -> int:
    """Give every plan its rows through `AHEAD` days after `business_date`; return how many were added."""
    through = business_date + timedelta(days=AHEAD)
    return sum(extend_rate_plan(plan=plan, through=through) for plan in RatePlan.objects.order_by("pk"))


def extend_rate_plan(*, plan: RatePlan, through: date) -> int:
    """Add the plan's missing rows through a day; return how many."""
    with connection.cursor() as cursor:
        # A fixing rebuilds the rows: what is added must follow the rows that it leaves.
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s, %s)", [RATES_LOCK, current_lender_id()])
    previous = _last_day(plan)
    if previous is not None and previous.day >= through:
        return 0
    rows = plan_days(rates_of(plan), day_count=DayCount(plan.day_count), through=through, previous=previous)
    return _add_days(plan, rows)


def _last_day(plan: RatePlan) -> PlanDay | None:
    days = RatePlanDay.objects.filter(plan=plan).order_by("-day")
    row = days.values_list("day", "annual_rate", "cumulative", "growth").first()
    return PlanDay(*row) if row else None


def _rebuild(
    plan: RatePlan, since: date, *, fixing: IndexFixing, business_date: date | None, actor: User | None
) -> None:
    """Reckon the plan's rows from `since` on again, and the accounts that had counted on them."""
    last = _last_day(plan)
    if last is None or last.day < since:
        return
    billed = remember_billing(plan_id=plan.pk, since=since)
    RatePlanDay.objects.filter(plan=plan, day__gte=since).delete()
    extend_rate_plan(plan=plan, through=last.day)
    correct_accounts(billed, fixing=fixing, business_date=business_date, actor=actor)


def _add_days(plan: RatePlan, rows: Iterable[PlanDay]) -> int:
    added: Sequence[PlanDay] = list(rows)
    if not added:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _ADD_DAYS,
            [
                current_lender_id(),
                plan.pk,
                [row.day for row in added],
                [row.annual_rate for row in added],
                [row.cumulative for row in added],
                [row.growth for row in added],
            ],
        )
        return int(cursor.rowcount)
