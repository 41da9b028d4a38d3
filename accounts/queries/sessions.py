"""The browsers in which somebody is signed in."""

import re
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.encryption import keyed_hash
from accounts.models import User

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class OpenSession:
    """One line of the list. `handle` names it in addresses; the session's key itself never leaves the server."""

    handle: str
    device: str
    address: str
    started_at: datetime
    last_seen_at: datetime
    is_this_one: bool
    row: UserSession


def open_sessions(person: User, current_key: str | None) -> list[OpenSession]:
    """The living sessions of a person, this one first, then the latest seen; dead rows are left out."""
    rows = list(UserSession.objects.filter(user=person).order_by("-last_seen_at"))
    alive = set(
        Session.objects.filter(
            session_key__in=[row.session_key for row in rows], expire_date__gt=timezone.now()
        ).values_list("session_key", flat=True)
    )
    sessions = [
        OpenSession(
            handle=keyed_hash("session", row.session_key)[:32],
            device=device_name(row.user_agent),
            address=row.ip,
            started_at=row.created_at,
            last_seen_at=row.last_seen_at,
            is_this_one=row.session_key == current_key,
            row=row,
        )
        for row in rows
        if row.session_key in alive
    ]
    return sorted(sessions, key=lambda session: not session.is_this_one)


def device_name(user_agent: str) -> str:
    """What people call the device behind a User-Agent header: “Firefox on Windows”."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    plain = re.sub(r"[^\w ./()-]", "", user_agent)[:40]
    return browser or system or plain or _("Unknown device")
