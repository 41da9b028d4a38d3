"""A forgotten password, a new one, and the present one asked again."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.views import PasswordResetDoneView, PasswordResetFromKeyView, PasswordResetView
from allauth.core import ratelimit
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.actions.passwords import order_password_reset, reset_password, set_password
from accounts.actions.sign_in_guard import Reservation, guard_key
from accounts.allauth_compat import INTERNAL_RESET_SESSION_KEY, leave, sign_in_after_reset
from accounts.forms.passwords import (
    ChangePasswordForm,
    NewPasswordForm,
    PresentPasswordForm,
    ResetRequestForm,
)
from accounts.models import User
from accounts.permissions import fresh_proof_required, mark_fresh_proof, signed_in
from accounts.queries.factors import main_factors_of
from accounts.queries.people import find_person
from accounts.tenancy import Scope, change_scope, current_scope
from accounts.views.proving import next_page


def _as_nobody(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Run a view of the mailed way as before sign-in, even in a browser where somebody is signed in.

    Whoever that is may see neither the other person's account nor change it.
    """

    @wraps(view)
    def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        change_scope(Scope("portal_login", current_scope().lender_id))
        return view(request, *args, **kwargs)

    return run


@method_decorator(never_cache, name="dispatch")
class ResetRequestView(PasswordResetView):
    """Order the mail; the answer is the same whether or not anybody has that name."""

    form_class = ResetRequestForm
    template_name = "account/password_reset.html"

    def form_valid(self, form: ResetRequestForm) -> HttpResponse:
        identifier = form.cleaned_data["identifier"]
        person = find_person(identifier)
        # Counted per account, so that three spellings do not triple the mails.
        limited = ratelimit.consume_or_429(
            self.request, action="reset_password", key=guard_key(person, identifier)
        )
        if limited:
            return limited
        if person is not None and person.is_active:
            order_password_reset(person=person)
        return redirect("account_reset_password_done")


@method_decorator(never_cache, name="dispatch")
class ResetRequestedView(PasswordResetDoneView):
    """What to do until the mail is there."""

    template_name = "account/password_reset_done.html"


@method_decorator(never_cache, name="dispatch")
@method_decorator(sensitive_post_parameters("password"), name="dispatch")
class ResetView(PasswordResetFromKeyView):
    """The mailed link. Opening it consumes nothing; the first valid new password does.

    Sign-in then goes on to the second factor: with it, and only with it, a lock ends as well.
    """

    form_class = NewPasswordForm
    template_name = "account/password_reset_from_key.html"
    reset_user: User | None

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:
        person = None
        if self.reset_user is not None:
            person = reset_password(
                person=self.reset_user, token=self.key, password=form.cleaned_data["password"]
            )
        if person is None:
            self.reset_user = None
            return self.render_to_response(self.get_context_data(token_fail=True))
        self.request.session.pop(INTERNAL_RESET_SESSION_KEY, None)
        leave(self.request)
        return sign_in_after_reset(self.request, person)


reset_request = _as_nobody(ResetRequestView.as_view())
reset_requested = ResetRequestedView.as_view()
reset = _as_nobody(ResetView.as_view())


@never_cache
@sensitive_post_parameters("present", "password")
@require_http_methods(["GET", "POST"])
@signed_in
@fresh_proof_required
def change(request: HttpRequest) -> HttpResponse:
    """A new password for somebody signed in; this session stays, all others end."""
    person = User.objects.get(pk=request.user.pk)
    if request.method == "GET":
        return render(request, "account/password_change.html", {"form": ChangePasswordForm(person=person)})
    form = ChangePasswordForm(request.POST, person=person)
    lock = None
    if form.is_valid():
        lock = _check_present(request, person, form, form.cleaned_data["present"])
    if form.errors:
        return render(
            request, "account/password_change.html", {"form": form, "lock": lock}, status=429 if lock else 200
        )
    set_password(
        actor=person,
        person=person,
        password=form.cleaned_data["password"],
        by_reset=False,
        keep_session=request.session.session_key,
    )
    _stay_signed_in(request, person)
    messages.success(request, _("Your password is changed. Every other device was signed out."))
    return redirect("accounts:security")


@never_cache
@sensitive_post_parameters("present")
@require_http_methods(["GET", "POST"])
@signed_in
def reauthenticate(request: HttpRequest) -> HttpResponse:
    """The password again, for somebody who has no second factor; whoever has one shows that instead."""
    person = User.objects.get(pk=request.user.pk)
    if main_factors_of(person):
        return redirect("accounts:factor-verify")
    form = PresentPasswordForm(request.POST or None)
    lock = None
    if request.method == "POST" and form.is_valid():
        lock = _check_present(request, person, form, form.cleaned_data["present"])
        if not form.errors:
            mark_fresh_proof(request)
            return redirect(next_page(request))
    context = {"form": form, "lock": lock, "next": request.POST.get("next") or request.GET.get("next") or ""}
    return render(request, "account/reauthenticate.html", context, status=429 if lock else 200)


def _check_present(
    request: HttpRequest, person: User, form: ChangePasswordForm | PresentPasswordForm, password: str
) -> Reservation | None:
    """Check the present password as a sign-in would, counted and locked; returns the lock, if there is one."""
    try:
        get_adapter(request).reauthenticate(person, password)
    except ValidationError as refusal:
        attempt: Any = getattr(refusal, "attempt", None)
        if refusal.code == "locked":
            form.add_error(None, _("Passwords are locked for now."))
            return attempt
        form.add_error("present", _("That is not your present password."))
    return None


def _stay_signed_in(request: HttpRequest, person: User) -> None:
    """Django ties a session to the password; give this one the new one, under a new key."""
    before = request.session.session_key
    update_session_auth_hash(request, person)
    UserSession.objects.filter(session_key=before).update(session_key=request.session.session_key)
