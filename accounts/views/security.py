"""One's own account: factors, sessions, recent sign-ins."""

import uuid

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.actions.email_codes import masked
from accounts.actions.factors import remove_factor
from accounts.actions.recovery_codes import WARN_AT
from accounts.actions.sessions import end_other_sessions, end_sessions
from accounts.allauth_compat import leave
from accounts.models import RecoveryCodeFactor, User
from accounts.permissions import fresh_proof_required, signed_in
from accounts.queries.factors import codes_left, factor_of, factor_policy, main_factors_of
from accounts.queries.sessions import device_name, open_sessions
from accounts.queries.sign_in import recent_attempts
from accounts.views.factor_verify import kind_of


@require_GET
@signed_in
def security(request: HttpRequest) -> HttpResponse:
    """Password and second factors."""
    person = _person(request)
    policy = factor_policy(person, request.lender, timezone.now())  # type: ignore[attr-defined]
    factors = main_factors_of(person)
    left = codes_left(person)
    return render(
        request,
        "accounts/security.html",
        {
            "person": person,
            "tabs": _tabs("security"),
            "factors": [
                {
                    "kind": kind_of(factor),
                    "name": factor.name,
                    "detail": masked(person.email) if kind_of(factor) == "email" else "",
                    "added_at": factor.created_at,
                    "last_used_at": factor.last_used_at,
                    "remove_url": reverse("accounts:factor-remove", args=[factor.public_id])
                    if len(factors) > 1 or not policy.required
                    else "",
                }
                for factor in factors
            ],
            "policy": policy,
            "codes_left": left,
            "has_codes": RecoveryCodeFactor.objects.filter(user=person).exists(),
            "few_codes": left <= WARN_AT,
        },
    )


@require_http_methods(["GET", "POST"])
@signed_in
@fresh_proof_required
def factor_remove(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Take a factor away, after a page that asks whether one is sure."""
    person = _person(request)
    factor = factor_of(person, public_id)
    if factor is None or isinstance(factor, RecoveryCodeFactor):
        raise Http404
    if request.method == "GET":
        return render(request, "accounts/factor_remove.html", {"factor": factor, "kind": kind_of(factor)})
    policy = factor_policy(person, request.lender, timezone.now())  # type: ignore[attr-defined]
    try:
        remove_factor(actor=person, person=person, factor=factor, policy=policy)
    except ValidationError as refusal:
        messages.error(request, " ".join(refusal.messages))
        return redirect("accounts:security")
    messages.success(request, _("“%(name)s” is removed.") % {"name": factor.name})
    return redirect("accounts:security")


@require_GET
@signed_in
def session_list(request: HttpRequest) -> HttpResponse:
    """Where one is signed in."""
    sessions = open_sessions(_person(request), request.session.session_key)
    return render(
        request,
        "accounts/sessions.html",
        {
            "tabs": _tabs("session-list"),
            "sessions": sessions,
            "others": sum(not one.is_this_one for one in sessions),
        },
    )


@require_POST
@signed_in
def session_end(request: HttpRequest, handle: str) -> HttpResponse:
    """End one session; somebody else's is as unknown as one that never was."""
    person = _person(request)
    session = next(
        (one for one in open_sessions(person, request.session.session_key) if one.handle == handle), None
    )
    if session is None:
        raise Http404
    if session.is_this_one:
        leave(request)
        return redirect("account_login")
    end_sessions(actor=person, person=person, sessions=[session.row])
    messages.success(request, _("%(device)s is signed out.") % {"device": session.device})
    return redirect("accounts:session-list")


@require_POST
@signed_in
def session_end_others(request: HttpRequest) -> HttpResponse:
    """End every session but this one."""
    person = _person(request)
    end_other_sessions(actor=person, person=person, keep=request.session.session_key)
    messages.success(request, _("Every other device is signed out."))
    return redirect("accounts:session-list")


@require_GET
@signed_in
def attempt_list(request: HttpRequest) -> HttpResponse:
    """The latest sign-ins and attempts."""
    attempts = [
        {
            "moment": attempt.recorded_at,
            "outcome": attempt.outcome,
            "label": attempt.get_outcome_display(),
            "address": attempt.address,
            "device": device_name(attempt.user_agent) if attempt.user_agent else "",
        }
        for attempt in recent_attempts(_person(request), limit=50)
    ]
    return render(request, "accounts/attempts.html", {"tabs": _tabs("attempt-list"), "attempts": attempts})


def _person(request: HttpRequest) -> User:
    return User.objects.get(pk=request.user.pk)


def _tabs(current: str) -> list[dict[str, object]]:
    pages = (
        ("security", _("Password and second step")),
        ("session-list", _("Signed-in devices")),
        ("attempt-list", _("Recent sign-ins")),
    )
    return [
        {"label": label, "url": reverse(f"accounts:{name}"), "current": name == current, "count": None}
        for name, label in pages
    ]
