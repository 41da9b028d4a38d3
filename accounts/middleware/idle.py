"""Sessions end after a while without activity, and after a working day in any case."""

from collections.abc import Callable

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.adapter import SIGNED_IN_AT
from accounts.addresses import client_address
from accounts.views.sign_in import SESSION_ENDED

LAST_SEEN_AT = "last_seen_at"
# Activity is written down once a minute at most: reading a page should not cost a write.
_GRAIN = 60


def _is_by_itself(request: HttpRequest) -> bool:
    """Whether an open page asks, and nobody has done anything: a receipt that follows its money all night."""
    return request.method == "GET" and "HX-Request" in request.headers


class IdleSessionMiddleware:
    """Ends sessions that were idle too long or are too old, and keeps “last seen” of the list of devices.

    Stands after the middleware that knows the person and before the one that sets the person's scope.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if getattr(request, "lender_id", None) is not None and request.user.is_authenticated:
            self._look_at(request)
        return self.get_response(request)

    def _look_at(self, request: HttpRequest) -> None:
        session = request.session
        now = int(timezone.now().timestamp())
        seen = session.get(LAST_SEEN_AT)
        started = session.setdefault(SIGNED_IN_AT, now)
        if seen is not None and now - seen > settings.SESSION_IDLE_SECONDS:
            self._end(request, "idle")
        elif now - started > settings.SESSION_COOKIE_AGE:
            self._end(request, "old")
        elif seen is None or (now - seen >= _GRAIN and not _is_by_itself(request)):
            session[LAST_SEEN_AT] = now
            self._note(request)

    def _end(self, request: HttpRequest, why: str) -> None:
        UserSession.objects.filter(session_key=request.session.session_key).delete()
        logout(request)
        request.session[SESSION_ENDED] = why

    def _note(self, request: HttpRequest) -> None:
        noted = UserSession.objects.filter(
            session_key=request.session.session_key
        ).update(
            last_seen_at=timezone.now(),
            ip=client_address(request) or "0.0.0.0",  # noqa: S104 (an unknown address, nothing is bound to it)
            user_agent=request.META.get("HTTP_USER_AGENT", "")[:200],
        )
        if not noted:
            UserSession.objects.create_from_request(request)
