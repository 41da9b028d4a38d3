"""When a helper is down, people read a plain sentence, never a traceback."""

import logging
from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse

from portal.views.errors import unavailable

logger = logging.getLogger(__name__)


class OutageMiddleware:
    """Answers 503 in words when the database stalls or cuts a statement off; the view's work was rolled back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Django asks this for an exception of a view, after the view's savepoint was rolled back."""
        if isinstance(exception, OperationalError):
            logger.error("The database did not answer in time", exc_info=exception)
            return unavailable(request)
        return None
