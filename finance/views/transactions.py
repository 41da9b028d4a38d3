"""The history of what was posted, filtered, and as a CSV file with its running balance."""

from datetime import date, timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.permissions import allowed_to
from finance.forms.units import page_number, page_size, plain_text
from finance.models import AccountEvent
from finance.queries.transactions import TransactionFilters, list_transactions, transaction_totals
from finance.views.csv_files import Cell, csv_response
from finance.views.paging import CountedPaginator
from finance.views.requests import access_of, address_with, dealership_of

WHEN: Final = {
    "month": _("This month"),
    "last": _("Last month"),
    "quarter": _("Last 90 days"),
    "all": _("Everything"),
}


def _when(query: QueryDict) -> str:
    asked = query.get("when", "")
    return asked if asked in WHEN else "quarter"


def _filters(query: QueryDict, today: date) -> TransactionFilters:
    first: date | None
    last: date | None = None
    match _when(query):
        case "month":
            first = today.replace(day=1)
        case "last":
            last = today.replace(day=1) - timedelta(days=1)
            first = last.replace(day=1)
        case "quarter":
            first = today - timedelta(days=90)
        case _:
            first = None
    kind = query.get("kind", "")
    kind = kind if kind in AccountEvent.Kind.values else ""
    return TransactionFilters(first, last, kind, plain_text(query.get("q", "")))


@require_safe
@allowed_to("balances.view")
def transaction_list(request: HttpRequest) -> HttpResponse:
    """What was posted by `when` (a key of WHEN), `kind` and the accounts that `q` finds; unknown words are ignored."""
    dealership, filters = dealership_of(request).pk, _filters(request.GET, access_of(request).business_date)
    totals = transaction_totals(dealership, filters)
    size = page_size(request.GET)
    paginator = CountedPaginator(totals.count, size)
    number = min(page_number(request.GET), paginator.num_pages)
    rows = list_transactions(dealership, filters, limit=size, offset=(number - 1) * size)
    context = {
        "chips": [
            {"label": label, "url": address_with(request, when=key), "current": key == _when(request.GET)}
            for key, label in WHEN.items()
        ],
        "kinds": [
            {
                "label": label,
                "url": address_with(request, kind=value or None),
                "current": value == filters.kind,
            }
            for value, label in [("", _("All kinds")), *AccountEvent.Kind.choices]
        ],
        "filters": filters,
        "totals": totals,
        "page": paginator.holding(rows, number),
        "export_query": address_with(request).removeprefix("?"),
    }
    return render(request, "finance/transaction_list.html", context)


@require_safe
@allowed_to("balances.view")
def transaction_export(request: HttpRequest) -> HttpResponse:
    """The list as the address filters it, every page of it, oldest first, as CSV."""
    access = access_of(request)
    filters = _filters(request.GET, access.business_date)
    rows = list_transactions(dealership_of(request).pk, filters, limit=None, oldest_first=True)
    head: list[Cell] = [
        gettext("Transaction"),
        gettext("Entry"),
        gettext("Booked"),
        gettext("Value date"),
        gettext("Kind"),
        gettext("Text"),
        gettext("Account"),
        gettext("Title"),
        gettext("Principal"),
        gettext("Interest"),
        gettext("Interest billed and paid at once"),
        gettext("Fees"),
        gettext("Credit"),
        gettext("Change"),
        gettext("Balance"),
        gettext("Currency"),
    ]
    body: list[list[Cell]] = [
        [
            row.id,
            row.entry_id,
            row.booked_on,
            row.value_on,
            str(row.kind_label),
            row.description,
            row.number,
            row.title,
            row.principal,
            row.interest,
            row.billed_at_once,
            row.fees,
            row.credit,
            row.change,
            row.balance,
            access.lender.currency,
        ]
        for row in rows
    ]
    return csv_response(f"transactions-{access.business_date.isoformat()}.csv", head, body)
