"""The end points of a sign-in: complete, and signed out."""

from django.db import transaction
from django.utils import timezone

from accounts.actions.notices import tell_person
from accounts.actions.sign_in_guard import clear_failures, guard_key, note_attempt
from accounts.audit import record
from accounts.models import SignInAttempt, User
from accounts.queries.sessions import device_name


def complete_sign_in(*, person: User, user_agent: str) -> None:
    """Everything that was asked has been shown: the counters start afresh, the log says so.

    Somebody who has signed in before and does so from a kind of device never seen is told by mail.
    """
    with transaction.atomic():
        clear_failures(person, now=timezone.now())
        before = SignInAttempt.objects.filter(user=person, outcome=SignInAttempt.Outcome.SIGNED_IN)
        known = {device_name(agent) for agent in before.values_list("user_agent", flat=True).distinct()}
        if known and device_name(user_agent) not in known:
            tell_person(person, "new_device", detail=device_name(user_agent))
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
