"""The books in the finance office, to look at: entries, their lines, the chart."""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.admin.columns import choice, day, link, moment, money, text
from accounts.admin.office import OfficeAdmin, Table
from finance.models import Account, JournalEntry, JournalLine, LedgerAccount

_SOURCES = {
    "advance": _("Advance"),
    "fee": _("Fee"),
    "interest": _("Interest"),
    "instalment": _("Instalment"),
    "payment": _("Payment"),
    "reversal": _("Reversal"),
    "adjustment": _("Adjustment"),
    "opening": _("Opening balance"),
}


def _source(row: JournalEntry) -> str:
    return str(_SOURCES.get(row.source, row.source))


class SourceFilter(admin.SimpleListFilter):
    """Entries by what caused them."""

    title = _("source")
    parameter_name = "source"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The causes that there are."""
        return list(_SOURCES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Entries of the chosen cause."""
        return queryset.filter(source=self.value()) if self.value() else queryset


@admin.register(JournalEntry)
class JournalEntryAdmin(OfficeAdmin):
    """Every posting. The database refuses to change or delete one; a wrong one is reversed by a linked entry."""

    lead = _(
        "Entries are never changed or deleted. What was wrong is reversed by an entry that is linked to it."
    )
    columns = (
        text("id", _("Entry")),
        day("business_date", _("Posted on"), order="business_date"),
        day("effective_on", _("Value date")),
        text("source", _("Source"), _source),
        text("description", _("Description")),
        link("dealership", _("Dealership")),
        link(
            "reverses",
            _("Reverses"),
            lambda row: (row.reverses, f"{row.reverses_id}") if row.reverses_id else None,
        ),
        text("actor", _("By"), lambda row: row.actor or "Forecourt"),
    )
    facts = (
        day("business_date", _("Posted on")),
        day("effective_on", _("Value date")),
        text("source", _("Source"), _source),
        text("key", _("Key")),
        text("description", _("Description")),
        link("dealership", _("Dealership")),
        link("actor", _("By"), lambda row: row.actor or ""),
        moment("recorded_at", _("Recorded")),
        link("reverses", _("Reverses")),
    )
    list_filter = (SourceFilter,)
    date_hierarchy = "business_date"
    list_select_related = ("dealership", "actor", "reverses")
    page_related = ("dealership", "actor", "reverses")
    search_fields = ("key",)
    search_help_text = _("Number of the entry, or its key, such as a payment's number")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the entry's number or its whole key with any of the known sources."""
        term = search_term.strip()
        if not term:
            return queryset, False
        # The source stands before the key in the index, so every source is asked for by name.
        keys = set(JournalEntry.objects.filter(source__in=[*_SOURCES], key=term).values_list("pk", flat=True))
        if term.isdecimal() and len(term) <= 18:
            keys.add(int(term))
        return queryset.filter(pk__in=keys), False

    def notices(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """Whether it was reversed."""
        reversal = JournalEntry.objects.filter(reverses=row).first()
        if reversal is None:
            return []
        return [("warning", _now("Reversed by entry %(entry)s.") % {"entry": reversal})]

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Its lines, and the entry that reverses it."""
        lines = (
            JournalLine.objects.filter(entry=row)
            .select_related("ledger_account", "account")
            .order_by("pk")[:500]
        )
        return [
            Table(
                title=_("Lines"),
                columns=(
                    link("ledger_account", _("Ledger account")),
                    link("account", _("Unit or loan")),
                    money("debit", _("Debit"), lambda line: line.debit or None),
                    money("credit", _("Credit"), lambda line: line.credit or None),
                ),
                rows=lines,
                url=f"{reverse('admin:finance_journalline_changelist')}?entry__id__exact={row.pk}",
                url_label=_("These lines as a list with their totals"),
            ),
            Table(
                title=_("Reversed by"),
                columns=(
                    link("entry", _("Entry"), lambda entry: entry),
                    day("business_date", _("Posted on")),
                    text("description", _("Description")),
                ),
                rows=JournalEntry.objects.filter(reverses=row),
                empty=_("It was not reversed."),
            ),
        ]


@admin.register(JournalLine)
class JournalLineAdmin(OfficeAdmin):
    """The sides of the entries."""

    has_history = False
    columns = (
        text("id", _("Line")),
        link("entry", _("Entry")),
        day("business_date", _("Posted on"), "entry.business_date"),
        link("ledger_account", _("Ledger account")),
        link("account", _("Unit or loan")),
        money("debit", _("Debit"), lambda line: line.debit or None),
        money("credit", _("Credit"), lambda line: line.credit or None),
    )
    totals = ((_("Debit"), Sum("debit")), (_("Credit"), Sum("credit")))
    list_filter = ("ledger_account",)
    list_select_related = ("entry", "ledger_account", "account")
    page_related = ("entry", "ledger_account", "account")
    search_fields = ("account__number",)
    search_help_text = _("The whole number of the unit or loan")

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
        """Entry and ledger account."""
        return f"{row.entry}, {row.ledger_account}"


@admin.register(LedgerAccount)
class LedgerAccountAdmin(OfficeAdmin):
    """The chart."""

    columns = (text("code", _("Code"), order="code"), text("name", _("Name")), choice("kind", _("Kind")))
    facts = (
        text("code", _("Code")),
        choice("kind", _("Kind")),
        money("debit", _("Debit in all"), "sums.debit"),
        money("credit", _("Credit in all"), "sums.credit"),
        money("balance", _("Debit less credit"), "sums.balance"),
    )
    list_filter = ("kind",)
    ordering = ("code", "pk")

    def row_or_404(self, request: HttpRequest, key: str | int) -> Any:
        """The account with what was posted on it."""
        row = super().row_or_404(request, key)
        row.sums = _Sums(row)
        return row

    def links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """Its postings."""
        address = reverse("admin:finance_journalline_changelist")
        return [(_now("Lines on this account"), f"{address}?ledger_account__id__exact={row.pk}")]


class _Sums:
    """What was posted on a ledger account."""

    def __init__(self, account: LedgerAccount) -> None:
        sums = JournalLine.objects.filter(ledger_account=account).aggregate(
            debit=Sum("debit"), credit=Sum("credit")
        )
        self.debit = sums["debit"] or 0
        self.credit = sums["credit"] or 0
        self.balance = self.debit - self.credit
