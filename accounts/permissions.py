"""Who may do what: the role by action matrix, and the access of one signed-in person.

The matrix is data; `docs/staff/roles.md` shows it as a table and a test compares the two.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import wraps
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode

from accounts.models import Dealership, Lender, Membership, User
from accounts.queries.factors import factor_policy

_OWNER, _PAYER, _APPROVER, _VIEWER, _ACCOUNTANT = (role.value for role in Membership.Role)
_FINANCE, _SUPPORT = User.Kind.FINANCE.value, User.Kind.SUPPORT.value

# action -> the dealership roles and the kinds of staff who may do it
MATRIX: dict[str, frozenset[str]] = {
    "balances.view": frozenset({_OWNER, _PAYER, _APPROVER, _VIEWER, _ACCOUNTANT}),
    "statements.view": frozenset({_OWNER, _PAYER, _APPROVER, _VIEWER, _ACCOUNTANT, _FINANCE}),
    "payments.view": frozenset({_OWNER, _PAYER, _APPROVER, _VIEWER, _ACCOUNTANT}),
    "payments.make": frozenset({_OWNER, _PAYER}),
    "payments.cancel": frozenset({_OWNER, _PAYER}),
    "payment-methods.view": frozenset({_OWNER, _PAYER, _APPROVER}),
    "tickets.view": frozenset({_OWNER, _PAYER, _APPROVER, _VIEWER, _ACCOUNTANT, _SUPPORT}),
    "tickets.open": frozenset({_OWNER, _PAYER, _APPROVER, _VIEWER, _ACCOUNTANT}),
    "tickets.work": frozenset({_SUPPORT}),
    "people.unlock": frozenset({_SUPPORT}),
    "finance.office": frozenset({_FINANCE}),
    "statements.produce": frozenset({_FINANCE}),
}


@dataclass(frozen=True, slots=True)
class Access:
    """What one signed-in person may do right now.

    `dealership` is the one on the screen; `dealership_ids` are all that the person belongs to today.
    `factor_satisfied` is false while a required second factor has not been shown in this session.
    """

    user: User
    kind: str
    lender: Lender
    memberships: tuple[Membership, ...] = ()
    membership: Membership | None = None
    factor_satisfied: bool = False
    business_date: date = date.min
    _actions: frozenset[str] = field(default=frozenset())

    @property
    def dealership(self) -> Dealership | None:
        """The dealership on the screen."""
        return self.membership.dealership if self.membership else None

    @property
    def dealership_ids(self) -> tuple[int, ...]:
        """Every dealership whose rows the database shows this person."""
        return tuple(membership.dealership_id for membership in self.memberships)

    def may(self, action: str) -> bool:
        """Whether the matrix allows `action` (a key of MATRIX; an unknown one is a programming error)."""
        if action not in MATRIX:
            raise KeyError(action)
        return action in self._actions


def actions_of(role_or_kind: str) -> frozenset[str]:
    """Every action that a dealership role or a kind of staff may do."""
    return frozenset(action for action, who in MATRIX.items() if role_or_kind in who)


def access_of(user: User, *, lender: Lender, today: date, chosen: object = None) -> Access:
    """The access of `user` on the lender's day `today`; `chosen` is the public id of the dealership switched to."""
    factor_satisfied = _factor_satisfied(user, lender)
    if user.kind != User.Kind.DEALER:
        return Access(
            user=user,
            kind=user.kind,
            lender=lender,
            factor_satisfied=factor_satisfied,
            business_date=today,
            _actions=actions_of(user.kind),
        )
    memberships = tuple(
        Membership.objects.filter(user=user, dealership__is_active=True)
        .filter(Q(expires_on__isnull=True) | Q(expires_on__gte=today))
        .select_related("dealership")
        .order_by("dealership__name", "pk")
    )
    current = next((row for row in memberships if str(row.dealership.public_id) == str(chosen)), None)
    current = current or (memberships[0] if memberships else None)
    return Access(
        user=user,
        kind=user.kind,
        lender=lender,
        memberships=memberships,
        membership=current,
        factor_satisfied=factor_satisfied,
        business_date=today,
        _actions=actions_of(current.role) if current else frozenset(),
    )


def _factor_satisfied(user: User, lender: Lender) -> bool:
    verified = bool(getattr(user, "is_verified", bool)())
    if verified:
        return True
    return not factor_policy(user, lender, timezone.now()).required


View = Callable[..., HttpResponse]


def page_of(request: HttpRequest) -> str:
    """The address to come back to: of this page, or, of a form that was sent, of the page on which it stood."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    stood_on = request.headers.get("Referer", "")
    own = {request.get_host()}
    if url_has_allowed_host_and_scheme(stood_on, own, require_https=request.is_secure()):
        parts = urlsplit(stood_on)
        path = "/" + parts.path.lstrip("/\\")
        return f"{path}?{parts.query}" if parts.query else path
    return request.get_full_path()


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; a part that a page asks for by itself makes that page load anew instead."""
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Refresh": "true"})
    return redirect_to_login(page_of(request))


def allowed_to(action: str) -> Callable[[View], View]:
    """Let a view answer only people who may do `action`.

    Not signed in: the sign-in page. Second factor outstanding: the factor page. A dealer without any membership: a page
    that says so. A role that lacks the right: 403 in words. A kind of person for whom the page does not exist: 404.
    """
    if action not in MATRIX:
        raise KeyError(action)

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            access: Access | None = request.access  # type: ignore[attr-defined]
            if access is None:
                return _to_sign_in(request)
            if not access.factor_satisfied:
                return redirect("accounts:factor-enrol")
            if access.kind == User.Kind.DEALER and access.membership is None:
                return redirect("accounts:no-membership")
            if not access.may(action):
                meant_for_dealers = bool(MATRIX[action] - {_FINANCE, _SUPPORT})
                if access.kind == User.Kind.DEALER and meant_for_dealers:
                    raise PermissionDenied(action)
                raise Http404
            return view(request, *args, **kwargs)

        guarded.action = action  # type: ignore[attr-defined]
        return guarded

    return decorate


def signed_in(view: View) -> View:
    """Let a view answer anybody who is signed in and has shown what the lender asks for."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        access: Access | None = request.access  # type: ignore[attr-defined]
        if access is None:
            return _to_sign_in(request)
        if not access.factor_satisfied:
            return redirect("accounts:factor-enrol")
        return view(request, *args, **kwargs)

    return guarded


PROOF_SHOWN_AT = "proof_shown_at"


def mark_fresh_proof(request: HttpRequest) -> None:
    """A factor (or, of somebody without one, the password) was shown in this session just now."""
    request.session[PROOF_SHOWN_AT] = int(timezone.now().timestamp())


def has_fresh_proof(request: HttpRequest) -> bool:
    """Whether the proof is young enough for something sensitive (ACCOUNT_REAUTHENTICATION_TIMEOUT seconds)."""
    age = timezone.now().timestamp() - request.session.get(PROOF_SHOWN_AT, 0)
    return bool(age < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def fresh_proof_required(view: View) -> View:
    """Ask for the factor again before a sensitive page; a POST without fresh proof changes nothing.

    Combine with `signed_in` or `allowed_to`, which go on the outside.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if has_fresh_proof(request):
            return view(request, *args, **kwargs)
        target = request.get_full_path() if request.method == "GET" else reverse("accounts:security")
        return redirect(f"{reverse('accounts:factor-verify')}?{urlencode({'next': target})}")

    return guarded
