"""Statements in the finance office, to look at, and to be made again where they failed."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Act, Sent
from accounts.admin.columns import count, day, link, moment, money, state, text
from accounts.admin.office import OfficeAdmin, Table
from finance.actions.refusals import RefusedError
from finance.actions.statements import retry_statement
from finance.models import Statement, StatementBatch


def batch_page() -> str:
    """The page on which statements of a month are ordered; empty where there is none."""
    for name in ("finance:statement-batch", "finance:statement-batch-list", "finance:statement-batch-new"):
        try:
            return reverse(name)
        except NoReverseMatch:
            continue
    return ""


def _retry(row: Statement, sent: Sent) -> str:
    retry_statement(statement=row, actor=sent.actor)
    return _now("It is being made again.")


def _why_not(row: Statement) -> str:
    return (
        "" if row.state == Statement.State.FAILED else _now("Only a statement that failed can be made again.")
    )


@admin.register(Statement)
class StatementAdmin(OfficeAdmin):
    """Monthly statements. A printed one never changes."""

    columns = (
        text("number", _("Number")),
        link("dealership", _("Dealership"), order="dealership__name"),
        day("period_end", _("Month to"), order="period_end"),
        state("state", _("State")),
        money("opening", _("Opening")),
        money("charges", _("Charges")),
        money("payments", _("Payments")),
        money("closing", _("Closing")),
        money("amount_due", _("Due")),
    )
    facts = (
        text("number", _("Number")),
        link("dealership", _("Dealership")),
        day("period_start", _("From")),
        day("period_end", _("To")),
        state("state", _("State")),
        text("failure", _("Why it failed")),
        money("opening", _("Opening")),
        money("charges", _("Charges")),
        money("payments", _("Payments")),
        money("closing", _("Closing")),
        money("amount_due", _("Amount due")),
        day("due_on", _("Due")),
        link("batch", _("Batch")),
        moment("created_at", _("Ordered")),
        text("pdf_sha256", _("SHA-256 of the PDF")),
    )
    totals = (
        (_("Opening"), Sum("opening")),
        (_("Charges"), Sum("charges")),
        (_("Payments"), Sum("payments")),
        (_("Closing"), Sum("closing")),
    )
    list_filter = ("state", "period_end")
    list_select_related = ("dealership",)
    page_related = ("dealership", "batch")
    ordering = ("-period_end", "-pk")
    search_fields = ("number",)
    search_help_text = _("The whole number")
    acts = (
        Act(
            name="retry",
            label=_("Make again"),
            question=_("Make these statements again?"),
            effect=_("Each is assembled and printed anew by the worker. One that is ready stays as it is."),
            button=_("Make again"),
            perform=_retry,
            why_not=_why_not,
            refusals=(RefusedError, ValidationError),
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Statements without their content, which is long and not shown here."""
        return super().get_queryset(request).defer("content")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the whole number."""
        term = search_term.strip().upper()
        return (queryset.filter(number=term) if term else queryset), False

    def name_of(self, row: Any) -> str:
        """Number and dealership."""
        return f"{row.number}, {row.dealership}"

    def history_subjects(self, row: Any) -> list[str]:
        return [f"statement:{row.number}"]


@admin.register(StatementBatch)
class StatementBatchAdmin(OfficeAdmin):
    """Runs over all dealerships of a month."""

    columns = (
        day("period_end", _("Month to"), order="period_end"),
        state("state", _("State")),
        count("total", _("Statements")),
        text("ordered_by", _("Ordered by"), lambda row: row.ordered_by or "Forecourt"),
        moment("created_at", _("Ordered")),
        moment("finished_at", _("Finished")),
    )
    list_select_related = ("ordered_by",)
    page_related = ("ordered_by",)

    def name_of(self, row: Any) -> str:
        """The month."""
        return _now("Statements to %(day)s") % {"day": row.period_end.isoformat()}

    def links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """Its statements, and the page that follows the run."""
        ways = [
            (
                _now("Statements of this batch"),
                f"{reverse('admin:finance_statement_changelist')}?batch__id__exact={row.pk}",
            )
        ]
        if page := batch_page():
            ways.append((_now("Order and follow batches"), page))
        return ways

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """What failed."""
        return [
            Table(
                title=_("Failed"),
                columns=(
                    link("number", _("Statement"), lambda statement: (statement, statement.number)),
                    link("dealership", _("Dealership")),
                    text("failure", _("Why")),
                ),
                rows=Statement.objects.filter(batch=row, state=Statement.State.FAILED)
                .select_related("dealership")
                .defer("content")
                .order_by("pk")[:100],
                empty=_("None."),
            )
        ]
