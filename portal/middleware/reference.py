"""A short reference per request: on error pages, in a response header, in every log line and audit entry."""

import re
import secrets
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from accounts.addresses import client_address
from accounts.audit import Origin, working_from

# No letters or digits that people mishear on the phone.
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
# What follows the person's key in a mailed link opens the account for an hour: no log keeps it.
_LIVE_LINK = re.compile(r"(/password/new/[^/-]+-).+")


def new_reference() -> str:
    """Such as `K7WQ-2M9D`: short enough to read out, random enough to find one event."""
    letters = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


class RequestReferenceMiddleware:
    """Sets `request.reference` and binds it, the address and the path to everything logged or audited below."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        reference = new_reference()
        request.reference = reference  # type: ignore[attr-defined]
        address = client_address(request)
        structlog.contextvars.clear_contextvars()
        path = _LIVE_LINK.sub(r"\1…", request.path)
        structlog.contextvars.bind_contextvars(reference=reference, address=address, path=path)
        entrance = "admin" if request.path.startswith("/admin/") else "web"
        with working_from(Origin(entrance, address, reference)):
            response = self.get_response(request)
        response["X-Request-Reference"] = reference
        return response
