"""One transaction per request, inside the host's lender."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from accounts.models import Lender
from accounts.tenancy import tenant


class TenantMiddleware:
    """Opens the request's transaction as `portal_login`; ScopeMiddleware narrows or widens it once the person is known.

    The view runs in a savepoint of its own (ATOMIC_REQUESTS): a failing view is rolled back, while what must survive
    it, such as a counted failure to sign in, is committed.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        lender_id = request.lender_id  # type: ignore[attr-defined]
        if lender_id is None:
            return self.get_response(request)
        with tenant(lender_id, login=True):
            lender = Lender.objects.get(pk=lender_id)
            request.lender = lender  # type: ignore[attr-defined]
            with timezone.override(lender.zone), translation.override(translation.get_language()):
                return self.get_response(request)
