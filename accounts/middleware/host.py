"""Which lender is this host? Runs before anything builds a URL from the request's host."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotFound
from django.http.request import split_domain_port

from accounts.models import LenderHost

_CACHE_SECONDS = 30.0
_UNWALLED_PREFIXES = ("/health/", settings.STATIC_URL)


@dataclass(frozen=True, slots=True)
class _Known:
    lender_id: int | None
    until: float


_known: dict[str, _Known] = {}


def lender_of_host(host: str) -> int | None:
    """The lender reached under `host` (without port), or None; remembered for half a minute."""
    now = monotonic()
    known = _known.get(host)
    if known and known.until > now:
        return known.lender_id
    lender_id = LenderHost.objects.filter(host=host).values_list("lender_id", flat=True).first()
    if len(_known) > 1000:
        # Only hosts that a stranger made up can fill this; forget them.
        _known.clear()
    _known[host] = _Known(lender_id, now + _CACHE_SECONDS)
    return lender_id


def forget_hosts() -> None:
    """Look hosts up afresh, after the registry changed."""
    _known.clear()


class HostMiddleware:
    """Sets `request.lender_id`; answers 404 for a host that no lender has."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(_UNWALLED_PREFIXES):
            # The health page and static files belong to no lender.
            request.lender_id = None  # type: ignore[attr-defined]
            return self.get_response(request)
        # The Host header alone decides; X-Forwarded-Host is never believed.
        host, _ = split_domain_port(request.META.get("HTTP_HOST", ""))
        lender_id = lender_of_host(host.lower()) if host else None
        if lender_id is None:
            return HttpResponseNotFound(
                "No lender is reached under this address.\n", content_type="text/plain"
            )
        request.lender_id = lender_id  # type: ignore[attr-defined]
        return self.get_response(request)
