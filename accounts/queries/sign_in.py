"""What the record says about somebody's sign-in."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import SignInAttempt, SignInGuard, User


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock in force. `until` far in the future (`until_lifted`) means that time alone does not end it."""

    proof: SignInGuard.Proof
    since: datetime
    until: datetime
    failures: int
    until_lifted: bool


def locks_of(person: User, now: datetime) -> list[Lock]:
    """The locks in force on a person's password and second factor."""
    guards = SignInGuard.objects.filter(user=person, locked_until__gt=now).order_by("proof")
    return [
        Lock(
            proof=SignInGuard.Proof(guard.proof),
            since=guard.last_attempt_at,
            until=guard.locked_until,
            failures=guard.failures,
            until_lifted=guard.locked_until.year >= 9999,
        )
        for guard in guards
    ]


def recent_attempts(person: User, limit: int = 20) -> list[SignInAttempt]:
    """The latest entries of a person's sign-in log, newest first."""
    return list(SignInAttempt.objects.filter(user=person).order_by("-recorded_at", "-pk")[:limit])
