"""The list of a table: what it adds up to, and the acts that begin from chosen rows."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from accounts.admin.acts import MOST_ROWS, Act
from accounts.admin.office.acts import OfficeActs
from accounts.admin.office.base import CHOSEN


class OfficeLists(OfficeActs):
    """Django's list with its filters, search, paging and selection, in the office's columns."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The columns, bound to the lender of the request."""
        writer = self.writer(request)
        return [writer.for_list(column) for column in self.columns]

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """Whatever column names what it is sorted by."""
        return None

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with what it adds up to and the way to a new row."""
        if request.method == "POST" and len(self.chosen_keys(request)) != len(request.POST.getlist(CHOSEN)):
            # Django would look for the keys as they came, and a word among them is no key.
            messages.warning(request, _("Choose at least one row first."))
            return HttpResponseRedirect(request.get_full_path())
        response = super().changelist_view(
            request,
            {
                "title": self.list_name,
                "subtitle": None,
                "lead": self.lead,
                "adding": self.adding,
                **(extra_context or {}),
            },
        )
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            self._add_up(context["cl"], context)
        return response

    def _add_up(self, listed: Any, context: dict[str, Any]) -> None:
        """Totals of the whole list as filtered, not of the page; only of a list that somebody has narrowed."""
        if not self.totals or not listed.result_count:
            return
        if not (listed.query or listed.get_filters_params()):
            return
        sums = listed.queryset.order_by().aggregate(
            **{f"total_{place}": expression for place, (_label, expression) in enumerate(self.totals)}
        )
        context["list_totals"] = [
            (label, sums[f"total_{place}"] or Decimal(0))
            for place, (label, _expression) in enumerate(self.totals)
        ]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The acts, and nothing of Django's own."""
        if IS_POPUP_VAR in request.GET or not self.has_view_permission(request):
            return {}
        return {act.name: (_open_act(act), act.name, act.label) for act in self.acts}


def _open_act(act: Act) -> Callable[[OfficeLists, HttpRequest, QuerySet[Any]], HttpResponse]:
    """The act as Django's lists start it."""

    def start(office: OfficeLists, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST_ROWS + 1])
        return office.run_act(request, act, office.get_page_queryset(request).filter(pk__in=keys))

    return start
