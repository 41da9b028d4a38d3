"""The list of units: filters, search, a pasted list, the whole set as CSV."""

from dataclasses import replace
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.permissions import allowed_to
from finance.forms.units import PAGE_SIZES, PastedListForm, page_number, page_size, unit_filters
from finance.models import Unit, VehicleTitle
from finance.queries.units import Match, UnitFilters, UnitRow, horizon_of, list_units, match_units
from finance.views.csv_files import Cell, csv_response
from finance.views.paging import CountedPaginator
from finance.views.requests import access_of, address_with, dealership_of

CHIPS: Final = {
    "live": _("Live"),
    "week": _("Due in 7 days"),
    "overdue": _("Overdue"),
    "sold": _("Sold, unpaid"),
    "requested": _("Requested"),
    "paid": _("Paid off"),
    "all": _("All"),
}


def _pasted(
    request: HttpRequest, filters: UnitFilters
) -> tuple[PastedListForm | None, list[Match], UnitFilters]:
    """The pasted list of the address, what its entries found, and the filters narrowed to that."""
    if "vins" not in request.GET:
        return None, [], filters
    form = PastedListForm(request.GET)
    if not form.is_valid():
        return form, [], filters
    matches = match_units(dealership_of(request).pk, form.cleaned_data["vins"])
    accounts = dict.fromkeys(unit.account_id for match in matches for unit in match.units)
    return form, matches, replace(filters, accounts=tuple(accounts))


@require_safe
@allowed_to("balances.view")
def unit_list(request: HttpRequest) -> HttpResponse:
    """Every unit of the dealership on the screen that the address asks for, a page at a time."""
    access = access_of(request)
    form, matches, filters = _pasted(request, unit_filters(request.GET))
    size, number = page_size(request.GET), page_number(request.GET)
    totals, rows = list_units(
        dealership_of(request).pk,
        as_of=access.business_date,
        filters=filters,
        limit=size,
        offset=(number - 1) * size,
    )
    context: dict[str, Any] = {
        "form": form,
        "paste_form": form or PastedListForm(),
        "matches": matches,
        "missing": [match for match in matches if not match.units],
        "ambiguous": [match for match in matches if len(match.units) > 1],
        "filters": filters,
        "sort": filters.sort,
        "chips": [
            {
                "label": label,
                "url": address_with(request, show=shown),
                "current": shown == filters.shown,
                "count": totals.counts[shown],
            }
            for shown, label in CHIPS.items()
        ],
        "kinds": [
            {
                "label": label,
                "url": address_with(request, kind=kind or None),
                "current": filters.condition == kind,
            }
            for kind, label in [("", _("New and used")), *Unit.Condition.choices]
        ],
        "titles": [
            {
                "label": label,
                "url": address_with(request, title=title or None),
                "current": filters.title == title,
            }
            for title, label in [("", _("Any title")), *VehicleTitle.State.choices]
        ],
        "sizes": [
            {"label": one, "url": address_with(request, per=str(one)), "current": one == size}
            for one in PAGE_SIZES
        ],
        "totals": totals,
        "page": CountedPaginator(totals.count, size).holding(rows, number),
        "horizon": horizon_of(filters.shown, access.business_date),
        "may_pay": access.may("payments.make"),
        "is_narrowed": bool(filters.text or filters.condition or filters.title or form),
        "export_query": request.GET.urlencode(),
    }
    return render(request, "finance/unit_list.html", context)


@require_safe
@allowed_to("balances.view")
def unit_export(request: HttpRequest) -> HttpResponse:
    """The list as the address filters and sorts it, every page of it, as CSV with its total and what it shows."""
    access = access_of(request)
    _form, _matches, filters = _pasted(request, unit_filters(request.GET))
    today = access.business_date
    totals, rows = list_units(dealership_of(request).pk, as_of=today, filters=filters, limit=None)
    currency = access.lender.currency
    head: list[Cell] = [
        gettext("VIN"),
        gettext("Last six"),
        gettext("Stock number"),
        gettext("Year"),
        gettext("Make"),
        gettext("Model"),
        gettext("Kind"),
        gettext("State"),
        gettext("Floored on"),
        gettext("Days"),
        gettext("Next due"),
        gettext("Due by %(day)s") % {"day": horizon_of(filters.shown, today).isoformat()},
        gettext("Principal"),
        gettext("Interest not billed"),
        gettext("Interest billed"),
        gettext("Fees"),
        gettext("Credit"),
        gettext("Payoff %(day)s") % {"day": today.isoformat()},
        gettext("Title"),
        gettext("Title since"),
        gettext("Currency"),
    ]
    body = [_export_row(row, currency) for row in rows]
    total: list[Cell] = [""] * len(head)
    total[0], total[11], total[12], total[17], total[-1] = (
        gettext("Total of %(count)s units") % {"count": totals.count},
        totals.due,
        totals.principal,
        totals.payoff,
        currency,
    )
    shown = str(CHIPS[filters.shown])
    if filters.text:
        shown += f"; {gettext('Search')}: {filters.text}"
    if filters.condition:
        shown += f"; {Unit.Condition(filters.condition).label}"
    if filters.title:
        shown += f"; {gettext('Title')}: {VehicleTitle.State(filters.title).label}"
    if filters.accounts is not None:
        shown += f"; {gettext('Your list')}"
    view: list[Cell] = [gettext("View"), shown, gettext("as of"), today]
    return csv_response(f"units-{today.isoformat()}.csv", head, [*body, total, view])


def _export_row(row: UnitRow, currency: str) -> list[Cell]:
    return [
        row.vin,
        row.vin_tail,
        row.stock_number,
        row.model_year,
        row.make,
        row.model,
        str(Unit.Condition(row.condition).label),
        str(Unit.State(row.state).label),
        row.funded_on,
        row.days,
        row.next_due_on,
        row.due,
        row.principal,
        row.accrued,
        row.billed_interest,
        row.fees,
        row.credit,
        row.payoff,
        str(VehicleTitle.State(row.title_state).label) if row.title_state else "",
        row.title_since,
        currency,
    ]
