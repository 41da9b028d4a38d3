"""Checking what was chosen, and sending it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from accounts.permissions import allowed_to
from finance.views.requests import access_of, dealership_of
from payments.actions.errors import PaymentRefusedError
from payments.actions.submit import submit_payment
from payments.forms import SubmitForm
from payments.models import Payment, PaymentDraft, PaymentMethod
from payments.queries.choices import choices_from_json
from payments.queries.offered import methods_of
from payments.queries.plans import plan_payment
from payments.queries.timing import timing_of
from payments.tasks import move_payment

_NOT_HERE = gettext_lazy(
    "Nothing was sent: %(dealership)s has prepared no such payment. If you switched the dealership in another tab, "
    "switch back and send it again; otherwise choose again what to pay."
)


@require_safe
@allowed_to("payments.make")
def review(request: HttpRequest, token: UUID) -> HttpResponse:
    """The check page of a draft; once it was sent, its receipt."""
    sent = _sent(request, token)
    if sent is not None:
        return redirect("payments:receipt", public_id=sent.public_id)
    draft = _draft(request, token)
    if draft is None:
        raise Http404("draft")
    return _check_page(request, draft)


@require_POST
@allowed_to("payments.make")
def submit(request: HttpRequest) -> HttpResponse:
    """Send what the check page showed. The same token again leads to the same receipt."""
    form = SubmitForm(request.POST)
    if not form.is_valid():
        problems = [str(problem) for problems in form.errors.values() for problem in problems]
        return _cannot(request, problems[:1])
    data = form.cleaned_data
    draft = _draft(request, data["token"])
    sent = _sent(request, data["token"])
    # From what the page named: another tab may have changed the draft to another account since.
    method = PaymentMethod.objects.filter(public_id=data["method"], dealership=dealership_of(request)).first()
    if method is None or (draft is None and sent is None):
        # Says the same whether there is such a draft of somebody else's or none at all.
        return _cannot(request, [_NOT_HERE % {"dealership": dealership_of(request).name}], status=404)
    try:
        payment = submit_payment(
            token=data["token"],
            dealership=dealership_of(request),
            method=method,
            choices=choices_from_json(draft.choices) if draft else [],
            shown_amounts=data["shown_amounts"],
            shown_value_date=data["value_date"],
            actor=access_of(request).user,
            now=timezone.now(),
        )
    except PaymentRefusedError as refusal:
        if refusal.code == "token_used" or draft is None:
            return _cannot(request, [refusal.message], status=409, payment=refusal.payment)
        return _check_page(request, draft, refusal=refusal)
    lender_id, payment_id = payment.lender_id, payment.pk
    transaction.on_commit(lambda: move_payment.hint(lender_id, payment_id), robust=True)
    return redirect("payments:receipt", public_id=payment.public_id)


def _draft(request: HttpRequest, token: UUID) -> PaymentDraft | None:
    return (
        PaymentDraft.objects.filter(
            token=token, user=access_of(request).user, dealership=dealership_of(request)
        )
        .select_related("method")
        .first()
    )


def _sent(request: HttpRequest, token: UUID) -> Payment | None:
    """The payment that became of the token; its draft is thrown away after a while."""
    return Payment.objects.filter(
        token=token, made_by=access_of(request).user, dealership=dealership_of(request)
    ).first()


def _check_page(
    request: HttpRequest, draft: PaymentDraft, *, refusal: PaymentRefusedError | None = None
) -> HttpResponse:
    """The draft as it stands now, with what is wrong with it above; never with a button that would be refused."""
    access = access_of(request)
    timing = timing_of(access.lender, draft.method.kind, timezone.now())
    plan = plan_payment(
        lender=access.lender,
        dealership_id=draft.dealership_id,
        choices=choices_from_json(draft.choices),
        value_date=timing.value_date,
        business_date=timing.today,
    )
    problems = list(dict.fromkeys(problem.message for problem in plan.problems))
    if draft.method.pk not in {method.pk for method in methods_of(draft.dealership_id)}:
        problems.append(_("This account cannot be used to pay. Choose another one."))
    problems_stand = bool(problems)
    if refusal is not None and refusal.message not in problems:
        problems.insert(0, refusal.message)
    limit = access.membership.payment_limit if access.membership else None
    is_over_limit = limit is not None and plan.total > limit
    context: dict[str, Any] = {
        "draft": draft,
        "method": draft.method,
        "plan": plan,
        "timing": timing,
        "problems": problems,
        "page_has_errors": bool(problems),
        "standing": refusal.payment if refusal else None,
        "limit": limit,
        "is_over_limit": is_over_limit,
        "may_send": bool(plan.shares) and not problems_stand and not is_over_limit,
        "has_pending": any(share.owing.pending.shares for share in plan.shares),
    }
    status = 200 if refusal is None else 409 if refusal.code == "changed" else 422
    return render(request, "payments/review.html", context, status=status)


def _cannot(
    request: HttpRequest, problems: Sequence[str], *, status: int = 400, payment: Payment | None = None
) -> HttpResponse:
    """A page that says why nothing was sent, and leads on."""
    context = {
        "problems": problems or [_("This page was incomplete. Nothing was sent.")],
        "page_has_errors": True,
        "payment": payment,
    }
    return render(request, "payments/not_sent.html", context, status=status)
