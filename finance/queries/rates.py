"""Rates of a plan from its rows."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from finance.interest import Compounding, DayCount, DayRows, PlanDay
from finance.models import RatePlan, RatePlanDay


def day_rows(plan: RatePlan, start: date, end: date) -> DayRows:
    """The plan's rates of every day from `start` through `end`: one query."""
    rows = RatePlanDay.objects.filter(plan=plan, day__gte=start - timedelta(days=1), day__lte=end).order_by(
        "day"
    )
    return DayRows(
        [PlanDay(*row) for row in rows.values_list("day", "annual_rate", "cumulative", "growth")],
        day_count=DayCount(plan.day_count),
        compounding=Compounding(plan.compounding),
    )


def rate_on(plan: RatePlan, day: date) -> Decimal:
    """The annual rate valid on `day`, a fraction; raises RatePlanDay.DoesNotExist where the plan knows none."""
    return RatePlanDay.objects.values_list("annual_rate", flat=True).get(plan=plan, day=day)
