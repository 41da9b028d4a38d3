"""Accounts and what falls due on them, to look at."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.columns import choice, day, link, money, state, text
from accounts.admin.office import OfficeAdmin, Table
from accounts.permissions import Access
from finance.admin.parts import IS_OPEN, OPEN, POSITION, account_tables, balance, know_payoff
from finance.models import Account, DueItem, Loan, Unit


def _thing(account: Account) -> tuple[Any, str] | None:
    thing = getattr(account, "unit", None) or getattr(account, "loan", None)
    return (thing, account.title) if thing else None


@admin.register(Account)
class AccountAdmin(OfficeAdmin):
    """Everything that owes, units and loans alike. Only postings change it."""

    columns = (
        text("number", _("Number")),
        text("title", _("Title")),
        link("dealership", _("Dealership"), order="dealership__name"),
        choice("kind", _("Kind")),
        state("state", _("State")),
        money("principal", _("Principal"), "accountposition.principal"),
        money("billed_interest", _("Billed interest"), "accountposition.billed_interest"),
        money("fees", _("Fees"), "accountposition.fees"),
        money("balance", _("Owed, as posted"), lambda row: balance(getattr(row, "accountposition", None))),
    )
    facts = (
        text("number", _("Number")),
        text("title", _("Title")),
        choice("kind", _("Kind")),
        link("what", _("Unit or loan"), _thing),
        link("dealership", _("Dealership")),
        link("line", _("Line")),
        link("rate_plan", _("Rate plan")),
        state("state", _("State")),
        day("opened_on", _("Interest starts")),
        day("closed_on", _("Closed")),
        *POSITION,
    )
    totals = (
        (_("Principal"), Sum("accountposition__principal")),
        (_("Billed interest"), Sum("accountposition__billed_interest")),
        (_("Fees"), Sum("accountposition__fees")),
        (_("Credit"), Sum("accountposition__credit")),
    )
    list_filter = ("kind", "state")
    list_select_related = ("dealership", "accountposition")
    page_related = ("dealership", "line", "rate_plan", "accountposition", "unit", "loan")
    search_fields = ("number",)
    search_help_text = _("The whole number")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the whole number."""
        term = search_term.strip().upper()
        return (queryset.filter(number=term) if term else queryset), False

    def row_or_404(self, request: HttpRequest, key: str | int) -> Any:
        """The account, with what would pay it off today."""
        row = super().row_or_404(request, key)
        access: Access = request.access  # type: ignore[attr-defined]
        know_payoff(row, access.business_date)
        return row

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """What falls due and what happened."""
        return account_tables(row)

    def history_rows(self, row: Any) -> dict[Any, list[int]]:
        """Its unit or loan has the same key."""
        return {Unit: [row.pk]} if row.kind == Account.Kind.UNIT else {Loan: [row.pk]}

    def history_subjects(self, row: Any) -> list[str]:
        unit = getattr(row, "unit", None)
        return [row.number, f"{row.number} {unit.vin}"] if unit else [row.number]


class DueFilter(SimpleListFilter):
    """Open due items by how near they are, seen from the business date."""

    title = _("when")
    parameter_name = "when"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The three questions that people ask."""
        return [
            ("overdue", _("Past due")),
            ("today", _("Due today")),
            ("week", _("Due in seven days")),
            ("open", _("Open")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The chosen items."""
        access: Access = request.access  # type: ignore[attr-defined]
        today = access.business_date
        match self.value():
            case "overdue":
                return queryset.filter(IS_OPEN, due_on__lt=today)
            case "today":
                return queryset.filter(IS_OPEN, due_on=today)
            case "week":
                return queryset.filter(IS_OPEN, due_on__range=(today, today + timedelta(days=7)))
            case "open":
                return queryset.filter(IS_OPEN)
        return queryset


@admin.register(DueItem)
class DueItemAdmin(OfficeAdmin):
    """What falls due, on which day, and how much of it is still open."""

    has_history = False
    columns = (
        day("due_on", _("Due"), order="due_on"),
        choice("kind", _("What")),
        link("account", _("Unit or loan")),
        link("dealership", _("Dealership")),
        money("principal", _("Principal"), "outstanding_principal"),
        money("interest", _("Interest"), "outstanding_interest"),
        money("fees", _("Fees"), "outstanding_fees"),
        money("open", _("Open")),
    )
    facts = (
        link("account", _("Unit or loan")),
        link("dealership", _("Dealership")),
        choice("kind", _("What")),
        day("billed_on", _("Billed")),
        day("due_on", _("Due")),
        day("grace_until", _("Grace until")),
        money("principal", _("Principal")),
        money("interest", _("Interest")),
        money("fees", _("Fees")),
        money("open", _("Open")),
        text("rule", _("Rule")),
    )
    totals = (
        (_("Principal"), Sum("outstanding_principal")),
        (_("Interest"), Sum("outstanding_interest")),
        (_("Fees"), Sum("outstanding_fees")),
        (_("Open"), Sum(OPEN)),
    )
    list_filter = (DueFilter, "kind")
    list_select_related = ("account", "dealership")
    page_related = ("account", "dealership")
    search_fields = ("account__number",)
    search_help_text = _("The whole number of the unit or loan")

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """By day where few are asked for; of all there are, which no index has by day, the latest first."""
        return ("due_on", "pk") if request.GET.get("when") else ("-pk",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Items with what is still open of them."""
        return super().get_queryset(request).annotate(open=OPEN)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the whole number of the account."""
        term = search_term.strip().upper()
        if not term:
            return queryset, False
        keys = list(Account.objects.filter(number=term).values_list("pk", flat=True))
        return queryset.filter(account_id__in=keys), False

    def name_of(self, row: Any) -> str:
        """What, of what, and when."""
        return f"{row.get_kind_display()}, {row.account}"
