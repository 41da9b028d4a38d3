"""Forgetting what serves nothing any more."""

from datetime import datetime, timedelta

from allauth.usersessions.models import UserSession
from django.db.models import Q

from accounts.models import SignInGuard

# Long enough that a counter for a name nobody has is forgotten no sooner than anybody could use the difference.
_UNKNOWN_NAMES = timedelta(days=90)


def forget_stale_records(*, now: datetime, session_age: timedelta) -> None:
    """Drop counters of names that nobody has, and lines of the device list whose session is long over."""
    SignInGuard.objects.filter(
        Q(locked_until__isnull=True) | Q(locked_until__lt=now),
        user__isnull=True,
        last_attempt_at__lt=now - _UNKNOWN_NAMES,
    ).delete()
    UserSession.objects.filter(last_seen_at__lt=now - session_age).delete()
