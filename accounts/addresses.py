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
        # A link-local address names its network card behind a percent sign, which the database takes for no address.
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    # One visitor has one spelling, whether the server listens on IPv4 or on both.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return str(mapped or found)
