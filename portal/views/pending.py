"""Payments on their way to one unit or loan, as a part of its page."""

from typing import cast
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts.permissions import Access, allowed_to
from finance.models import Account
from payments.queries.pending import NOTHING, pending_of


@require_safe
@allowed_to("payments.view")
def account_pending(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What is submitted and not yet settled for an account of the dealership on the screen.

    htmx puts the part into the account's page; without scripts it is a page of its own.
    """
    access = cast(Access, request.access)  # type: ignore[attr-defined]
    account = get_object_or_404(Account, public_id=public_id, dealership=access.dealership)
    pending = pending_of([account.pk]).get(account.pk, NOTHING)
    template = (
        "portal/_account_pending.html" if request.headers.get("HX-Request") else "portal/account_pending.html"
    )
    return render(request, template, {"account": account, "pending": pending})
