"""Choosing what to pay."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.permissions import allowed_to
from finance.views.requests import access_of, dealership_of
from payments.actions.drafts import save_draft
from payments.forms import ChooseForm
from payments.models import Payment, PaymentDraft, PaymentMethod
from payments.queries.choices import Choice, Purpose, choices_from_json
from payments.queries.choosable import ZERO, Choosable, choosable_accounts
from payments.queries.offered import methods_of
from payments.queries.timing import timing_of


@require_http_methods(["GET", "HEAD", "POST"])
@allowed_to("payments.make")
def choose(request: HttpRequest) -> HttpResponse:
    """What may be paid, one line per unit or loan.

    An address may name accounts (`?unit=`, `?loan=`, also `pay=due` or `pay=payoff`), everything that is due
    (`?due=all`), or a draft to be changed (`?draft=`). Sending keeps a draft and leads to its check.
    """
    access = access_of(request)
    dealership = dealership_of(request)
    methods = methods_of(dealership.pk)
    kind = methods[0].kind if methods else PaymentMethod.Kind.ACH_DEBIT
    timing = timing_of(access.lender, kind, timezone.now())
    everything = choosable_accounts(dealership.pk, timing.value_date, business_date=timing.today)
    draft = _draft(request)
    named = _named(request.GET, everything, draft)
    show = _show(request.GET, everything, named)
    form = ChooseForm(
        request.POST if request.method == "POST" else None,
        everything=everything,
        shown=_shown(show, everything, named),
        methods=methods,
        lender=access.lender,
        initial_choices=named,
        initial_method=draft.method if draft else None,
    )
    if form.is_bound and form.is_valid():
        saved = save_draft(
            dealership=dealership,
            method=form.cleaned_data["paid_from"],
            choices=form.cleaned_data["choices"],
            actor=access.user,
            token=draft.token if draft else None,
        )
        return redirect("payments:review", token=saved.token)
    context: dict[str, Any] = {
        "form": form,
        "rows": list(form.rows()),
        "everything": everything,
        "methods": methods,
        "timing": timing,
        "chips": _chips(request, everything, show, named),
        "show": show,
        "is_named": bool(named),
    }
    return render(request, "payments/choose.html", context, status=400 if form.is_bound else 200)


def _draft(request: HttpRequest) -> PaymentDraft | None:
    """The own draft that the address names; anybody else's is as if it were not there, and so is one that was sent."""
    token = _uuid(request.GET.get("draft", ""))
    if token is None or Payment.objects.filter(token=token).exists():
        return None
    return (
        PaymentDraft.objects.filter(
            token=token, user=access_of(request).user, dealership=dealership_of(request)
        )
        .select_related("method")
        .first()
    )


def _named(
    query: QueryDict, everything: Sequence[Choosable], draft: PaymentDraft | None
) -> dict[UUID, Choice]:
    """What the address has chosen already. Accounts on which nothing can be paid are left out."""
    payable = {row.public_id: row for row in everything if row.owing.payoff.total > ZERO}
    if draft is not None:
        return {
            choice.account: choice for choice in choices_from_json(draft.choices) if choice.account in payable
        }
    if query.get("due") == "all":
        return {key: _usual(row) for key, row in payable.items() if row.owing.due.total > ZERO}
    wanted = [_uuid(text) for name in ("unit", "loan", "account") for text in query.getlist(name)]
    pay = query.get("pay")
    return {
        key: Choice(key, Purpose.PAYOFF) if pay == Purpose.PAYOFF else _usual(payable[key])
        for key in wanted
        if key in payable
    }


def _usual(row: Choosable) -> Choice:
    """What one most likely wants: what is due, else the payoff."""
    due = row.owing.due.total > ZERO and not row.owing.must_pay_off
    return Choice(row.public_id, Purpose.DUE if due else Purpose.PAYOFF)


def _show(query: QueryDict, everything: Sequence[Choosable], named: dict[UUID, Choice]) -> str:
    asked = query.get("show", "")
    if asked in {"due", "all"}:
        return asked
    if named:
        return "named"
    return "due" if any(row.owing.due.total > ZERO for row in everything) else "all"


def _shown(show: str, everything: Sequence[Choosable], named: dict[UUID, Choice]) -> list[Choosable]:
    if show == "all":
        return list(everything)
    if show == "due":
        return [row for row in everything if row.owing.due.total > ZERO]
    return [row for row in everything if row.public_id in named]


def _chips(
    request: HttpRequest, everything: Sequence[Choosable], show: str, named: dict[UUID, Choice]
) -> list[dict[str, Any]]:
    def address(asked: str) -> str:
        query = request.GET.copy()
        query["show"] = asked
        return f"{reverse('payments:choose')}?{query.urlencode()}"

    due = sum(1 for row in everything if row.owing.due.total > ZERO)
    chips = [
        {"label": _("Due"), "url": address("due"), "current": show == "due", "count": due},
        {
            "label": _("Everything open"),
            "url": address("all"),
            "current": show == "all",
            "count": len(everything),
        },
    ]
    if named:
        chips.insert(
            0,
            {"label": _("Chosen"), "url": address("named"), "current": show == "named", "count": len(named)},
        )
    return chips


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
