"""Credit lines: what is used and free, and the rules in words."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.permissions import allowed_to
from finance.models import CreditLine
from finance.queries.lines import lines_of, terms_of
from finance.views.requests import access_of, dealership_of


@require_safe
@allowed_to("balances.view")
def line_list(request: HttpRequest) -> HttpResponse:
    """Every line of the dealership on the screen; its floor-plan total is the dashboard's free credit."""
    lines = lines_of(dealership_of(request).pk, as_of=access_of(request).business_date)
    return render(
        request,
        "finance/line_list.html",
        {
            "lines": lines,
            "is_freed": any(line.freed for line in lines),
            "awaited": sum(line.awaited for line in lines if line.state == CreditLine.State.OPEN),
            "totals": [
                {
                    "kind": kind,
                    "count": len(of_kind),
                    "limit": sum(line.limit for line in of_kind),
                    "used": sum(line.used for line in of_kind),
                    "approved": sum(line.approved for line in of_kind),
                    "freed": sum(line.freed for line in of_kind),
                    "free": sum(line.free for line in of_kind),
                }
                for kind in ("floor_plan", "term")
                if (of_kind := [line for line in lines if line.kind == kind])
            ],
        },
    )


@require_safe
@allowed_to("balances.view")
def line_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One line of the dealership on the screen: figures, rules with their dates, rates with their sources."""
    access = access_of(request)
    lines = lines_of(dealership_of(request).pk, as_of=access.business_date)
    line = next((line for line in lines if line.public_id == public_id), None)
    if line is None:
        raise Http404
    rules = terms_of(line.line_id, opened_on=line.opened_on, as_of=access.business_date)
    in_force = next((row for row in rules.terms if row.effective_from <= access.business_date), None)
    rate = next((step for step in rules.rates if step.effective_from <= access.business_date), None)
    context = {"line": line, "rules": rules, "in_force": in_force, "rate": rate}
    return render(request, "finance/line_detail.html", context)
