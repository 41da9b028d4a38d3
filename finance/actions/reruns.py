"""Running a failed step of the end of day once more, now."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import User
from accounts.tenancy import current_lender_id
from accounts.tenant_tasks import hint_by_name
from finance.actions.refusals import RefusedError
from finance.models import DayStep


@transaction.atomic
def run_step_again(*, step: DayStep, reason: str, actor: User, now: datetime) -> DayStep:
    """Let the worker take a failed step up at once instead of after an hour; steps that are done stay done.

    What the step did already it does not do again: each account's work is keyed by its day.
    """
    # Without a time at which it failed, the step waits for nothing (see `days.days_to_close`).
    if not DayStep.objects.filter(pk=step.pk, state=DayStep.State.FAILED).update(finished_at=None):
        raise RefusedError(_("Only a step that failed can be run again."))
    record(
        "day.step-run-again",
        actor=actor,
        subject=f"day:{step.business_date.isoformat()}:{step.step}",
        reason=reason,
        details={"asked_at": now.isoformat()},
    )
    lender_id = current_lender_id()
    # By name, because the task calls actions and stands above them.
    transaction.on_commit(lambda: hint_by_name("finance.tasks.close_business_days", lender_id), robust=True)
    step.refresh_from_db()
    return step
