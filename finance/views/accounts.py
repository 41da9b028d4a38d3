"""The pages of one unit or loan: what it owes and why, its payoff on a day, its lines in the ledger."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.permissions import allowed_to
from finance.forms.payoff import PayoffDayForm
from finance.models import Account, DueItem
from finance.queries.account_page import account_page, calculation_of, ledger_lines, loan_of, unit_of
from finance.queries.positions import running_history
from finance.queries.titles import title_steps
from finance.views.requests import access_of, dealership_of


@require_safe
@allowed_to("balances.view")
def unit_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One unit of the dealership on the screen."""
    unit = unit_of(dealership_of(request).pk, public_id)
    if unit is None:
        raise Http404
    access = access_of(request)
    page = account_page(unit.account, as_of=access.business_date)
    billed = {DueItem.Kind.INTEREST, DueItem.Kind.FEE}
    context: dict[str, Any] = {
        "unit": unit,
        "account": unit.account,
        "page": page,
        "today_figure": next(iter(page.payoffs), None),
        "schedule": [row for row in page.items if row.item.kind not in billed],
        "title": getattr(unit, "title", None),
        "title_steps": title_steps(unit.pk),
        "bills": [row for row in page.items if row.item.kind in billed],
        "payoff_form": PayoffDayForm(lender=access.lender, today=access.business_date),
        "days": (access.business_date - unit.funded_on).days if unit.funded_on else None,
        "may_pay": access.may("payments.make"),
    }
    return render(request, "finance/unit_detail.html", context)


def _payoff(request: HttpRequest, account: Account, context: dict[str, Any]) -> HttpResponse:
    access = access_of(request)
    form = PayoffDayForm(
        request.GET if "on" in request.GET else None, lender=access.lender, today=access.business_date
    )
    day = form.cleaned_data["on"] if form.is_valid() else access.business_date
    page = account_page(account, as_of=access.business_date)
    figures = page.payoffs
    quoted = page.quote.figures if page.quote else ()
    chosen = next((one for one in quoted if one.value_date == day), None)
    context |= {
        "account": account,
        "page": page,
        "form": form if form.is_bound else None,
        "payoff_form": form,
        "figures": figures,
        "figure": next((one for one in figures if one.value_date == day), None),
        "calculation": calculation_of(account, running_history(account), end=day, figure=chosen),
        "may_pay": access.may("payments.make"),
    }
    return render(request, "finance/payoff.html", context)


@require_safe
@allowed_to("balances.view")
def unit_payoff(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What pays a unit off on any of the next 30 days, with its calculation."""
    unit = unit_of(dealership_of(request).pk, public_id)
    if unit is None:
        raise Http404
    return _payoff(request, unit.account, {"unit": unit, "name": str(unit.account.title)})


@require_safe
@allowed_to("balances.view")
def loan_payoff(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What pays a loan off on any of the next 30 days, with its calculation."""
    loan = loan_of(dealership_of(request).pk, public_id)
    if loan is None:
        raise Http404
    return _payoff(request, loan.account, {"loan": loan, "name": str(loan.account.title)})


@require_safe
@allowed_to("balances.view")
def account_ledger(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The journal lines of one unit or loan of the dealership on the screen."""
    account = get_object_or_404(Account, public_id=public_id, dealership=dealership_of(request))
    return render(
        request, "finance/account_ledger.html", {"account": account, "lines": ledger_lines(account)}
    )
