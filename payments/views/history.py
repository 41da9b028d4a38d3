"""The list of payments, and what is on its way to one account."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.permissions import allowed_to
from finance.forms.units import PAGE_SIZES, page_number, page_size
from finance.models import Account
from finance.views.csv_files import Cell, csv_response
from finance.views.paging import CountedPaginator
from finance.views.requests import access_of, address_with, dealership_of
from payments.forms.filters import PaymentFilterForm, payment_filters
from payments.models import Payment, PaymentShare
from payments.queries.history import account_counts, filtered_payments, payers_of, used_methods_of
from payments.queries.pending import pending_of

CHIPS = {
    "all": _("All"),
    "open": _("On their way"),
    Payment.State.SETTLED: _("Settled"),
    Payment.State.RETURNED: _("Returned"),
    Payment.State.DECLINED: _("Declined"),
    Payment.State.CANCELLED: _("Cancelled"),
}


@require_safe
@allowed_to("payments.view")
def payment_list(request: HttpRequest) -> HttpResponse:
    """Every payment of the dealership on the screen that the address asks for, a page at a time."""
    access = access_of(request)
    dealership_id = dealership_of(request).pk
    filters = payment_filters(request.GET)
    totals, payments = filtered_payments(dealership_id, filters)
    size, number = page_size(request.GET), page_number(request.GET)
    paginator = CountedPaginator(totals.count, size)
    number = min(number, paginator.num_pages)
    rows = list(payments[(number - 1) * size : number * size])
    counts = account_counts([row.pk for row in rows])
    numbers = {"all": totals.all, "open": totals.open} | totals.by_state
    context: dict[str, Any] = {
        "page": paginator.holding(
            [{"payment": row, "accounts": counts.get(row.pk, 0)} for row in rows], number
        ),
        "totals": totals,
        "filters": filters,
        "filter_form": PaymentFilterForm(
            request.GET, payers=payers_of(dealership_id), methods=used_methods_of(dealership_id)
        ),
        "chips": [
            {
                "label": label,
                "url": address_with(request, state=None if shown == "all" else str(shown)),
                "current": shown == filters.shown,
                "count": numbers.get(str(shown), 0),
            }
            for shown, label in CHIPS.items()
        ],
        "sizes": [
            {"label": one, "url": address_with(request, per=str(one)), "current": one == size}
            for one in PAGE_SIZES
        ],
        "is_narrowed": bool(filters.text or filters.person or filters.method or filters.shown != "all"),
        "may_pay": access.may("payments.make"),
        "export_query": request.GET.urlencode(),
    }
    return render(request, "payments/payment_list.html", context)


@require_safe
@allowed_to("payments.view")
def payment_export(request: HttpRequest) -> HttpResponse:
    """The list as the address filters it, every page of it, one line per unit or loan that was paid."""
    access = access_of(request)
    _totals, payments = filtered_payments(dealership_of(request).pk, payment_filters(request.GET))
    shares = (
        PaymentShare.objects.filter(payment__in=payments.order_by().values("pk"))
        .select_related("payment", "payment__method", "account")
        .order_by("-payment__submitted_at", "-payment_id", "pk")
    )
    head: list[Cell] = [
        gettext("Payment"),
        gettext("Submitted"),
        gettext("Counts on"),
        gettext("State"),
        gettext("Made by"),
        gettext("Paid from"),
        gettext("Number"),
        gettext("Unit or loan"),
        gettext("Principal"),
        gettext("Interest"),
        gettext("Fees"),
        gettext("Amount"),
        gettext("Currency"),
        gettext("Reason"),
    ]
    rows: list[list[Cell]] = [
        [
            share.payment.number,
            access.lender.local_time(share.payment.submitted_at).strftime("%Y-%m-%d %H:%M"),
            share.payment.value_date,
            share.payment.get_state_display(),
            share.payment.made_by_name,
            str(share.payment.method),
            share.account.number,
            share.account.title,
            share.principal,
            share.interest,
            share.fees,
            share.amount,
            share.payment.currency,
            f"{share.payment.return_code} {gettext(share.payment.return_reason)}"
            if share.payment.return_code
            else "",
        ]
        for share in shares
    ]
    return csv_response(f"payments-{access.business_date.isoformat()}.csv", head, rows)


@require_safe
@allowed_to("payments.view")
def pending_of_account(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What is on its way to one unit or loan: a part of that one's page."""
    account = Account.objects.filter(public_id=public_id, dealership=dealership_of(request)).first()
    if account is None:
        raise Http404("account")
    context = {"account": account, "pending": pending_of([account.pk]).get(account.pk)}
    return render(request, "payments/_pending.html", context)
