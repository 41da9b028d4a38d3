"""What every page of this app asks of its request."""

from typing import cast

from django.http import HttpRequest

from accounts.models import Dealership
from accounts.permissions import Access


def access_of(request: HttpRequest) -> Access:
    """The access of the signed-in person; only behind `allowed_to`."""
    return cast(Access, request.access)  # type: ignore[attr-defined]


def dealership_of(request: HttpRequest) -> Dealership:
    """The dealership on the screen; only behind an action that is a dealer's."""
    return cast(Dealership, access_of(request).dealership)


def address_with(request: HttpRequest, **changes: str | None) -> str:
    """The present address with some parameters set (or, with None, taken out), back on the first page."""
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        if value is None:
            query.pop(name, None)
        else:
            query[name] = value
    return f"?{query.urlencode()}"
