"""Statements of all dealerships, for finance staff: the months, starting one, its progress, what failed and why."""

from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.permissions import allowed_to
from finance.actions.billing import units_to_bill
from finance.actions.refusals import RefusedError
from finance.actions.statements import order_statement_batch, retry_batch, retry_statement
from finance.forms.statements import month_end
from finance.forms.units import page_number
from finance.models import Statement, StatementBatch
from finance.queries.statements.listing import (
    Progress,
    dealerships_of_month,
    first_business_date,
    progress_of,
    statements_of_batch,
)
from finance.views.requests import access_of

MONTHS: Final = 12
"""How many months back statements are offered."""

_PAGE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@allowed_to("statements.produce")
def statement_batch(request: HttpRequest) -> HttpResponse:
    """The months that are over; with `?month=2025-03` what starting that one will do; by POST, start it."""
    today = access_of(request).business_date
    asked = request.POST.get("month") if request.method == "POST" else request.GET.get("month")
    period_end = month_end(asked or "")
    if asked is not None and (period_end is None or period_end not in _months(today)):
        messages.error(request, _("Choose one of the months below."))
        return redirect("finance:statement-batch")
    if period_end is None:
        return render(request, "finance/statement_batches.html", {"months": _overview(today)})
    if request.method == "POST":
        return _start(request, period_end, today)
    return _confirm(request, period_end)


def _start(request: HttpRequest, period_end: date, today: date) -> HttpResponse:
    try:
        batch = order_statement_batch(
            period_end=period_end, business_date=today, actor=access_of(request).user
        )
    except RefusedError as refused:
        messages.error(request, str(refused))
        return redirect("finance:statement-batch")
    return redirect("finance:statement-batch-detail", public_id=batch.public_id)


def _confirm(request: HttpRequest, period_end: date) -> HttpResponse:
    wanted = dealerships_of_month(period_end.replace(day=1), period_end)
    made = Statement.objects.filter(period_end=period_end, dealership_id__in=wanted).count()
    return render(
        request,
        "finance/statement_batch_start.html",
        {
            "month": f"{period_end:%Y-%m}",
            "period_end": period_end,
            "dealerships": len(wanted),
            "existing": made,
            "missing": len(wanted) - made,
            "unbilled": len(units_to_bill(period_end)),
        },
    )


def _months(today: date) -> list[date]:
    """The last days of the months that are over, newest first, as far back as the books go."""
    months: list[date] = []
    end = today.replace(day=1) - timedelta(days=1)
    first = first_business_date()
    while first is not None and len(months) < MONTHS and end >= first:
        months.append(end)
        end = end.replace(day=1) - timedelta(days=1)
    return months


def _overview(today: date) -> list[dict[str, Any]]:
    """Each month with its batch, if it was started, and how far that is."""
    batches = StatementBatch.objects.filter(period_end__in=_months(today))
    progress = {found.batch.period_end: found for found in progress_of(list(batches))}
    return [
        {"period_end": end, "month": f"{end:%Y-%m}", "progress": progress.get(end)} for end in _months(today)
    ]


def _batch_of(public_id: UUID) -> Progress:
    batch = StatementBatch.objects.select_related("ordered_by").filter(public_id=public_id).first()
    if batch is None:
        raise Http404("batch")
    return progress_of([batch])[0]


@require_safe
@allowed_to("statements.produce")
def statement_batch_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One month: progress, what failed and why, and what is made."""
    progress = _batch_of(public_id)
    statements = statements_of_batch(progress.batch)
    context = {
        "progress": progress,
        "failed": list(statements.filter(state=Statement.State.FAILED)[:_PAGE]),
        "page": Paginator(statements, _PAGE).get_page(page_number(request.GET)),
    }
    return render(request, "finance/statement_batch.html", context)


@require_safe
@allowed_to("statements.produce")
def statement_batch_progress(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The progress bar, which asks for itself until nothing waits any more."""
    context = {"progress": _batch_of(public_id), "is_polled": True}
    return render(request, "finance/_statement_batch_progress.html", context)


@require_POST
@allowed_to("statements.produce")
def statement_batch_retry(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Try the failed statements of a batch again: the one that `statement` names, or all."""
    batch = _batch_of(public_id).batch
    user = access_of(request).user
    asked = request.POST.get("statement", "")
    if asked:
        statement = _named(batch, asked)
        tried = int(retry_statement(statement=statement, actor=user))
    else:
        tried = retry_batch(batch=batch, actor=user)
    messages.info(
        request,
        ngettext("%(count)s statement is tried again.", "%(count)s statements are tried again.", tried)
        % {"count": tried},
    )
    return redirect("finance:statement-batch-detail", public_id=public_id)


def _named(batch: StatementBatch, asked: str) -> Statement:
    try:
        return Statement.objects.get(period_end=batch.period_end, public_id=UUID(asked))
    except (ValueError, Statement.DoesNotExist) as error:
        raise Http404("statement") from error
