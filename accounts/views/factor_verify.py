"""The page that asks for a second factor: during sign-in, and again before something sensitive."""

from typing import Any

from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions.email_codes import PAUSE, masked, send_email_code
from accounts.actions.factors import show_factor
from accounts.actions.recovery_codes import WARN_AT
from accounts.actions.sign_in_guard import Reservation
from accounts.forms.factors import CodeForm, RecoveryCodeForm
from accounts.models import AuthenticatorFactor, EmailCodeFactor, RecoveryCodeFactor
from accounts.queries.factors import AnyFactor, codes_left
from accounts.views.proving import Prover, finish, prover_of


@never_cache
@require_http_methods(["GET", "POST"])
def verify(request: HttpRequest) -> HttpResponse:
    """Ask for a code of one factor; when there are several, the strongest first and the others as links."""
    prover = prover_of(request)
    if prover is None:
        return redirect("account_login")
    offered = prover.offered()
    if not offered:
        return _nothing_to_show(request, prover)
    wanted = request.POST.get("factor") or request.GET.get("factor")
    chosen = next((factor for factor in offered if str(factor.public_id) == wanted), None)
    if request.method == "GET":
        return _page(request, prover, offered, chosen or offered[0])
    form = _form_for(chosen or offered[0], request)
    if not form.is_valid():
        return _page(request, prover, offered, chosen or offered[0], form=form)
    shown = show_factor(
        person=prover.person,
        # A factor that is not offered here is as wrong as one that does not exist.
        public_id=str(chosen.public_id) if chosen else "",
        code=form.cleaned_data["code"],
        now=timezone.now(),
        user_agent=get_adapter(request).get_http_user_agent(request),
    )
    if shown.factor is not None:
        return finish(request, prover, shown.factor)
    locked = shown.attempt.refused or shown.attempt.locked_until is not None
    form.add_error(
        None if locked else "code", _("The second step is locked for now.") if locked else _wrong(chosen)
    )
    return _page(
        request, prover, offered, chosen or offered[0], form=form, lock=shown.attempt if locked else None
    )


@never_cache
@require_POST
def send_code(request: HttpRequest) -> HttpResponse:
    """Mail a code to the address on file, at most once a minute."""
    prover = prover_of(request)
    if prover is None:
        return redirect("account_login")
    factor = next((one for one in prover.offered() if isinstance(one, EmailCodeFactor)), None)
    if factor is None:
        return redirect("accounts:factor-verify")
    send_email_code(factor=factor, now=timezone.now())
    query = {"factor": str(factor.public_id)}
    if request.POST.get("next"):
        query["next"] = request.POST["next"]
    return redirect(f"{reverse('accounts:factor-verify')}?{urlencode(query)}")


def _nothing_to_show(request: HttpRequest, prover: Prover) -> HttpResponse:
    if prover.stage is not None or prover.policy(request, timezone.now()).required:
        return redirect("accounts:factor-enrol")
    # Somebody without a factor, where the lender allows that, shows the password again.
    query = urlencode({"next": request.GET.get("next") or reverse("accounts:security")})
    return redirect(f"{reverse('account_reauthenticate')}?{query}")


def _form_for(factor: AnyFactor, request: HttpRequest | None = None) -> CodeForm | RecoveryCodeForm:
    kind = RecoveryCodeForm if isinstance(factor, RecoveryCodeFactor) else CodeForm
    if request is not None:
        return kind(request.POST)
    return kind(initial={"factor": factor.public_id})


def _wrong(factor: AnyFactor | None) -> str:
    if isinstance(factor, EmailCodeFactor):
        return _("That is not the code we mailed last, or it has expired. Check it, or ask for a new one.")
    if isinstance(factor, RecoveryCodeFactor):
        return _("That is not one of your unused recovery codes.")
    return _("That code is not right, or was used already. Wait for the app to show the next one.")


def _page(
    request: HttpRequest,
    prover: Prover,
    offered: list[AnyFactor],
    chosen: AnyFactor,
    *,
    form: CodeForm | RecoveryCodeForm | None = None,
    lock: Reservation | None = None,
) -> HttpResponse:
    now = timezone.now()
    following = request.POST.get("next") or request.GET.get("next") or ""
    kind = kind_of(chosen)
    context: dict[str, Any] = {
        "form": form or _form_for(chosen),
        "lock": lock,
        "kind": kind,
        "chosen": chosen,
        "signing_in": prover.stage is not None,
        "next": following,
        "others": [
            {
                "kind": kind_of(factor),
                "name": factor.name,
                "url": _address_of(factor, following),
            }
            for factor in offered
            if factor.public_id != chosen.public_id
        ],
    }
    if isinstance(chosen, EmailCodeFactor):
        alive = bool(chosen.code_hash) and chosen.code_expires_at is not None and chosen.code_expires_at > now
        sent_at = chosen.code_sent_at
        wait = int((sent_at + PAUSE - now).total_seconds()) + 1 if alive and sent_at is not None else 0
        context |= {
            "address": masked(prover.person.email),
            "code_sent": alive,
            "code_expires_at": chosen.code_expires_at,
            "wait": max(wait, 0),
        }
    if isinstance(chosen, RecoveryCodeFactor):
        left = codes_left(prover.person)
        context |= {"codes_left": left, "few_codes": left <= WARN_AT}
    return render(request, "accounts/factor_verify.html", context, status=429 if lock else 200)


def _address_of(factor: AnyFactor, following: str) -> str:
    query = {"factor": str(factor.public_id)} | ({"next": following} if following else {})
    return f"?{urlencode(query)}"


def kind_of(factor: AnyFactor) -> str:
    """`authenticator`, `email` or `recovery`, for templates."""
    if isinstance(factor, AuthenticatorFactor):
        return "authenticator"
    return "email" if isinstance(factor, EmailCodeFactor) else "recovery"
