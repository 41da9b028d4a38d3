"""The trail in the finance office: acts on record, and what rows looked like before and after."""

import json
from collections.abc import Sequence
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.core.exceptions import ValidationError
from django.core.validators import validate_ipv46_address
from django.db import connection
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.admin.columns import count, link, moment, text
from accounts.admin.office import OfficeAdmin, Table
from accounts.models import AuditEntry, RowChange, User
from accounts.queries.history import HistoryLine, operation_in_words, table_in_words, written_out


@admin.register(AuditEntry)
class AuditEntryAdmin(OfficeAdmin):
    """Every act: who, when, on what, from where, why. Append-only; the database refuses to change or delete it."""

    has_history = False
    columns = (
        moment("recorded_at", _("When")),
        text("actor_name", _("Who")),
        text("code", _("What")),
        text("subject", _("On what")),
        link("dealership", _("Dealership")),
        text("entrance", _("Entrance")),
        text("address", _("From")),
        text("reason", _("Reason")),
    )
    facts = (
        moment("recorded_at", _("When")),
        link("actor", _("Who"), lambda row: row.actor or row.actor_name),
        text("code", _("What")),
        text("subject", _("On what")),
        link("dealership", _("Dealership")),
        text("entrance", _("Entrance")),
        text("address", _("From")),
        text("reference", _("Request reference")),
        text("reason", _("Reason")),
    )
    list_filter = ("entrance",)
    list_select_related = ("dealership",)
    page_related = ("dealership", "actor")
    search_fields = ("subject",)
    search_help_text = _("The whole of it: what, on what, user name, address or request reference")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By actor, object, address, code or reference, each as a whole."""
        term = search_term.strip()
        if not term:
            return queryset, False
        wanted = Q(subject=term) | Q(code=term) | Q(reference=term.upper())
        actor = User.objects.filter(username=term.lower()).values_list("pk", flat=True).first()
        if actor is not None:
            wanted |= Q(actor_id=actor) | Q(subject=f"user:{term.lower()}")
        try:
            validate_ipv46_address(term)
        except ValidationError:
            pass
        else:
            wanted |= Q(address=term)
        return queryset.filter(wanted), False

    def name_of(self, row: Any) -> str:
        """The act and its object."""
        return f"{row.code} {row.subject}".strip()

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """What the act noted."""
        details = [
            HistoryLine(
                at=row.recorded_at, who=name, what=value if isinstance(value, str) else json.dumps(value)
            )
            for name, value in row.details.items()
        ]
        return [
            Table(
                title=_("Details"),
                columns=(text("who", _("Name")), text("what", _("Value"))),
                rows=details,
                empty=_("None were noted."),
            )
        ]


class WatchedTableFilter(SimpleListFilter):
    """Which table changed; the tables that the database watches."""

    title = _("table")
    parameter_name = "table_name"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The watched tables by the names that people know."""
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE t.tgname = c.relname || '_history' AND NOT t.tgisinternal"
            )
            watched = {name for (name,) in cursor.fetchall()}
        names = {
            model._meta.db_table: str(capfirst(str(model._meta.verbose_name_plural)))
            for model in apps.get_models()
            if model._meta.db_table in watched
        }
        return sorted(names.items(), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Changes of the chosen table."""
        return queryset.filter(table_name=self.value()) if self.value() else queryset


def _fields_changed(row: RowChange) -> str:
    before, after = row.before or {}, row.after or {}
    if row.operation != "update":
        return ""
    return ", ".join(column for column in after if before.get(column) != after[column])


@admin.register(RowChange)
class RowChangeAdmin(OfficeAdmin):
    """What rows were before and after, written by the database, whoever changed them and by whatever way."""

    has_history = False
    columns = (
        moment("recorded_at", _("When")),
        text("table_name", _("Table"), lambda row: table_in_words(row.table_name)),
        count("row_key", _("Row")),
        text("operation", _("What"), lambda row: operation_in_words(row.operation)),
        text("changed", _("Fields"), _fields_changed),
    )
    facts = (
        moment("recorded_at", _("When")),
        text("table_name", _("Table"), lambda row: table_in_words(row.table_name)),
        text("row_key", _("Row")),
        text("operation", _("What"), lambda row: operation_in_words(row.operation)),
    )
    list_filter = (WatchedTableFilter,)
    search_fields = ("row_key",)
    search_help_text = _("Number of the row; choose the table beside")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the row's number."""
        term = search_term.strip()
        if not term:
            return queryset, False
        if not term.isdecimal() or len(term) > 18:
            return queryset.none(), False
        return queryset.filter(row_key=int(term)), False

    def name_of(self, row: Any) -> str:
        """Table, row and what happened."""
        return f"{table_in_words(row.table_name)} {row.row_key}: {operation_in_words(row.operation)}"

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """Each field, old and new."""
        (line,) = written_out([row])
        return [
            Table(
                title=_("By %(who)s") % {"who": line.who},
                columns=(text("label", _("Field")), text("before", _("Before")), text("after", _("After"))),
                rows=line.changes,
                empty=_("No field that is shown here."),
            )
        ]
