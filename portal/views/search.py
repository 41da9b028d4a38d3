"""The search field of the frame: a number that belongs to one thing opens it, anything else lists what matches."""

from typing import Final, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.permissions import Access, allowed_to
from finance.forms.units import plain_text
from finance.queries.units import UnitFilters, list_units
from portal.queries.search import Hit, find

KINDS: Final = {
    "unit": ("finance:unit-detail", _("Unit")),
    "loan": ("finance:loan-detail", _("Loan")),
    "payment": ("payments:receipt", _("Payment")),
    "statement": ("finance:statement-pdf", _("Statement")),
    "ticket": ("support:ticket-detail", _("Ticket")),
    "queue-ticket": ("support:queue-ticket", _("Ticket")),
}

UNITS_SHOWN: Final = 10


def _address(hit: Hit) -> str:
    return reverse(KINDS[hit.kind][0], args=[hit.public_id])


@require_safe
@allowed_to("tickets.view")
def search(request: HttpRequest) -> HttpResponse:
    """Look up `q`. One exact hit is opened; several, or words, are listed with what else they match."""
    access = cast(Access, request.access)  # type: ignore[attr-defined]
    text = plain_text(request.GET.get("q", ""))
    hits = find(access, text) if text else []
    exact = [hit for hit in hits if hit.is_exact]
    if len(exact) == 1:
        return redirect(_address(exact[0]))
    context = {
        "text": text,
        "hits": [{"hit": hit, "kind": KINDS[hit.kind][1], "url": _address(hit)} for hit in hits],
        "units": [],
        "unit_count": 0,
    }
    if text and access.dealership is not None and access.may("balances.view"):
        totals, units = list_units(
            access.dealership.pk,
            as_of=access.business_date,
            filters=UnitFilters(shown="all", text=text),
            limit=UNITS_SHOWN,
        )
        found = {hit.public_id for hit in hits}
        context |= {
            "units": [unit for unit in units if unit.public_id not in found],
            "unit_count": totals.count,
        }
    return render(request, "portal/search.html", context)
