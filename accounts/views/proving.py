"""Who is proving something: a person half-way through signing in, or one already signed in."""

import hmac
from dataclasses import dataclass
from datetime import datetime

import django_otp
from allauth.account.adapter import get_adapter
from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from accounts.actions.sign_in_guard import clear_failures
from accounts.allauth_compat import forget_stage, keep_stage, pending_stage
from accounts.models import EmailCodeFactor, SignInGuard, User
from accounts.permissions import mark_fresh_proof
from accounts.queries.factors import AnyFactor, FactorPolicy, factor_policy, factors_of
from accounts.stages import FactorStage


@dataclass(frozen=True, slots=True)
class Prover:
    """A person, and the sign-in under way (None once signed in)."""

    person: User
    stage: FactorStage | None

    def policy(self, request: HttpRequest, now: datetime) -> FactorPolicy:
        """What the lender asks of this person."""
        return factor_policy(self.person, request.lender, now)  # type: ignore[attr-defined]

    def offered(self) -> list[AnyFactor]:
        """The factors that may be shown here.

        After a reset by mail a mailed code would prove the same mailbox twice, so it is left out wherever there is
        anything else.
        """
        factors = factors_of(self.person)
        if self.stage is not None and self.stage.state.get("by_reset"):
            others = [factor for factor in factors if not isinstance(factor, EmailCodeFactor)]
            return others or factors
        return factors


def prover_of(request: HttpRequest) -> Prover | None:
    """The person who may show or set up a factor in this browser, or None.

    A half-finished sign-in counts only at its own lender, and only while the account is on and the password the same.
    """
    user = request.user
    if user.is_authenticated:
        return Prover(User.objects.get(pk=user.pk), None)
    stage = pending_stage(request, FactorStage.key)
    if stage is None:
        return None
    person = stage.login.user
    known = isinstance(person, User) and person.is_active
    if not known or not hmac.compare_digest(stage.state.get("auth_hash", ""), person.get_session_auth_hash()):
        forget_stage(request)
        return None
    return Prover(person, stage)


def keep(request: HttpRequest, prover: Prover, **state: object) -> None:
    """Remember something for the rest of this sign-in (or of this session)."""
    if prover.stage is not None:
        prover.stage.state.update(state)
        keep_stage(request, prover.stage)
    else:
        request.session["factor_set_up"] = {**request.session.get("factor_set_up", {}), **state}


def kept(request: HttpRequest, prover: Prover, name: str) -> object:
    """What `keep` stored."""
    state = prover.stage.state if prover.stage is not None else request.session.get("factor_set_up", {})
    return state.get(name)


def finish(request: HttpRequest, prover: Prover, factor: AnyFactor) -> HttpResponse:
    """`factor` was shown: go on to the portal, or back to what asked for it; the session key changes either way."""
    if prover.stage is not None:
        # django-otp ties the session to the device of the user object that signs in.
        prover.stage.login.user.otp_device = factor
        response: HttpResponse = prover.stage.exit()
        if request.user.is_authenticated:
            mark_fresh_proof(request)
        return response
    before = request.session.session_key
    django_otp.login(request, factor)
    request.session.pop("factor_set_up", None)
    request.session.cycle_key()
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)
    clear_failures(prover.person, SignInGuard.Proof.FACTOR, now=timezone.now())
    mark_fresh_proof(request)
    return redirect(next_page(request))


def next_page(request: HttpRequest) -> str:
    """Where to go afterwards: `next`, if it stays on this host, else the security page."""
    target = request.POST.get("next") or request.GET.get("next")
    if target and get_adapter(request).is_safe_url(target):
        return target
    return reverse("accounts:security")
