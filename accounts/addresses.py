"""The one function that says where a request came from."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client_address(request: HttpRequest) -> str | None:
    """The visitor's address, counted from the right of X-Forwarded-For past our own proxies.

    With TRUSTED_PROXY_COUNT = 0 the header is ignored; entries that visitors add stand further left and buy nothing.
    None when the server does not know (a unix socket).
    """
    address = request.META.get("REMOTE_ADDR") or ""
    count = settings.TRUSTED_PROXY_COUNT
    if count:
        entries = [
            entry.strip()
            for entry in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
            if entry.strip()
        ]
        if len(entries) >= count:
            address = entries[-count]
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        return None
