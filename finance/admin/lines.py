"""Credit lines in the finance office."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Entry, Sent
from accounts.admin.columns import choice, count, day, link, money, rate, state, text, yes
from accounts.admin.office import OfficeAdmin, Table
from accounts.permissions import Access
from finance.actions.lines import change_limit, open_line, set_line_terms
from finance.actions.refusals import RefusedError
from finance.forms.office.lines import LimitForm, LineForm, TermsForm
from finance.models import CreditLine, LineTerms
from finance.queries.availability import line_availability

_REFUSALS = (RefusedError, ValidationError)


def _open(row: None, sent: Sent) -> CreditLine:
    values = {name: value for name, value in sent.values.items() if name != "token"}
    values["number"] = values["number"] or None
    return open_line(actor=sent.actor, **values)


def _set_terms(row: CreditLine, sent: Sent) -> CreditLine:
    values = {name: value for name, value in sent.values.items() if name != "token"}
    set_line_terms(line=row, actor=sent.actor, **values)
    return row


def _change_limit(row: CreditLine, sent: Sent) -> CreditLine:
    return change_limit(line=row, limit=sent.values["limit"], reason=sent.reason, actor=sent.actor)


@admin.register(CreditLine)
class CreditLineAdmin(OfficeAdmin):
    """What is lent to whom, and by which rules."""

    columns = (
        text("name", _("Name")),
        text("number", _("Number"), order="number"),
        link("dealership", _("Dealership"), order="dealership__name"),
        choice("kind", _("Kind")),
        state("state", _("State")),
        money("limit", _("Limit"), order="limit"),
        day("opened_on", _("Opened"), order="opened_on"),
    )
    facts = (
        text("number", _("Number")),
        link("dealership", _("Dealership")),
        choice("kind", _("Kind")),
        state("state", _("State")),
        day("opened_on", _("Opened")),
        money("limit", _("Limit")),
        yes("limit_is_hard", _("Refuse above the limit")),
        money("principal", _("Used"), "room.principal"),
        money("approved", _("Approved, not paid out"), "room.approved"),
        money("expected", _("Principal on its way"), "room.expected"),
        money("freed", _("Free already of it"), "room.freed"),
        money("available", _("Free"), "room.available"),
    )
    totals = ((_("Limits"), Sum("limit")),)
    list_filter = ("kind", "state")
    list_select_related = ("dealership",)
    page_related = ("dealership",)
    search_fields = ("number", "name", "dealership__name")
    search_help_text = _("Number, name or dealership")
    adding = Entry(
        name="add",
        label=_("New line"),
        title=_("Open a credit line"),
        lead=_("Nothing can be drawn until it has terms. Set them next, on the line's page."),
        button=_("Open"),
        done=_("The line is open. Set its terms next."),
        form_class=LineForm,
        save=_open,
        refusals=_REFUSALS,
    )
    entries = (
        Entry(
            name="terms",
            label=_("New terms"),
            title=_("Terms from a day on"),
            lead=_(
                "Earlier terms stay as they were. Accounts that are open keep their rate plan and schedule; "
                "what is drawn from that day on follows the new terms."
            ),
            button=_("Set the terms"),
            done=_("The terms are set."),
            form_class=TermsForm,
            save=_set_terms,
            refusals=_REFUSALS,
        ),
        Entry(
            name="limit",
            label=_("Change limit"),
            title=_("Change the limit"),
            button=_("Change the limit"),
            done=_("The limit is changed."),
            form_class=LimitForm,
            save=_change_limit,
            refusals=_REFUSALS,
        ),
    )

    def row_or_404(self, request: HttpRequest, key: str | int) -> Any:
        """The line, with its room."""
        row = super().row_or_404(request, key)
        access: Access = request.access  # type: ignore[attr-defined]
        row.room = line_availability(row, as_of=access.business_date)
        return row

    def notices(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """What stands in the way of drawing on it."""
        if not LineTerms.objects.filter(line=row).exists():
            return [("warning", _now("This line has no terms yet, so nothing can be drawn on it."))]
        if row.room.available < 0:
            return [("error", _now("This line is over its limit."))]
        return []

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Its terms, the latest first."""
        return [
            Table(
                title=_("Terms"),
                columns=(
                    day("effective_from", _("From")),
                    link("rate_plan", _("Rate plan")),
                    link("programme", _("Curtailment programme")),
                    rate("advance_rate", _("Lends of cost")),
                    count("term_days", _("Term, days")),
                    count("payment_day", _("Bills due on the")),
                    count("payoff_hours_after_sale", _("Hours after sale")),
                    money("document_fee", _("Document fee")),
                    money("return_fee", _("Return fee")),
                    choice("allocation_order", _("Allocation")),
                    choice("releases_credit_at", _("Credit free")),
                ),
                rows=LineTerms.objects.filter(line=row).select_related("rate_plan", "programme"),
                empty=_("None yet."),
            )
        ]

    def links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """What draws on it."""
        return [
            (
                str(_("Accounts of this line")),
                f"{reverse('admin:finance_account_changelist')}?line__id__exact={row.pk}",
            )
        ]

    def history_rows(self, row: Any) -> dict[Any, list[int]]:
        """The line and its terms."""
        terms = LineTerms.objects.filter(line=row).values_list("pk", flat=True)
        return {CreditLine: [row.pk], LineTerms: list(terms)}

    def history_subjects(self, row: Any) -> list[str]:
        return [row.number]
