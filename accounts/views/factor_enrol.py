"""Setting up a second factor: first the mailbox is proven, then the factor, then recovery codes are shown once."""

from typing import Any
from urllib.parse import quote

import segno
from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.actions.authenticators import confirm_authenticator, key_uri, start_authenticator, typed_key
from accounts.actions.email_codes import (
    LIFE,
    PAUSE,
    activate_email_codes,
    email_factor_of,
    masked,
    send_email_code,
)
from accounts.actions.factors import show_factor
from accounts.actions.recovery_codes import issue_recovery_codes
from accounts.forms.factors import AuthenticatorForm, MailboxForm
from accounts.models import AuthenticatorFactor, EmailCodeFactor
from accounts.permissions import fresh_proof_required, has_fresh_proof, signed_in
from accounts.queries.factors import factor_of, main_factors_of
from accounts.views.proving import Prover, finish, keep, kept, prover_of


@never_cache
@require_http_methods(["GET", "POST"])
def enrol(request: HttpRequest) -> HttpResponse:
    """Prove the mailbox with a mailed code, then choose a factor; a password alone sets nothing up."""
    prover = _setting_up(request)
    if isinstance(prover, HttpResponse):
        return prover
    if _allowed(request, prover):
        return render(
            request,
            "accounts/factor_choose.html",
            {
                "signing_in": prover.stage is not None,
                "address": masked(prover.person.email),
                "has_email": _has_email(prover),
            },
        )
    if request.method == "GET":
        return _mailbox_page(request, prover, MailboxForm())
    form = MailboxForm(request.POST)
    if not form.is_valid():
        return _mailbox_page(request, prover, form)
    shown = show_factor(
        person=prover.person,
        public_id=str(email_factor_of(prover.person).public_id),
        code=form.cleaned_data["code"],
        now=timezone.now(),
        user_agent=get_adapter(request).get_http_user_agent(request),
        unconfirmed_email=True,
    )
    if shown.factor is not None:
        keep(request, prover, mailbox_proven_at=int(timezone.now().timestamp()))
        return redirect("accounts:factor-enrol")
    locked = shown.attempt.refused or shown.attempt.locked_until is not None
    if locked:
        form.add_error(None, _("The second step is locked for now."))
    else:
        form.add_error(
            "code",
            _("That is not the code we mailed last, or it has expired. Check it, or ask for a new one."),
        )
    return _mailbox_page(request, prover, form, lock=shown.attempt if locked else None)


@never_cache
@require_POST
def send_mailbox_code(request: HttpRequest) -> HttpResponse:
    """Mail the code that proves the mailbox, at most once a minute."""
    prover = _setting_up(request)
    if isinstance(prover, HttpResponse):
        return prover
    send_email_code(factor=email_factor_of(prover.person), now=timezone.now())
    return redirect("accounts:factor-enrol")


@never_cache
@require_http_methods(["GET", "POST"])
def enrol_authenticator(request: HttpRequest) -> HttpResponse:
    """Show the QR code and the key; the first right code switches the authenticator on."""
    prover = _setting_up(request)
    if isinstance(prover, HttpResponse):
        return prover
    if not _allowed(request, prover):
        return redirect("accounts:factor-enrol")
    if request.method == "GET":
        return _authenticator_page(
            request, prover, _unfinished(prover) or start_authenticator(person=prover.person)
        )
    factor = _unfinished(prover)
    if factor is None:
        return redirect("accounts:factor-enrol-authenticator")
    form = AuthenticatorForm(request.POST)
    if not form.is_valid():
        return _authenticator_page(request, prover, factor, form)
    codes = confirm_authenticator(
        actor=prover.person,
        factor=factor,
        code=form.cleaned_data["code"],
        name=form.cleaned_data["name"],
        now=timezone.now(),
    )
    if codes is None:
        form.add_error(
            "code",
            _(
                "That code is not right. Wait for the next one, and check that your phone sets its clock by itself."
            ),
        )
        return _authenticator_page(request, prover, factor, form)
    return _enrolled(request, prover, str(factor.public_id), codes)


@never_cache
@require_POST
def enrol_email(request: HttpRequest) -> HttpResponse:
    """Make mailed codes the factor; the mailbox was proven a step before."""
    prover = _setting_up(request)
    if isinstance(prover, HttpResponse):
        return prover
    if not _allowed(request, prover):
        return redirect("accounts:factor-enrol")
    codes = activate_email_codes(actor=prover.person, person=prover.person)
    return _enrolled(request, prover, str(email_factor_of(prover.person).public_id), codes)


@never_cache
@require_POST
def enrol_done(request: HttpRequest) -> HttpResponse:
    """The recovery codes are put away: sign-in goes on."""
    prover = prover_of(request)
    if prover is None:
        return redirect("account_login")
    factor = factor_of(prover.person, str(kept(request, prover, "enrolled") or ""))
    if factor is None:
        return redirect("accounts:factor-enrol")
    return finish(request, prover, factor)


@never_cache
@require_POST
@signed_in
@fresh_proof_required
def renew_recovery_codes(request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes; the old ones are dead from now on."""
    prover = prover_of(request)
    if prover is None or not main_factors_of(prover.person):
        return redirect("accounts:security")
    codes = issue_recovery_codes(actor=prover.person, person=prover.person)
    return _codes_page(request, codes, finish_sign_in=False)


def _setting_up(request: HttpRequest) -> Prover | HttpResponse:
    """Who may set a factor up here, or the page that comes first.

    Whoever has a factor shows it before adding one; half-way through sign-in nothing is added to it at all.
    """
    prover = prover_of(request)
    if prover is None:
        return redirect("account_login")
    if kept(request, prover, "enrolled"):
        return _codes_page(request, [])
    if not main_factors_of(prover.person):
        return prover
    if prover.stage is not None:
        return redirect("accounts:factor-verify")
    verified = request.user.is_verified()  # type: ignore[union-attr]
    if verified and has_fresh_proof(request):
        return prover
    # Whoever was only sent here because a factor is outstanding shows the one there is and goes on to the portal.
    following = request.path if verified else resolve_url(settings.LOGIN_REDIRECT_URL)
    return redirect(f"{reverse('accounts:factor-verify')}?next={quote(following)}")


def _allowed(request: HttpRequest, prover: Prover) -> bool:
    """Past the mailbox: proven just now, or the person has shown another factor."""
    if prover.stage is None and main_factors_of(prover.person):
        return True
    proven_at = kept(request, prover, "mailbox_proven_at")
    return isinstance(proven_at, int) and timezone.now().timestamp() - proven_at < LIFE.total_seconds()


def _has_email(prover: Prover) -> bool:
    return any(isinstance(factor, EmailCodeFactor) for factor in main_factors_of(prover.person))


def _unfinished(prover: Prover) -> AuthenticatorFactor | None:
    return AuthenticatorFactor.objects.filter(user=prover.person, confirmed=False).order_by("-pk").first()


def _enrolled(request: HttpRequest, prover: Prover, public_id: str, codes: list[str]) -> HttpResponse:
    keep(request, prover, enrolled=public_id)
    if not codes:
        factor = factor_of(prover.person, public_id)
        return finish(request, prover, factor) if factor else redirect("accounts:factor-enrol")
    return _codes_page(request, codes)


def _codes_page(request: HttpRequest, codes: list[str], *, finish_sign_in: bool = True) -> HttpResponse:
    lender = request.lender  # type: ignore[attr-defined]
    text = "\n".join([_("Recovery codes for %(lender)s") % {"lender": lender.name}, "", *codes, ""])
    return render(
        request,
        "accounts/recovery_codes.html",
        {
            "codes": codes,
            "text": text,
            "download": f"data:text/plain;charset=utf-8,{quote(text)}",
            "finish_sign_in": finish_sign_in,
        },
    )


def _mailbox_page(
    request: HttpRequest, prover: Prover, form: MailboxForm, *, lock: Any = None
) -> HttpResponse:
    now = timezone.now()
    factor = EmailCodeFactor.objects.filter(user=prover.person).order_by("-confirmed", "pk").first()
    alive = bool(factor and factor.code_hash and factor.code_expires_at and factor.code_expires_at > now)
    wait = 0
    if alive and factor is not None and factor.code_sent_at is not None:
        wait = max(int((factor.code_sent_at + PAUSE - now).total_seconds()) + 1, 0)
    return render(
        request,
        "accounts/factor_mailbox.html",
        {
            "form": form,
            "lock": lock,
            "address": masked(prover.person.email),
            "code_sent": alive,
            "code_expires_at": factor.code_expires_at if factor else None,
            "wait": wait,
        },
        status=429 if lock else 200,
    )


def _authenticator_page(
    request: HttpRequest, prover: Prover, factor: AuthenticatorFactor, form: AuthenticatorForm | None = None
) -> HttpResponse:
    picture = segno.make(key_uri(factor, request.lender), error="m")  # type: ignore[attr-defined]
    return render(
        request,
        "accounts/factor_authenticator.html",
        {
            "form": form or AuthenticatorForm(),
            "picture": picture.svg_data_uri(scale=5, border=4, dark="#000", light="#fff"),
            "key": typed_key(factor),
            "signing_in": prover.stage is not None,
        },
    )
