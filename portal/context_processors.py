"""What every page's frame needs: the lender's brand, the way around, the business date."""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender
from accounts.permissions import Access


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the rail: shown to people who may do `action` (anybody signed in when it is None)."""

    label: Promise
    url_name: str
    action: str | None
    kinds: frozenset[str]


_DEALER, _FINANCE, _SUPPORT = frozenset({"dealer"}), frozenset({"finance"}), frozenset({"support"})
_EVERYBODY = frozenset({"dealer", "finance", "support", "operator"})

ENTRIES = (
    Entry(_("Dashboard"), "portal:dashboard", "balances.view", _DEALER),
    Entry(_("Units"), "finance:unit-list", "balances.view", _DEALER),
    Entry(_("Loans"), "finance:loan-list", "balances.view", _DEALER),
    Entry(_("Payments"), "payments:payment-list", "payments.view", _DEALER),
    Entry(_("Statements"), "finance:statement-list", "statements.view", _DEALER),
    Entry(_("Help"), "support:ticket-list", "tickets.view", _DEALER),
    Entry(_("Tickets"), "support:queue", "tickets.work", _SUPPORT),
    Entry(_("Unlock desk"), "support:unlock-search", "people.unlock", _SUPPORT),
    Entry(_("Finance office"), "admin:index", "finance.office", _FINANCE),
    Entry(_("Security"), "accounts:security", None, _EVERYBODY),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Give templates `lender`, `brand`, `access`, `navigation`, `switcher` and what else the frame shows.

    Everything comes from what the middleware already loaded: no query, so that error pages can use it too.
    """
    lender: Lender | None = getattr(request, "lender", None)
    access: Access | None = getattr(request, "access", None)
    return {
        "demo": settings.DEMO,
        "lender": lender,
        "brand": brand_of(lender, access),
        "access": access,
        "navigation": navigation_of(request, access),
        "switcher": switcher_of(access),
        "search_url": reverse("portal:search") if _may_search(access) else "",
        "business_date": access.business_date if access else None,
        "reference": getattr(request, "reference", ""),
        "session_seconds": settings.SESSION_IDLE_SECONDS if access else 0,
    }


def brand_of(lender: Lender | None, access: Access | None = None) -> dict[str, str]:
    """Return the name, addresses and help lines that the frame shows; neutral ones where no lender is known."""
    if lender is None:
        return {
            "name": "Forecourt",
            "letter": "F",
            "css_url": f"{reverse('portal:brand-css')}?v=0",
            "icon_url": f"{reverse('portal:brand-icon')}?v=0",
            "home_url": "/",
        }
    version = hashlib.sha256(f"{lender.name}{lender.accent_colour}{lender.logo_svg}".encode()).hexdigest()[
        :10
    ]
    return {
        "name": lender.name,
        "letter": lender.name[:1].upper(),
        "css_url": f"{reverse('portal:brand-css')}?v={version}",
        "icon_url": f"{reverse('portal:brand-icon')}?v={version}",
        "logo_url": f"{reverse('portal:brand-logo')}?v={version}" if lender.logo_svg else "",
        "home_url": reverse("portal:dashboard"),
        "support_phone": lender.support_phone,
        "support_dial": re.sub(r"[^0-9+]", "", lender.support_phone),
        "support_email": lender.support_email,
        "support_hours": lender.support_hours,
        "person": (access.user.get_full_name() or access.user.get_username()) if access else "",
        "sign_out_url": reverse("account_logout"),
    }


def navigation_of(request: HttpRequest, access: Access | None) -> list[dict[str, object]]:
    """Return the rail's entries for this person, the one that holds the present page marked."""
    if access is None or not access.factor_satisfied:
        return []
    shown = [
        (entry.label, address)
        for entry in ENTRIES
        if access.kind in entry.kinds
        and (entry.action is None or access.may(entry.action))
        and (address := _address(entry.url_name))
    ]
    here = max((url for _label, url in shown if _holds(url, request.path)), key=len, default="")
    return [{"label": label, "url": url, "current": url == here} for label, url in shown]


def _may_search(access: Access | None) -> bool:
    return access is not None and access.factor_satisfied and access.may("tickets.view")


def _address(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


def _holds(url: str, path: str) -> bool:
    return path == url if url == "/" else path.startswith(url)


def switcher_of(access: Access | None) -> dict[str, object]:
    """Return the dealership on the screen and, for people of several, the others."""
    if access is None or access.dealership is None:
        return {}
    options = []
    if len(access.memberships) > 1:
        options = [
            {
                "value": str(row.dealership.public_id),
                "label": row.dealership.name,
                "current": row.dealership_id == access.dealership.pk,
            }
            for row in access.memberships
        ]
    return {
        "current": access.dealership.name,
        "options": options,
        "url": reverse("accounts:switch-dealership") if options else "",
    }
