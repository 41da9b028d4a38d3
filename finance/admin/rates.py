"""Indices, fixings and rate plans in the finance office."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Entry, Sent
from accounts.admin.columns import choice, day, link, moment, rate, text
from accounts.admin.office import OfficeAdmin, Table
from accounts.permissions import Access
from finance.actions.rates import AHEAD, create_index, create_rate_plan, record_fixing
from finance.actions.refusals import RefusedError
from finance.forms.office.rates import FixingForm, IndexForm, RatePlanForm
from finance.models import IndexFixing, RateIndex, RatePlan, RatePlanDay

_REFUSALS = (RefusedError, ValidationError)


def _create_index(row: None, sent: Sent) -> RateIndex:
    return create_index(code=sent.values["code"], name=sent.values["name"], actor=sent.actor)


def _record_fixing(row: RateIndex | None, sent: Sent) -> Any:
    fixing = record_fixing(
        index=row or sent.values["index"],
        effective_from=sent.values["effective_from"],
        annual_rate=sent.values["annual_rate"],
        source=sent.values["source"],
        business_date=sent.today,
        actor=sent.actor,
    )
    return row or fixing


def _create_plan(row: None, sent: Sent) -> RatePlan:
    values = {name: value for name, value in sent.values.items() if name != "token"}
    through = max(sent.today, values["starts_on"]) + timedelta(days=AHEAD)
    return create_rate_plan(through=through, actor=sent.actor, **values)


_FIXING = Entry(
    name="fixing",
    label=_("New fixing"),
    title=_("Record a fixing"),
    lead=_(
        "It holds until the next one. It cannot be changed afterwards, and there is one for each day at most. "
        "For a day that has gone by, what was accrued and billed since is corrected by adjustments."
    ),
    button=_("Record"),
    done=_("The fixing is recorded."),
    form_class=FixingForm,
    save=_record_fixing,
    refusals=_REFUSALS,
)


@admin.register(RateIndex)
class RateIndexAdmin(OfficeAdmin):
    """Published rates."""

    columns = (
        text("name", _("Name"), order="name"),
        text("code", _("Code")),
        rate("latest", _("Latest rate")),
        day("latest_from", _("From")),
    )
    facts = (text("code", _("Code")), rate("latest", _("Latest rate")), day("latest_from", _("From")))
    ordering = ("name", "pk")
    search_fields = ("name", "code")
    adding = Entry(
        name="add",
        label=_("New index"),
        title=_("New rate index"),
        button=_("Create"),
        done=_("The index is there. Record its first fixing next."),
        form_class=IndexForm,
        save=_create_index,
        refusals=_REFUSALS,
    )
    entries = (_FIXING,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Indices with their latest fixing."""
        latest = IndexFixing.objects.filter(index_id=OuterRef("pk")).order_by("-effective_from")
        return (
            super()
            .get_queryset(request)
            .annotate(
                latest=Subquery(latest.values("annual_rate")[:1]),
                latest_from=Subquery(latest.values("effective_from")[:1]),
            )
        )

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Its fixings, and the plans that hang on it."""
        return [
            Table(
                title=_("Fixings"),
                columns=(
                    day("effective_from", _("From")),
                    rate("annual_rate", _("Rate")),
                    text("source", _("Source")),
                    moment("recorded_at", _("Recorded")),
                ),
                rows=IndexFixing.objects.filter(index=row).order_by("-effective_from")[:100],
                empty=_("None yet. Record the first one."),
            ),
            Table(
                title=_("Rate plans on this index"),
                columns=(link("name", _("Plan"), lambda plan: plan), rate("margin", _("Margin"))),
                rows=RatePlan.objects.filter(index=row).order_by("name", "pk"),
                empty=_("None yet."),
            ),
        ]

    def history_rows(self, row: Any) -> dict[Any, list[int]]:
        """The index and its fixings."""
        fixings = IndexFixing.objects.filter(index=row).values_list("pk", flat=True)
        return {RateIndex: [row.pk], IndexFixing: list(fixings)}

    def history_subjects(self, row: Any) -> list[str]:
        return [row.name]


@admin.register(IndexFixing)
class IndexFixingAdmin(OfficeAdmin):
    """Fixings of all indices. Append-only."""

    columns = (
        day("effective_from", _("From"), order="effective_from"),
        link("index", _("Index")),
        rate("annual_rate", _("Rate")),
        text("source", _("Source")),
        moment("recorded_at", _("Recorded")),
    )
    list_filter = ("index",)
    list_select_related = ("index",)
    page_related = ("index",)
    ordering = ("-effective_from", "-pk")
    adding = _FIXING

    def name_of(self, row: Any) -> str:
        """Index and day."""
        return f"{row.index}, {row.effective_from.isoformat()}"

    def history_subjects(self, row: Any) -> list[str]:
        return [row.index.name]


@admin.register(RatePlan)
class RatePlanAdmin(OfficeAdmin):
    """How an account's rate of each day comes about."""

    columns = (
        text("name", _("Name"), order="name"),
        text("code", _("Code")),
        link("index", _("Index")),
        rate("margin", _("Margin or fixed rate")),
        text("day_count", _("Day count")),
        rate("today", _("Rate today")),
    )
    facts = (
        text("code", _("Code")),
        link("index", _("Index")),
        rate("margin", _("Margin, or the fixed rate")),
        rate("floor", _("Never below")),
        rate("ceiling", _("Never above")),
        text("day_count", _("Day count")),
        choice("compounding", _("Compounding")),
        day("starts_on", _("First day")),
        rate("today", _("Rate today")),
    )
    list_select_related = ("index",)
    page_related = ("index",)
    ordering = ("name", "pk")
    search_fields = ("name", "code")
    adding = Entry(
        name="add",
        label=_("New rate plan"),
        title=_("New rate plan"),
        lead=_("A plan is never changed: lines get new terms with another plan."),
        button=_("Create"),
        done=_("The rate plan is there."),
        form_class=RatePlanForm,
        save=_create_plan,
        refusals=_REFUSALS,
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Plans with the rate of the business date."""
        access: Access = request.access  # type: ignore[attr-defined]
        today = RatePlanDay.objects.filter(plan_id=OuterRef("pk"), day=access.business_date)
        return super().get_queryset(request).annotate(today=Subquery(today.values("annual_rate")[:1]))

    def history_subjects(self, row: Any) -> list[str]:
        return [row.name]
