"""The end of day: each step of a lender's business date is done once, late or twice notwithstanding.

A step is claimed by its row, committed before the work begins; the work runs in short transactions of its own. Accounts
that fail are listed on the row with their reason and stop nothing else; the step can be run again for them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import Q

from accounts.tenancy import tenant
from finance.actions.alerts import order_due_alerts
from finance.actions.billing import Billed, bill_loan_chunk, bill_units, chunks, loans_to_bill, units_to_bill
from finance.actions.rates import extend_rate_plans
from finance.actions.statements import order_month_statements
from finance.models import Account, DayStep
from finance.queries.proof import problems

logger = logging.getLogger(__name__)

Step = DayStep.Step

#: A running step whose worker has not been heard of for so long is taken over.
LEASE: Final = timedelta(minutes=20)
#: A failed step is tried again by the sweep after this time.
RETRY: Final = timedelta(hours=1)
#: How far back the sweep looks for days with something left to do.
_WINDOW: Final = timedelta(days=35)
_SHOWN: Final = 100


def close_day(*, lender_id: int, business_date: date, now: datetime) -> list[DayStep]:
    """Close a business date: run every step of it that is not done, in order. Call it outside any tenant block.

    Returns the rows of the steps. Stops where another worker is at a step just now.
    """
    for step in steps_of(business_date):
        with tenant(lender_id):
            claimed = _claim(business_date, step, now)
        if claimed is None:
            continue
        if not claimed:
            break
        _run(lender_id, business_date, step, now)
    with tenant(lender_id):
        return list(DayStep.objects.filter(business_date=business_date).order_by("pk"))


def steps_of(business_date: date) -> list[str]:
    """The steps of a day, in order; statements are made when a month ends."""
    steps = [Step.RATES, Step.INTEREST, Step.ALERTS, Step.PROOF]
    if _ends_month(business_date):
        steps.insert(2, Step.STATEMENTS)
    return [step.value for step in steps]


def days_to_close(*, today: date, now: datetime) -> list[date]:
    """The running lender's business dates before `today` with a step left to do, oldest first.

    A lender without any closed day begins with yesterday.
    """
    yesterday = today - timedelta(days=1)
    rows = DayStep.objects.values_list("business_date", "step", "state", "started_at", "finished_at")
    last = DayStep.objects.order_by("-business_date").values_list("business_date", flat=True).first()
    first = DayStep.objects.order_by("business_date").values_list("business_date", flat=True).first()
    if last is None or first is None:
        return [yesterday]
    start = max(first, min(last, yesterday - _WINDOW))
    settled: dict[date, set[str]] = {}
    for day, step, state, started_at, finished_at in rows.filter(business_date__gte=start):
        waits = state == DayStep.State.RUNNING and started_at > now - LEASE
        waits = waits or (
            state == DayStep.State.FAILED and finished_at is not None and finished_at > now - RETRY
        )
        if state == DayStep.State.DONE or waits:
            settled.setdefault(day, set()).add(step)
    days = (start + timedelta(days=number) for number in range((yesterday - start).days + 1))
    return [day for day in days if not set(steps_of(day)) <= settled.get(day, set())]


def _claim(business_date: date, step: str, now: datetime) -> bool | None:
    """Take a step upon oneself: True when it is ours, None when it is done, False when another worker is at it."""
    row, is_new = DayStep.objects.get_or_create(business_date=business_date, step=step)
    if is_new:
        DayStep.objects.filter(pk=row.pk).update(started_at=now)
        return True
    if row.state == DayStep.State.DONE:
        return None
    free = Q(state=DayStep.State.FAILED) | Q(state=DayStep.State.RUNNING, started_at__lt=now - LEASE)
    taken = (
        DayStep.objects.filter(free, pk=row.pk)
        .filter(started_at=row.started_at)
        .update(state=DayStep.State.RUNNING, started_at=now, finished_at=None, done=0, failed=0, failures=[])
    )
    return bool(taken)


def _run(lender_id: int, business_date: date, step: str, now: datetime) -> None:
    try:
        done, failures = _WORK[step](lender_id, business_date)
    except Exception as error:  # one step's trouble is written down and leaves the others alone
        logger.exception("A step of the end of day failed", extra={"lender": lender_id, "step": step})
        done, failures = 0, [{"reason": f"{type(error).__name__}: {error}"[:300]}]
    with tenant(lender_id):
        numbers = dict(
            Account.objects.filter(
                pk__in=[row["account"] for row in failures if "account" in row]
            ).values_list("pk", "number")
        )
        for row in failures:
            if "account" in row:
                row["number"] = numbers.get(row["account"], "")
        DayStep.objects.filter(business_date=business_date, step=step).update(
            state=DayStep.State.FAILED if failures else DayStep.State.DONE,
            done=done,
            failed=len(failures),
            failures=failures[:_SHOWN],
            finished_at=now,
        )


Work = Callable[[int, date], tuple[int, list[dict[str, Any]]]]


def _extend_rates(lender_id: int, business_date: date) -> tuple[int, list[dict[str, Any]]]:
    with tenant(lender_id):
        return extend_rate_plans(business_date=business_date), []


def _bill(lender_id: int, business_date: date) -> tuple[int, list[dict[str, Any]]]:
    """Instalments due on the next day, whose interest is complete; and at the end of a month the units' interest."""
    billed = Billed()
    next_day = business_date + timedelta(days=1)
    with tenant(lender_id):
        loans = loans_to_bill(next_day)
        units = units_to_bill(business_date) if _ends_month(business_date) else []
    for accounts in chunks(loans):
        with tenant(lender_id):
            billed.add(bill_loan_chunk(accounts, through=next_day, business_date=business_date))
    for accounts in chunks(units):
        with tenant(lender_id):
            billed.add(bill_units(accounts, period_end=business_date))
    return billed.accounts, billed.failures


def _send_alerts(lender_id: int, business_date: date) -> tuple[int, list[dict[str, Any]]]:
    with tenant(lender_id):
        return order_due_alerts(as_of=business_date + timedelta(days=1)), []


def _order_statements(lender_id: int, business_date: date) -> tuple[int, list[dict[str, Any]]]:
    with tenant(lender_id):
        return order_month_statements(business_date=business_date + timedelta(days=1)), []


def _prove(lender_id: int, business_date: date) -> tuple[int, list[dict[str, Any]]]:
    with tenant(lender_id):
        found = problems(since=business_date)
    return 0 if found else 1, [{"reason": str(problem)} for problem in found]


_WORK: Final[dict[str, Work]] = {
    Step.RATES.value: _extend_rates,
    Step.INTEREST.value: _bill,
    Step.STATEMENTS.value: _order_statements,
    Step.ALERTS.value: _send_alerts,
    Step.PROOF.value: _prove,
}


def _ends_month(day: date) -> bool:
    return (day + timedelta(days=1)).day == 1
