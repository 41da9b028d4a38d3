"""Who is reached under which address, and addresses for links that leave the portal."""

from django.conf import settings

from accounts.models import LenderHost
from accounts.tenancy import current_lender_id


def lenders_reached() -> list[int]:
    """The ids of all lenders that have a host name, in one order; what a sweep goes through, outside any of them."""
    return sorted(set(LenderHost.objects.values_list("lender_id", flat=True)))


def public_origin() -> str:
    """Scheme, primary host and port of the running block's lender, such as `https://summit.example.com`.

    Never taken from a request: a forged Host header must not reach a mail.
    """
    hosts = LenderHost.objects.filter(lender_id=current_lender_id()).order_by("-is_primary", "host")
    host = hosts.values_list("host", flat=True).first()
    if host is None:
        raise LookupError("This lender has no host name; add one to the registry.")
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    return f"{settings.PUBLIC_SCHEME}://{host}{port}"


def public_url(path: str) -> str:
    """The full address of `path` (which begins with a slash) at the running block's lender."""
    return f"{public_origin()}{path}"
