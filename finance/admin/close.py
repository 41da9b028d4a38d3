"""The end of day in the finance office."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Act, Sent
from accounts.admin.columns import choice, count, day, moment, state, text
from accounts.admin.office import OfficeAdmin, Table
from finance.actions.refusals import RefusedError
from finance.actions.reruns import run_step_again
from finance.models import DayStep


def _run_again(row: DayStep, sent: Sent) -> str:
    run_step_again(step=row, reason=sent.reason, actor=sent.actor, now=sent.now)
    return _now("The worker takes it up now.")


def _why_not(row: DayStep) -> str:
    return "" if row.state == DayStep.State.FAILED else _now("Only a step that failed can be run again.")


@admin.register(DayStep)
class DayStepAdmin(OfficeAdmin):
    """Each step of each business date, done once."""

    columns = (
        day("business_date", _("Business date"), order="business_date"),
        choice("step", _("Step")),
        state("state", _("State")),
        count("done", _("Done")),
        count("failed", _("Failed")),
        moment("started_at", _("Started")),
        moment("finished_at", _("Finished")),
    )
    list_filter = ("state", "step")
    date_hierarchy = "business_date"
    ordering = ("-business_date", "pk")

    acts = (
        Act(
            name="run-again",
            label=_("Run again"),
            question=_("Run these steps again?"),
            effect=_(
                "The worker does what is left of each step. What was done stays done and is not done twice."
            ),
            button=_("Run again"),
            perform=_run_again,
            why_not=_why_not,
            refusals=(RefusedError, ValidationError),
        ),
    )

    def name_of(self, row: Any) -> str:
        """Step and day."""
        return f"{row.get_step_display()}, {row.business_date.isoformat()}"

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """What was set aside."""
        return [
            Table(
                title=_("Set aside"),
                columns=(
                    text("number", _("Unit or loan"), lambda failure: failure.get("number")),
                    text("reason", _("Why"), lambda failure: failure.get("reason")),
                ),
                rows=row.failures,
                empty=_("Nothing was set aside."),
            )
        ]

    def history_subjects(self, row: Any) -> list[str]:
        return [f"day:{row.business_date.isoformat()}:{row.step}"]
