"""An address that takes forms only, opened as a page, or the other way round."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from portal.views.errors import method_not_allowed


class MethodMiddleware:
    """Gives a bare 405 its words. What programs post to answers with words of its own or stays bare."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or response.streaming or response.content:
            return response
        said = method_not_allowed(request)
        said["Allow"] = response["Allow"]
        return said
