"""Term loans: the list by contract or vehicle, and the page of one with its schedule."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.permissions import allowed_to
from finance.forms.loans import EarlyPaymentForm, loan_filters
from finance.forms.payoff import PayoffDayForm
from finance.forms.units import page_number, page_size
from finance.models import DueItem, Loan
from finance.queries.account_page import ItemRow, account_page, loan_of
from finance.queries.early_payment import early_payment
from finance.queries.loans import list_loans, loans_by_vehicle
from finance.views.paging import CountedPaginator
from finance.views.requests import access_of, address_with, dealership_of

CHIPS: Final = {"open": _("Open"), "overdue": _("Overdue"), "closed": _("Paid off"), "all": _("All")}


@require_safe
@allowed_to("balances.view")
def loan_list(request: HttpRequest) -> HttpResponse:
    """The loans of the dealership on the screen, a page at a time; with `by=vehicle` summed per vehicle."""
    access = access_of(request)
    filters = loan_filters(request.GET)
    size, number = page_size(request.GET), page_number(request.GET)
    totals, rows = list_loans(
        dealership_of(request).pk,
        as_of=access.business_date,
        filters=filters,
        limit=size,
        offset=(number - 1) * size,
    )
    by_vehicle = request.GET.get("by") == "vehicle"
    context: dict[str, Any] = {
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
        "views": [
            {"label": _("By contract"), "url": address_with(request, by=None), "current": not by_vehicle},
            {"label": _("By vehicle"), "url": address_with(request, by="vehicle"), "current": by_vehicle},
        ],
        "totals": totals,
        "page": CountedPaginator(totals.count, size).holding(rows, number),
        "vehicles": loans_by_vehicle(dealership_of(request).pk, as_of=access.business_date, filters=filters)
        if by_vehicle
        else None,
        "may_pay": access.may("payments.make"),
    }
    return render(request, "finance/loan_list.html", context)


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """An instalment with the balance after it. `adjusted`: its payment differs from the regular instalment."""

    row: ItemRow
    balance: Decimal
    adjusted: bool


@require_safe
@allowed_to("balances.view")
def loan_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One loan of the dealership on the screen; `amount` asks what paying that today would change."""
    loan = loan_of(dealership_of(request).pk, public_id)
    if loan is None:
        raise Http404
    access = access_of(request)
    page = account_page(loan.account, as_of=access.business_date)
    asked = "amount" in request.GET
    form = EarlyPaymentForm(request.GET if asked else None, lender=access.lender, payoff=page.payoff)
    amount = form.cleaned_data["amount"] if form.is_valid() else None
    principal_items = [
        row for row in page.items if row.item.principal or row.item.kind == DueItem.Kind.INSTALMENT
    ]
    context: dict[str, Any] = {
        "loan": loan,
        "account": loan.account,
        "page": page,
        "today_figure": next(iter(page.payoffs), None),
        "schedule": _schedule(loan, principal_items),
        "bills": [row for row in page.items if row not in principal_items],
        "form": form if asked else None,
        "amount_form": form,
        "amount": amount,
        "effect": early_payment(loan.account_id, amount, access.business_date)
        if amount is not None
        else None,
        "payoff_form": PayoffDayForm(lender=access.lender, today=access.business_date),
        "may_pay": access.may("payments.make"),
    }
    return render(request, "finance/loan_detail.html", context)


def _schedule(loan: Loan, items: list[ItemRow]) -> list[ScheduleRow]:
    """The items that hold the loan's principal, with the balance after each; the last one ends at 0.00."""
    balance, rows = loan.amount, []
    for row in sorted(items, key=lambda row: (row.item.due_on, row.item.number)):
        balance -= row.item.principal
        adjusted = row.item.kind != DueItem.Kind.INSTALMENT or row.amount != loan.instalment
        rows.append(ScheduleRow(row, balance, adjusted))
    return rows
