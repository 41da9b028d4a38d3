"""Payments in the finance office, to look at; the bank is asked again, and a return is recorded, by acts.

Beside them stand the messages of banks and processors: those that fit no payment wait there for people.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Act, Sent
from accounts.admin.columns import choice, day, link, moment, money, state, text
from accounts.admin.office import OfficeAdmin, Table
from accounts.permissions import Access
from finance.actions.refusals import RefusedError
from payments.actions.corrections import ask_bank_again, record_return_by_hand
from payments.actions.errors import PaymentRefusedError
from payments.forms.office import ReturnForm
from payments.models import GatewayEvent, Payment, PaymentShare, PaymentStep
from payments.queries.pending import PENDING_STATES

_REFUSALS = (PaymentRefusedError, RefusedError, ValidationError)


def _ask_again(row: Payment, sent: Sent) -> str:
    ask_bank_again(payment=row, reason=sent.reason, actor=sent.actor, now=sent.now)
    return _now("The bank is being asked.")


def _return(row: Payment, sent: Sent) -> str:
    returned = record_return_by_hand(
        payment=row,
        code=sent.values["code"],
        reason=sent.reason,
        charge_fee=sent.values["charge_fee"],
        actor=sent.actor,
        now=sent.now,
    )
    return _now("Reversed by journal entry %(entry)s.") % {"entry": returned.return_entry_id}


def _not_checking(row: Payment) -> str:
    if row.state == Payment.State.CHECKING:
        return ""
    return _now("It is “%(state)s”; only a payment that is being checked needs asking.") % {
        "state": row.get_state_display()
    }


def _not_settled(row: Payment) -> str:
    if row.state == Payment.State.SETTLED:
        return ""
    return _now("It is “%(state)s”; only a settled payment can be taken back.") % {
        "state": row.get_state_display()
    }


class LateFilter(admin.SimpleListFilter):
    """Money that is still on its way after the day on which it was expected, seen from the business date."""

    title = _("on time")
    parameter_name = "late"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The one question."""
        return [("yes", _("Later than expected"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The late ones."""
        if self.value() != "yes":
            return queryset
        access: Access = request.access  # type: ignore[attr-defined]
        return queryset.filter(state__in=PENDING_STATES, expected_on__lt=access.business_date)


@admin.register(Payment)
class PaymentAdmin(OfficeAdmin):
    """Every payment and where it stands. Amount, account and value date never change once it is submitted."""

    columns = (
        text("number", _("Number")),
        link("dealership", _("Dealership"), order="dealership__name"),
        money("amount", _("Amount"), order="amount"),
        state("state", _("State")),
        moment("submitted_at", _("Submitted")),
        day("value_date", _("Counts on"), order="value_date"),
        day("expected_on", _("Expected to settle"), order="expected_on"),
        text("made_by_name", _("Made by")),
        text("method", _("Paid from")),
    )
    facts = (
        text("number", _("Number")),
        link("dealership", _("Dealership")),
        money("amount", _("Amount")),
        state("state", _("State")),
        day("value_date", _("Counts on")),
        day("expected_on", _("Expected to settle")),
        link("made_by", _("Made by")),
        text("method", _("Paid from")),
        moment("submitted_at", _("Submitted")),
        moment("settled_at", _("Settled")),
        moment("returned_at", _("Returned")),
        text("return_code", _("The bank's code")),
        text("return_reason", _("What it means")),
        text("gateway_reference", _("The bank's reference")),
        link("entry", _("Journal entry")),
        link("return_entry", _("Reversing entry")),
    )
    totals = ((_("Amount"), Sum("amount")),)
    list_filter = ("state", LateFilter, "value_date")
    list_select_related = ("dealership", "method")
    page_related = ("dealership", "method", "made_by", "entry", "return_entry")
    search_fields = ("number",)
    search_help_text = _("The whole number, or the bank's reference")
    acts = (
        Act(
            name="ask-again",
            label=_("Ask the bank again"),
            question=_("Ask the bank again about these payments?"),
            effect=_(
                "The bank is asked, by each payment's key, what became of it. Nothing is sent a second time."
            ),
            button=_("Ask"),
            perform=_ask_again,
            why_not=_not_checking,
            amount=lambda row: row.amount,
            refusals=_REFUSALS,
        ),
        Act(
            name="return",
            label=_("Record a return"),
            question=_("Record that the bank returned these payments?"),
            effect=_(
                "For returns that the bank told of by letter or telephone. What was posted is reversed by a linked "
                "entry with the original value date: it is owed again, with interest. The people who paid are told."
            ),
            button=_("Reverse"),
            perform=_return,
            why_not=_not_settled,
            form_class=ReturnForm,
            amount=lambda row: row.amount,
            is_grave=True,
            refusals=_REFUSALS,
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the whole number or the bank's reference."""
        term = search_term.strip()
        if not term:
            return queryset, False
        found = queryset.filter(number=term.upper())
        return (found if found.exists() else queryset.filter(gateway_reference=term)), False

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Its shares and its life."""
        return [
            Table(
                title=_("What it pays"),
                columns=(
                    link("account", _("Unit or loan")),
                    choice("purpose", _("Purpose")),
                    money("principal", _("Principal")),
                    money("interest", _("Interest")),
                    money("fees", _("Fees")),
                    money("amount", _("Amount")),
                ),
                rows=PaymentShare.objects.filter(payment=row).select_related("account").order_by("pk"),
            ),
            Table(
                title=_("Its life"),
                columns=(
                    moment("recorded_at", _("When")),
                    state("state", _("State")),
                    text("note", _("Note")),
                ),
                rows=PaymentStep.objects.filter(payment=row).order_by("pk"),
            ),
        ]

    def history_subjects(self, row: Any) -> list[str]:
        return [f"payment:{row.number}"]


_FITS: Final = "fits"
_DOES_NOT_FIT: Final = "does-not-fit"


class FitFilter(admin.SimpleListFilter):
    """Messages that were carried out, and those that fit no payment and were not booked."""

    title = _("fit")
    parameter_name = "fit"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The two kinds."""
        return [(_DOES_NOT_FIT, _("Did not fit, not booked")), (_FITS, _("Carried out"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen ones."""
        match self.value():
            case "does-not-fit":
                return queryset.exclude(problem="")
            case "fits":
                return queryset.filter(problem="", processed_at__isnull=False)
        return queryset


def _said(row: GatewayEvent, name: str) -> str:
    """What the message says under that name of what it is about; it may be any JSON."""
    about = row.payload.get(row.kind.partition(".")[0]) if isinstance(row.payload, dict) else None
    said = about.get(name, "") if isinstance(about, dict) else ""
    return str(said)[:80]


@admin.register(GatewayEvent)
class GatewayEventAdmin(OfficeAdmin):
    """Every true message of a bank or processor. What did not fit its payment was not booked; here people see why."""

    has_history = False
    columns = (
        moment("received_at", _("Received")),
        text("gateway", _("From")),
        text("kind", _("Says")),
        text("amount", _("Amount it names"), lambda row: f"{_said(row, 'amount')} {_said(row, 'currency')}"),
        text("problem", _("Why it was not booked")),
    )
    facts = (
        moment("received_at", _("Received")),
        moment("processed_at", _("Dealt with")),
        text("gateway", _("From")),
        text("event_id", _("Its own number")),
        text("kind", _("Says")),
        text("key", _("About the key"), lambda row: _said(row, "key")),
        text("reference", _("The bank's reference"), lambda row: _said(row, "reference")),
        text("amount", _("Amount it names"), lambda row: f"{_said(row, 'amount')} {_said(row, 'currency')}"),
        text("code", _("The bank's code"), lambda row: _said(row, "code")),
        text("problem", _("Why it was not booked")),
    )
    list_filter = (FitFilter, "gateway")
    search_fields = ("event_id",)
    search_help_text = _("The message's own number, whole")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the message's own number."""
        term = search_term.strip()
        return (queryset.filter(event_id=term) if term else queryset), False

    def name_of(self, row: Any) -> str:
        """Its number and what it says."""
        return f"{row.kind}, {row.event_id}"
