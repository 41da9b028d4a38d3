"""From "somebody at this host" to "this person, for these dealerships"."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import User
from accounts.permissions import Access, access_of
from accounts.tenancy import Scope, change_scope


class ScopeMiddleware:
    """Sets `request.access` and the database role that fits the person.

    A signed-in person who has not shown a second factor where the lender requires one stays in the sign-in role: only
    the pages of the sign-in pipeline work there, the business tables answer "permission denied".
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.access = None  # type: ignore[attr-defined]
        if getattr(request, "lender_id", None) is None:
            return self.get_response(request)
        user = request.user
        if user.is_authenticated:
            access = access_of(
                user,
                lender=request.lender,  # type: ignore[attr-defined]
                today=request.lender.business_date(timezone.now()),  # type: ignore[attr-defined]
                chosen=request.session.get("dealership"),
            )
            request.access = access  # type: ignore[attr-defined]
            if access.factor_satisfied:
                change_scope(_scope_for(access))
        return self.get_response(request)


def _scope_for(access: Access) -> Scope:
    user = access.user
    if access.kind == User.Kind.DEALER:
        return Scope("portal_dealer", access.lender.pk, access.dealership_ids, user.pk)
    return Scope("portal_staff", access.lender.pk, (), user.pk)
