"""Units in the finance office: asked for, approved, paid out, sold."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Act, Entry, Sent
from accounts.admin.columns import choice, day, link, moment, money, state, text
from accounts.admin.office import OfficeAdmin, Table
from accounts.permissions import Access
from finance.actions.refusals import RefusedError
from finance.actions.units import (
    approve_advance,
    fund_advance,
    refuse_advance,
    report_unit_sold,
    request_advance,
)
from finance.admin.parts import POSITION, account_tables, balance, know_payoff, next_due, prefixed
from finance.forms.office.advances import AdvanceForm, FundForm, SoldForm
from finance.models import Account, Unit, VehicleTitle

_REFUSALS = (RefusedError, ValidationError)


def _request(row: None, sent: Sent) -> Unit:
    values = {name: value for name, value in sent.values.items() if name != "token"}
    return request_advance(requested_at=sent.now, actor=sent.actor, **values)


def _approve(row: Unit, sent: Sent) -> str:
    approve_advance(unit=row, approved_at=sent.now, reason=sent.reason, actor=sent.actor)
    return _now("Approved.")


def _refuse(row: Unit, sent: Sent) -> str:
    refuse_advance(unit=row, reason=sent.reason, actor=sent.actor)
    return _now("Refused.")


def _fund(row: Unit, sent: Sent) -> str:
    entry = fund_advance(
        unit=row,
        funded_on=sent.values["funded_on"],
        business_date=sent.today,
        reason=sent.reason,
        actor=sent.actor,
    )
    return _now("Paid out, journal entry %(entry)s.") % {"entry": entry.pk}


def _sold(row: Unit, sent: Sent) -> str:
    due = report_unit_sold(
        unit=row,
        sold_at=sent.values["sold_at"],
        reported_on=sent.today,
        business_date=sent.today,
        actor=sent.actor,
    )
    return _now("Sold; the payoff is due on %(day)s.") % {"day": due.due_on.isoformat()}


def _only(wanted: str, otherwise: Promise) -> Callable[[Unit], str]:
    """Against rows in another state than `wanted`; `otherwise` says what the row is."""

    def why_not(row: Unit) -> str:
        return "" if row.state == wanted else str(otherwise) % {"state": row.get_state_display()}

    return why_not


def _not_refusable(row: Unit) -> str:
    if row.state in {Unit.State.REQUESTED, Unit.State.APPROVED}:
        return ""
    return _now("It is “%(state)s”; only what is not paid out yet can be refused.") % {
        "state": row.get_state_display()
    }


def _title(row: Unit) -> tuple[VehicleTitle, str] | None:
    title = getattr(row, "title", None)
    return (title, title.get_state_display()) if title else None


@admin.register(Unit)
class UnitAdmin(OfficeAdmin):
    """Financed vehicles."""

    columns = (
        text("vehicle", _("Vehicle"), lambda row: f"{row.model_year} {row.make} {row.model}"),
        text("vin", _("VIN")),
        text("stock_number", _("Stock no.")),
        link("dealership", _("Dealership"), order="dealership__name"),
        state("state", _("State"), order="state"),
        day("due", _("Next due"), "next_due_on"),
        money("advance", _("Advance"), "advance_amount"),
        money(
            "balance",
            _("Owed, as posted"),
            lambda row: balance(getattr(row.account, "accountposition", None)),
        ),
    )
    act_columns = (
        text("vehicle", _("Vehicle"), lambda row: f"{row.model_year} {row.make} {row.model}"),
        text("vin", _("VIN")),
        link("dealership", _("Dealership")),
        state("state", _("State")),
        money("advance", _("Advance"), "advance_amount"),
    )
    facts = (
        text("number", _("Number"), "account.number"),
        text("vin", _("VIN")),
        text("stock_number", _("Stock number")),
        link("dealership", _("Dealership")),
        link("line", _("Line"), "account.line"),
        link("account", _("Account")),
        state("state", _("State")),
        choice("condition", _("Condition")),
        text("colour", _("Colour")),
        money("cost", _("Cost")),
        money("advance", _("Advance"), "advance_amount"),
        moment("requested_at", _("Requested")),
        moment("approved_at", _("Approved")),
        day("funded_on", _("Paid out")),
        day("maturity_on", _("Matures")),
        day("sold_on", _("Sold")),
        moment("payoff_due_at", _("Payoff due")),
        link("title", _("Title"), _title),
        *prefixed(POSITION, "account"),
    )
    totals = (
        (_("Advances"), Sum("advance_amount")),
        (_("Principal"), Sum("account__accountposition__principal")),
    )
    list_filter = ("state", "condition")
    list_select_related = ("dealership", "account", "account__accountposition")
    page_related = (
        "dealership",
        "title",
        "account",
        "account__line",
        "account__accountposition",
        "account__rate_plan",
    )
    search_fields = ("vin",)
    search_help_text = _("Whole VIN, its last six, stock number or unit number")
    adding = Entry(
        name="add",
        label=_("New advance"),
        title=_("Ask for an advance on behalf of a dealer"),
        lead=_("Nothing is owed until the advance is approved and paid out."),
        button=_("Ask for it"),
        done=_("The advance is asked for. Approve it next."),
        form_class=AdvanceForm,
        save=_request,
        refusals=_REFUSALS,
    )
    acts = (
        Act(
            name="approve",
            label=_("Approve"),
            question=_("Approve these advances?"),
            effect=_("Each is promised and takes room on its line from now on. Nothing is paid out yet."),
            button=_("Approve"),
            perform=_approve,
            why_not=_only(
                Unit.State.REQUESTED, _("It is “%(state)s”; only a requested advance can be approved.")
            ),
            amount=lambda row: row.advance_amount,
            refusals=_REFUSALS,
        ),
        Act(
            name="fund",
            label=_("Pay out"),
            question=_("Pay these advances out?"),
            effect=_(
                "Principal and document fee are posted and owed, and the dates of curtailments and maturity are set. "
                "A posting is never changed; it can only be reversed."
            ),
            button=_("Pay out"),
            perform=_fund,
            why_not=_only(
                Unit.State.APPROVED, _("It is “%(state)s”; only an approved advance can be paid out.")
            ),
            form_class=FundForm,
            amount=lambda row: row.advance_amount,
            refusals=_REFUSALS,
        ),
        Act(
            name="refuse",
            label=_("Refuse"),
            question=_("Refuse these advances?"),
            effect=_("The request ends and takes no room on the line. The reason is kept."),
            button=_("Refuse"),
            perform=_refuse,
            why_not=_not_refusable,
            amount=lambda row: row.advance_amount,
            is_grave=True,
            refusals=_REFUSALS,
        ),
        Act(
            name="sold",
            label=_("Report sold"),
            question=_("Report these units as sold?"),
            effect=_("The time to pay starts to run: what was to fall due later is due with the payoff."),
            button=_("Report sold"),
            perform=_sold,
            why_not=_only(
                Unit.State.FUNDED, _("It is “%(state)s”; only a floored unit can be reported as sold.")
            ),
            form_class=SoldForm,
            amount=lambda row: row.account.accountposition.principal,
            refusals=_REFUSALS,
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Units with the first day on which something is still open."""
        return super().get_queryset(request).annotate(next_due_on=next_due())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By equality only, so that indexes serve it behind row security."""
        return found_units(queryset, search_term), False

    def row_or_404(self, request: HttpRequest, key: str | int) -> Any:
        """The unit, with what would pay it off today."""
        row = super().row_or_404(request, key)
        access: Access = request.access  # type: ignore[attr-defined]
        know_payoff(row.account, access.business_date)
        return row

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """What falls due and what happened."""
        return account_tables(row.account)

    def history_subjects(self, row: Any) -> list[str]:
        return [f"{row.account.number} {row.vin}"]


def found_units(units: QuerySet[Any], words: str) -> QuerySet[Any]:
    """Units by whole VIN, last six, stock number or unit number, whatever the spelling."""
    term = "".join(words.split()).upper()
    if not term:
        return units
    keys: set[int] = set()
    if len(term) == 17:
        keys.update(Unit.objects.filter(vin_tail=term[-6:], vin=term).values_list("pk", flat=True))
    elif len(term) == 6:
        keys.update(Unit.objects.filter(vin_tail=term).values_list("pk", flat=True))
    keys.update(Unit.objects.filter(stock_key=term).values_list("pk", flat=True))
    keys.update(Account.objects.filter(number=term, kind=Account.Kind.UNIT).values_list("pk", flat=True))
    return units.filter(pk__in=keys)
