"""The end points of a sign-in: complete, and signed out."""

from django.db import transaction

from accounts.actions.sign_in_guard import clear_failures, guard_key, note_attempt
from accounts.audit import record
from accounts.models import SignInAttempt, User


def complete_sign_in(*, person: User, user_agent: str) -> None:
    """Everything that was asked has been shown: the counters start afresh, the log says so."""
    with transaction.atomic():
        clear_failures(person)
        note_attempt(
            person=person,
            key=guard_key(person),
            outcome=SignInAttempt.Outcome.SIGNED_IN,
            user_agent=user_agent,
        )
        record("sign_in.completed", actor=person, subject=f"user:{person.username}")


def sign_out(*, person: User, user_agent: str) -> None:
    """Write a sign-out down; the session itself is ended by the caller."""
    with transaction.atomic():
        note_attempt(
            person=person,
            key=guard_key(person),
            outcome=SignInAttempt.Outcome.SIGNED_OUT,
            user_agent=user_agent,
        )
        record("sign_in.ended", actor=person, subject=f"user:{person.username}")
