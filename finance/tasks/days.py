"""Closing business dates: the sweep asks every lender's clock, the task does the work."""

from datetime import date

from django.utils import timezone

from accounts.models import Lender
from accounts.tenancy import platform, tenant
from accounts.tenant_tasks import sweep_task
from finance.actions.days import close_day, days_to_close


@sweep_task("finance.tasks.sweep_business_days")
def sweep_business_days() -> int:
    """Ask for the end of day at every lender whose own calendar has passed a day that is not closed."""
    asked = 0
    with platform():
        # Without a host name a lender is not there yet: it is being entered, or that was cut short.
        lenders = sorted(
            set(
                Lender.objects.filter(kind=Lender.Kind.LENDER, hosts__isnull=False).values_list(
                    "pk", flat=True
                )
            )
        )
    for lender_id in lenders:
        if _open_days(lender_id):
            close_business_days.hint(lender_id)
            asked += 1
    return asked


@sweep_task("finance.tasks.close_business_days")
def close_business_days(lender_id: int) -> int:
    """Close every day of a lender that is over and not closed, oldest first."""
    closed = 0
    for business_date in _open_days(lender_id):
        close_day(lender_id=lender_id, business_date=business_date, now=timezone.now())
        closed += 1
    return closed


def _open_days(lender_id: int) -> list[date]:
    now = timezone.now()
    with tenant(lender_id):
        lender = Lender.objects.get(pk=lender_id)
        return days_to_close(today=lender.business_date(now), now=now)
