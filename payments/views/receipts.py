"""A payment: its receipt, its PDF, cancelling it."""

import logging
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import allowed_to
from finance.views.requests import access_of, dealership_of
from payments.actions.errors import PaymentRefusedError
from payments.actions.states import cancel_payment
from payments.models import Payment, PaymentReceipt
from payments.queries.receipts import newest_receipt, receipt_page

logger = logging.getLogger(__name__)


def payment_of(request: HttpRequest, public_id: UUID) -> Payment:
    """A payment of the dealership on the screen; anybody else's is not found."""
    payment = Payment.objects.filter(public_id=public_id, dealership=dealership_of(request)).first()
    if payment is None:
        raise Http404("payment")
    return payment


@require_safe
@allowed_to("payments.view")
def receipt(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The receipt, to be printed, downloaded, and come back to."""
    return render(request, "payments/receipt.html", _context(request, payment_of(request, public_id)))


@require_safe
@allowed_to("payments.view")
def receipt_progress(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The part of the receipt that changes by itself; 204 while it is as the page has it (`?seen=`)."""
    context = _context(request, payment_of(request, public_id))
    if request.GET.get("seen") == context["seen"]:
        return HttpResponse(status=204)
    return render(request, "payments/_receipt_live.html", context)


def _context(request: HttpRequest, payment: Payment) -> dict[str, Any]:
    access = access_of(request)
    page, paper = receipt_page(payment), newest_receipt(payment)
    itemised = request.GET.get("show") != "total"
    can_cancel = payment.state == Payment.State.SUBMITTED and payment.sending_since is None
    return {
        "page": page,
        "paper": paper,
        "itemised": itemised,
        "show": "items" if itemised else "total",
        "shapes": [
            {"label": _("Itemised"), "url": f"{request.path}?show=items", "current": itemised},
            {"label": _("One total"), "url": f"{request.path}?show=total", "current": not itemised},
        ],
        "seen": f"{page.state}.{len(page.steps)}.{can_cancel}.{paper.state if paper else None}",
        "is_late": page.is_open and payment.expected_on < access.business_date,
        "may_cancel": can_cancel and access.may("payments.cancel"),
        "may_pay": access.may("payments.make"),
    }


@require_safe
@allowed_to("payments.view")
def receipt_pdf(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The newest printed receipt, itemised or with one total (`?show=total`); while there is none, the page says so."""
    payment = payment_of(request, public_id)
    printed = (
        PaymentReceipt.objects.filter(payment=payment, state=PaymentReceipt.State.READY)
        .order_by("-pk")
        .first()
    )
    if printed is None:
        messages.info(request, _("The PDF is being made and appears here in a moment."))
        return redirect("payments:receipt", public_id=public_id)
    itemised = request.GET.get("show") != "total"
    try:
        with printed.file.storage.open(printed.file.name if itemised else printed.total_name) as file:
            response = HttpResponse(file.read(), content_type="application/pdf")
    except FileNotFoundError:
        logger.exception("A printed receipt is missing", extra={"receipt": printed.pk})
        messages.error(request, _("The PDF could not be found. Print this page instead, or call us."))
        return redirect(
            f"{reverse('payments:receipt', args=[public_id])}?show={'items' if itemised else 'total'}"
        )
    shape = "" if itemised else "-total"
    name = f"{payment.number}-{printed.payment_state}{shape}.pdf"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@require_POST
@allowed_to("payments.cancel")
def cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a payment back that has not gone to the bank yet."""
    payment = payment_of(request, public_id)
    try:
        cancel_payment(payment=payment, actor=access_of(request).user, now=timezone.now())
    except PaymentRefusedError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(
            request, _("Payment %(number)s is cancelled. No money moves.") % {"number": payment.number}
        )
    return redirect("payments:receipt", public_id=public_id)
