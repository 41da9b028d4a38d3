"""Statements: a dealership's own, as page, PDF and CSV."""

import hashlib
import logging
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.models import User
from accounts.permissions import allowed_to
from finance.forms.units import page_number
from finance.models import Statement
from finance.queries.statements.kept import from_json
from finance.queries.statements.listing import statements_of
from finance.queries.statements.printing import printed
from finance.queries.statements.sheet import HEAD, sheet_rows
from finance.views.csv_files import csv_response
from finance.views.requests import access_of, dealership_of

logger = logging.getLogger(__name__)

_PAGE = 24
_BARS = 3
State = Statement.State


def _statement_of(request: HttpRequest, public_id: UUID) -> Statement:
    """A statement of the dealership on the screen, or, for finance staff, of any dealership of the lender."""
    statements = Statement.objects.select_related("dealership").filter(public_id=public_id)
    if access_of(request).kind == User.Kind.DEALER:
        statements = statements.filter(dealership=dealership_of(request))
    statement = statements.first()
    if statement is None:
        raise Http404("statement")
    return statement


@require_safe
@allowed_to("statements.view")
def statement_list(request: HttpRequest) -> HttpResponse:
    """The dealership's statements, newest first. Finance staff have a page of months instead."""
    if access_of(request).kind != User.Kind.DEALER:
        return redirect("finance:statement-batch")
    paginator = Paginator(statements_of(dealership_of(request).pk), _PAGE)
    page = paginator.get_page(page_number(request.GET))
    # Each bar asks for itself, so that there are few; the table says the same of all.
    waiting = [statement for statement in page if statement.state == State.WAITING][:_BARS]
    return render(request, "finance/statement_list.html", {"page": page, "waiting": waiting})


@require_safe
@allowed_to("statements.view")
def statement_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One statement with everything that its PDF says, or how far it is."""
    statement = _statement_of(request, public_id)
    access = access_of(request)
    context: dict[str, Any] = {
        "statement": statement,
        "may_open_accounts": access.may("balances.view"),
        "may_pay": access.may("payments.make"),
    }
    if statement.state == State.READY:
        content = from_json(statement.content)
        context |= {"content": content, "shown": printed(content, locale=access.lender.locale)}
    return render(request, "finance/statement_detail.html", context)


@require_safe
@allowed_to("statements.view")
def statement_progress(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The part of a page that says how far a statement is; it asks for itself until the statement is there."""
    return render(
        request, "finance/_statement_progress.html", {"statement": _statement_of(request, public_id)}
    )


@require_safe
@allowed_to("statements.view")
def statement_pdf(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The printed statement, as it was stored; a file that is not what was stored is not handed out."""
    statement = _statement_of(request, public_id)
    if statement.state != State.READY:
        raise Http404("not ready")
    pdf = _stored_file(statement)
    if pdf is None:
        logger.error("A statement's file is missing or changed", extra={"statement": statement.number})
        messages.error(
            request, _("The PDF cannot be read just now. All of it is on this page; we see to the file.")
        )
        return redirect("finance:statement-detail", public_id=public_id)
    response = HttpResponse(pdf, content_type="application/pdf")
    response["Content-Disposition"] = f'attachment; filename="{_file_name(statement)}.pdf"'
    return response


@require_safe
@allowed_to("statements.view")
def statement_csv(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The statement's lines as CSV: the same numbers."""
    statement = _statement_of(request, public_id)
    if statement.state != State.READY:
        raise Http404("not ready")
    return csv_response(f"{_file_name(statement)}.csv", HEAD, sheet_rows(from_json(statement.content)))


def _stored_file(statement: Statement) -> bytes | None:
    """The file as it was stored; None when it is lost, or is no longer what was stored."""
    try:
        with statement.pdf.open("rb") as file:
            pdf: bytes = file.read()
    except OSError:
        return None
    return pdf if hashlib.sha256(pdf).hexdigest() == statement.pdf_sha256 else None


def _file_name(statement: Statement) -> str:
    return f"statement-{statement.period_end:%Y-%m}-{statement.number}"
