"""What falls due, item by item: each money figure of the dashboard leads to a cut of this list."""

import re
from datetime import date, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.permissions import allowed_to
from finance.forms.units import page_number, page_size
from finance.models import DueItem
from finance.queries.falling_due import DueFilters, list_due
from finance.views.paging import CountedPaginator
from finance.views.requests import access_of, address_with, dealership_of

WHEN: Final = {
    "today": _("Owed today"),
    "overdue": _("Overdue"),
    "week": _("Next 7 days"),
    "month": _("Next 30 days"),
    "all": _("Everything open"),
}


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text) else None
    except ValueError:
        return None


def _filters(when: str, on: date | None, kind: str, today: date) -> DueFilters:
    if on is not None:
        return DueFilters(first=on, last=on, kind=kind)
    match when:
        case "overdue":
            return DueFilters(overdue=True, kind=kind)
        case "week":
            return DueFilters(first=today, last=today + timedelta(days=7), kind=kind)
        case "month":
            return DueFilters(first=today, last=today + timedelta(days=30), kind=kind)
        case "all":
            return DueFilters(kind=kind)
    return DueFilters(last=today, kind=kind)


@require_safe
@allowed_to("balances.view")
def due_list(request: HttpRequest) -> HttpResponse:
    """Open items by `when` (a key of WHEN) or `on` one day, of every `kind` or one. Unknown words are ignored."""
    access = access_of(request)
    today = access.business_date
    on = _day(request.GET.get("on", ""))
    when = request.GET.get("when", "")
    when = when if when in WHEN else "today"
    kind = request.GET.get("kind", "")
    kind = kind if kind in DueItem.Kind.values else ""
    size, number = page_size(request.GET), page_number(request.GET)
    totals, rows = list_due(
        dealership_of(request).pk,
        as_of=today,
        filters=_filters(when, on, kind, today),
        limit=size,
        offset=(number - 1) * size,
    )
    context = {
        "chips": [
            {
                "label": label,
                "url": address_with(request, when=key, on=None),
                "current": on is None and key == when,
            }
            for key, label in WHEN.items()
        ],
        "kinds": [
            {"label": label, "url": address_with(request, kind=value or None), "current": value == kind}
            for value, label in [("", _("All kinds")), *DueItem.Kind.choices]
        ],
        "on": on,
        "when": when,
        "totals": totals,
        "page": CountedPaginator(totals.count, size).holding(rows, number),
        "may_pay": access.may("payments.make"),
    }
    return render(request, "finance/due_list.html", context)
