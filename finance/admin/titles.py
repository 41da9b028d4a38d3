"""Titles in the finance office: awaited, held, lent out, released, shipped."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Act, Sent
from accounts.admin.columns import Column, choice, day, link, moment, text
from accounts.admin.office import OfficeAdmin, Table
from accounts.permissions import Access
from finance.actions.refusals import RefusedError
from finance.actions.titles import lend_title, record_title_received, release_title, ship_title, why_not
from finance.admin.units import found_units
from finance.forms.office.titles import (
    TitleLentForm,
    TitleReceivedForm,
    TitleReleasedForm,
    TitleShippedForm,
)
from finance.models import TitleEvent, Unit, VehicleTitle

_REFUSALS = (RefusedError, ValidationError)
State = VehicleTitle.State
_UNIT_STATE = Column(
    "unit_state",
    _("Unit"),
    "state",
    lambda row: (row.unit.state, row.unit.get_state_display()),
    "unit__state",
)


def _receive(row: VehicleTitle, sent: Sent) -> str:
    record_title_received(
        unit=row.unit,
        received_on=sent.values["on"],
        kept_at=sent.values["kept_at"],
        business_date=sent.today,
        reason=sent.reason,
        actor=sent.actor,
    )
    return _now("Held.")


def _lend(row: VehicleTitle, sent: Sent) -> str:
    lend_title(
        unit=row.unit,
        lent_on=sent.values["on"],
        due_back_on=sent.values["due_back_on"],
        business_date=sent.today,
        reason=sent.reason,
        actor=sent.actor,
    )
    return _now("Lent out, due back on %(day)s.") % {"day": sent.values["due_back_on"].isoformat()}


def _release(row: VehicleTitle, sent: Sent) -> str:
    release_title(
        unit=row.unit,
        released_on=sent.values["on"],
        business_date=sent.today,
        reason=sent.reason,
        actor=sent.actor,
    )
    return _now("Released.")


def _ship(row: VehicleTitle, sent: Sent) -> str:
    ship_title(
        unit=row.unit,
        shipped_on=sent.values["on"],
        tracking=sent.values["tracking"],
        business_date=sent.today,
        reason=sent.reason,
        actor=sent.actor,
    )
    return _now("Shipped.")


def _against(wanted: str) -> Callable[[VehicleTitle], str]:
    """Against rows that cannot come into that state."""

    def against(row: VehicleTitle) -> str:
        if wanted == State.RELEASED and row.state in {State.HELD, State.LENT}:
            if row.unit.state != Unit.State.PAID:
                return _now("The unit is “%(state)s”; a title is released when nothing is owed on it.") % {
                    "state": row.unit.get_state_display()
                }
            return ""
        return why_not(row, wanted)

    return against


@admin.register(VehicleTitle)
class VehicleTitleAdmin(OfficeAdmin):
    """Where the papers of floored vehicles are."""

    columns = (
        text("vehicle", _("Vehicle"), lambda row: f"{row.unit.model_year} {row.unit.make} {row.unit.model}"),
        text("vin", _("VIN"), "unit.vin"),
        link("dealership", _("Dealership"), order="dealership__name"),
        _UNIT_STATE,
        choice("state", _("Title"), order="state"),
        day("since", _("Since"), order="since"),
        text("kept_at", _("Kept at")),
        day("due_back_on", _("Due back"), order="due_back_on"),
    )
    facts = (
        link("unit", _("Unit")),
        text("vin", _("VIN"), "unit.vin"),
        link("dealership", _("Dealership")),
        _UNIT_STATE,
        choice("state", _("Title")),
        day("since", _("Since")),
        text("kept_at", _("Kept at")),
        day("due_back_on", _("Due back")),
        text("tracking", _("Tracking")),
    )
    list_filter = ("state", "unit__state")
    list_select_related = ("dealership", "unit")
    page_related = ("dealership", "unit", "unit__account")
    search_fields = ("unit__vin",)
    search_help_text = _("Whole VIN, its last six, stock number or unit number")
    ordering = ("-since", "-pk")
    acts = (
        Act(
            name="receive",
            label=_("Title received"),
            question=_("Have these titles been received?"),
            effect=_(
                "Each is held from that day on. A title that was lent, released or shipped has come back."
            ),
            button=_("Record as received"),
            perform=_receive,
            why_not=_against(State.HELD),
            form_class=TitleReceivedForm,
            refusals=_REFUSALS,
        ),
        Act(
            name="lend",
            label=_("Lend title"),
            question=_("Lend these titles to their dealers?"),
            effect=_("The dealer sees until when it is lent. What is owed does not change."),
            button=_("Lend"),
            perform=_lend,
            why_not=_against(State.LENT),
            form_class=TitleLentForm,
            refusals=_REFUSALS,
        ),
        Act(
            name="release",
            label=_("Release title"),
            question=_("Release these titles?"),
            effect=_(
                "Nothing is owed on these units; each title may go to its dealer, who sees that it does."
            ),
            button=_("Release"),
            perform=_release,
            why_not=_against(State.RELEASED),
            form_class=TitleReleasedForm,
            is_grave=True,
            refusals=_REFUSALS,
        ),
        Act(
            name="ship",
            label=_("Title shipped"),
            question=_("Have these titles been sent?"),
            effect=_("The dealer sees the carrier and its number."),
            button=_("Record as shipped"),
            perform=_ship,
            why_not=_against(State.SHIPPED),
            form_class=TitleShippedForm,
            refusals=_REFUSALS,
        ),
    )

    def name_of(self, row: Any) -> str:
        """The vehicle and its VIN."""
        return str(row.unit)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By equality only, so that indexes serve it behind row security."""
        if not search_term.strip():
            return queryset, False
        units = found_units(Unit.objects.all(), search_term)
        return queryset.filter(pk__in=units.values("pk")), False

    def notices(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """What is out although it should not be."""
        is_out = row.state in {State.RELEASED, State.SHIPPED}
        if is_out and row.unit.state != Unit.State.PAID:
            return [("error", _now("The payoff came back: the unit owes again, and its title was released."))]
        access: Access = request.access  # type: ignore[attr-defined]
        if row.due_back_on is not None and row.due_back_on < access.business_date:
            return [("warning", _now("It was to be back by now."))]
        return []

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Its way so far."""
        return [
            Table(
                title=_("What happened"),
                columns=(
                    day("happened_on", _("When")),
                    choice("state", _("Title")),
                    text("kept_at", _("Kept at")),
                    day("due_back_on", _("Due back")),
                    text("tracking", _("Tracking")),
                    moment("recorded_at", _("Recorded")),
                ),
                rows=TitleEvent.objects.filter(unit_id=row.pk).order_by("-pk"),
                empty=_("Nothing yet."),
            )
        ]

    def history_subjects(self, row: Any) -> list[str]:
        return [f"{row.unit.account.number} {row.unit.vin}"]
