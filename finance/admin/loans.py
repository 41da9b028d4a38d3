"""Term loans in the finance office."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Entry, Sent
from accounts.admin.columns import choice, count, day, link, money, state, text
from accounts.admin.office import OfficeAdmin, Table
from accounts.permissions import Access
from finance.actions.loans import open_loan
from finance.actions.refusals import RefusedError
from finance.admin.parts import POSITION, account_tables, balance, know_payoff, next_due, prefixed
from finance.forms.office.loans import LoanForm
from finance.models import Account, Loan


def _open(row: None, sent: Sent) -> Loan:
    values = {name: value for name, value in sent.values.items() if name != "token"}
    return open_loan(business_date=sent.today, actor=sent.actor, **values)


@admin.register(Loan)
class LoanAdmin(OfficeAdmin):
    """Term loans."""

    columns = (
        text("title", _("Loan"), "account.title"),
        text("number", _("Number"), "account.number"),
        link("dealership", _("Customer"), order="dealership__name"),
        choice("purpose", _("Purpose")),
        state("state", _("State"), "account"),
        day("due", _("Next due"), "next_due_on"),
        money("amount", _("Amount")),
        money(
            "balance",
            _("Owed, as posted"),
            lambda row: balance(getattr(row.account, "accountposition", None)),
        ),
    )
    facts = (
        text("number", _("Number"), "account.number"),
        link("dealership", _("Customer")),
        link("line", _("Line"), "account.line"),
        link("account", _("Account")),
        state("state", _("State"), "account"),
        choice("purpose", _("Purpose")),
        choice("method", _("Repayment")),
        money("amount", _("Amount")),
        money("instalment", _("Instalment")),
        count("instalment_count", _("Instalments")),
        day("first_due_on", _("First instalment due")),
        day("opened_on", _("Paid out"), "account.opened_on"),
        text("vehicle", _("Vehicle")),
        text("registration", _("Registration")),
        *prefixed(POSITION, "account"),
    )
    totals = (
        (_("Amounts"), Sum("amount")),
        (_("Principal"), Sum("account__accountposition__principal")),
    )
    list_filter = ("purpose", "method", "account__state")
    list_select_related = ("dealership", "account", "account__accountposition")
    page_related = (
        "dealership",
        "account",
        "account__line",
        "account__accountposition",
        "account__rate_plan",
    )
    search_fields = ("registration",)
    search_help_text = _("Loan number or registration")
    adding = Entry(
        name="add",
        label=_("New loan"),
        title=_("Open a term loan and pay it out"),
        lead=_(
            "The amount is posted and owed at once, and the instalments get their dates. "
            "A posting is never changed; it can only be reversed."
        ),
        button=_("Open and pay out"),
        done=_("The loan is open and paid out."),
        form_class=LoanForm,
        save=_open,
        refusals=(RefusedError, ValidationError),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Loans with the first day on which something is still open."""
        return super().get_queryset(request).annotate(next_due_on=next_due())

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the whole number or registration."""
        term = search_term.strip()
        if not term:
            return queryset, False
        keys = {
            *Account.objects.filter(number=term.upper(), kind=Account.Kind.LOAN).values_list("pk", flat=True),
            *Loan.objects.filter(registration__in={term, term.upper()}).values_list("pk", flat=True),
        }
        return queryset.filter(pk__in=keys), False

    def name_of(self, row: Any) -> str:
        """Number and title."""
        return str(row.account)

    def row_or_404(self, request: HttpRequest, key: str | int) -> Any:
        """The loan, with what would pay it off today."""
        row = super().row_or_404(request, key)
        access: Access = request.access  # type: ignore[attr-defined]
        know_payoff(row.account, access.business_date)
        return row

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Instalments and what happened."""
        return account_tables(row.account)

    def history_subjects(self, row: Any) -> list[str]:
        return [row.account.number]
