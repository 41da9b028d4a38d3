"""The page of a row, which only shows, and the page of its history."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.admin.columns import Column
from accounts.admin.office.base import OfficeBase
from accounts.queries.history import MOST_LINES, history_of


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that belong to the row on the page. `url` leads to the whole list where the page shows its beginning."""

    title: Promise | str
    columns: Sequence[Column]
    rows: Iterable[Any]
    empty: Promise | str = ""
    url: str = ""
    url_label: Promise | str = ""


class OfficePages(OfficeBase):
    """One row with its facts and tables, the ways to what can be done with it, and what was done."""

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """What else the page shows."""
        return ()

    def notices(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """Sentences at the head of the page, each with its tone (`warning`, `error`, `info`)."""
        return ()

    def links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """Ways to other lists about this row: words and address."""
        return ()

    def history_rows(self, row: Any) -> dict[type[models.Model], list[int]]:
        """The rows whose changes are this row's history."""
        return {self.model: [row.pk]}

    def history_subjects(self, row: Any) -> list[str]:
        """What the audit trail calls this row."""
        return []

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one row. There is nothing to save here, so a POST is refused."""
        if request.method != "GET":
            raise PermissionDenied
        row = self.row_or_404(request, unquote(object_id))
        writer = self.writer(request)
        shown = [
            (column.label, writer.write(column, row), column.kind) for column in self.facts or self.columns
        ]
        tables = [
            {
                "title": table.title,
                "heads": [(column.label, column.is_figure) for column in table.columns],
                "rows": [
                    [(writer.write(column, line), column.is_figure) for column in table.columns]
                    for line in table.rows
                ],
                "empty": table.empty,
                "url": table.url,
                "url_label": table.url_label,
            }
            for table in self.tables(request, row)
        ]
        return self.draw_page(
            request,
            "admin/office_page.html",
            {
                "title": self.name_of(row),
                "key": row.pk,
                "facts": shown,
                "tables": tables,
                "notices": self.notices(request, row),
                "links": self.links(request, row),
                "acts": [(act, self.address("act", act.name)) for act in self.acts if not act.why_not(row)],
                "entries": [
                    (entry, self.address("form", row.pk, entry.name))
                    for entry in self.entries
                    if entry.fits(row)
                ],
                "history_url": self.address("history", quote(row.pk)) if self.has_history else "",
            },
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Every change of the row, by whom, old and new, and the acts on record."""
        row = self.row_or_404(request, unquote(object_id))
        lines = history_of(self.history_rows(row), self.history_subjects(row))
        return self.draw_page(
            request,
            "admin/office_history.html",
            {
                "title": _("History of %(row)s") % {"row": self.name_of(row)},
                "row": self.name_of(row),
                "row_url": self.address("change", quote(row.pk)),
                "lines": lines,
                "is_cut": len(lines) >= MOST_LINES,
            },
        )
