"""What people read when something went wrong: what happened, what became of their money and entries, whom to ask.

Every page carries the request's reference, which also stands in the response header and in each log line. None of
these views touches the database; if even drawing the page fails, a plain sentence goes out.
"""

import logging
import sys
from datetime import datetime

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from accounts.permissions import page_of

logger = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request could not be read."""
    return _page(request, "400.html", 400)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: a person of this dealership whose role lacks the right."""
    return _page(request, "403.html", 403)


def page_not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: nothing here, or nothing that this person may know of."""
    return _page(request, "404.html", 404)


def method_not_allowed(request: HttpRequest) -> HttpResponse:
    """405: the address takes what a form sends, and was opened by itself."""
    return _page(request, "405.html", 405)


def too_many_requests(
    request: HttpRequest, exception: Exception | None = None, *, retry_at: datetime | None = None
) -> HttpResponse:
    """429: too many attempts; `retry_at` (aware) is when it works again, if that is known."""
    return _page(request, "429.html", 429, retry_at=retry_at)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: a fault of ours; the request's transaction was rolled back.

    503 when the database was away before the request had a lender, and so a transaction: nothing can have been done.
    """
    if isinstance(sys.exception(), OperationalError) and not hasattr(request, "lender"):
        return unavailable(request)
    return _page(request, "500.html", 500)


def unavailable(request: HttpRequest) -> HttpResponse:
    """503: a part that the portal needs does not answer; nothing was recorded."""
    response = _page(request, "503.html", 503)
    response["Retry-After"] = "30"
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a page that had gone stale: the person signed in or out in another tab since it was opened."""
    logger.warning("A form came from a stale page", extra={"reason": reason})
    return _page(request, "403_csrf.html", 403, again=page_of(request) if request.method == "POST" else "")


def _page(request: HttpRequest, template_name: str, status: int, **context: object) -> HttpResponse:
    try:
        body: str = render_to_string(template_name, {**context, "status": status}, request)
    except Exception:
        logger.exception("The error page itself could not be drawn", extra={"template": template_name})
        body = _("Something went wrong on our side. Nothing was changed. Please try again in a few minutes.")
        reference = getattr(request, "reference", "")
        return HttpResponse(f"{body} {reference}\n", status=status, content_type="text/plain; charset=utf-8")
    response = HttpResponse(body, status=status)
    response["Cache-Control"] = "no-store"
    return response
