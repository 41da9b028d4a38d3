"""Ending sessions."""

from allauth.usersessions.models import UserSession
from django.db import transaction

from accounts.audit import record
from accounts.models import User


def end_sessions(*, actor: User, person: User, sessions: list[UserSession]) -> int:
    """Sign the given browsers of `person` out; their next request finds nobody signed in. Returns how many."""
    with transaction.atomic():
        for session in sessions:
            if session.user_id != person.pk:
                raise ValueError("A session of another person.")
            session.end()
        if sessions:
            record(
                "session.ended",
                actor=actor,
                subject=f"user:{person.username}",
                details={"count": len(sessions)},
            )
    return len(sessions)


def end_other_sessions(*, actor: User, person: User, keep: str | None) -> int:
    """Sign every browser of `person` out but the one whose session key is `keep`."""
    others = UserSession.objects.filter(user=person).exclude(session_key=keep or "")
    return end_sessions(actor=actor, person=person, sessions=list(others))
