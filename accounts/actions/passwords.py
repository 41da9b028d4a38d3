"""Passwords: changing one, and the mailed way to a new one."""

from django.contrib.auth.tokens import default_token_generator
from django.db import transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.http import int_to_base36

from accounts.actions.notices import tell_person
from accounts.actions.outbox import order_message
from accounts.actions.sessions import end_other_sessions
from accounts.actions.sign_in_guard import guard_key, note_attempt
from accounts.audit import record
from accounts.encryption import keyed_hash
from accounts.models import SignInAttempt, User


def order_password_reset(*, person: User, actor: User | None = None, reason: str = "") -> None:
    """Mail the person a link to a new password, with the user name; the link works once, for an hour.

    It dies with a sign-in, a new password or a new e-mail address. `actor` is the member of staff who had it sent; None
    where somebody asked for it on the sign-in page, who may be anybody.
    """
    token = default_token_generator.make_token(person)
    path = reverse(
        "account_reset_password_from_key", kwargs={"uidb36": int_to_base36(person.pk), "key": token}
    )
    order_message(
        # The key outlives the mail, in the outbox, the trail and the log: it must not hold what opens the account.
        key=f"password-reset:{person.pk}:{keyed_hash('password reset link', token)[:40]}",
        template="password-reset",
        recipient=person.email,
        context={
            "action_path": path,
            "username": person.username,
            "customer_number": person.customer_number,
            "moment": timezone.now().isoformat(),
        },
        user=person,
        is_secret=True,
    )
    record("password.reset_requested", actor=actor, subject=f"user:{person.username}", reason=reason)


def reset_password(*, person: User, token: str, password: str) -> User | None:
    """Use a mailed link: set the already validated password and return the person as stored.

    None when the link has died meanwhile, or the account is off: of several who use one link at once, one gets through.
    """
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=person.pk)
        if not locked.is_active or not default_token_generator.check_token(locked, token):
            return None
        set_password(actor=locked, person=locked, password=password, by_reset=True)
        return locked


def set_password(
    *, actor: User, person: User, password: str, by_reset: bool, keep_session: str | None = None
) -> None:
    """Give the person a new, already validated password.

    Every other session ends, other mailed links die, the person is told. A lock stays until the next complete sign-in:
    the mailbox alone does not open a locked account.
    """
    with transaction.atomic():
        person.set_password(password)
        person.save(update_fields=["password"])
        end_other_sessions(actor=actor, person=person, keep=keep_session)
        if by_reset:
            note_attempt(
                person=person,
                key=guard_key(person),
                outcome=SignInAttempt.Outcome.PASSWORD_RESET,
                user_agent="",
            )
        record(
            "password.reset" if by_reset else "password.changed",
            actor=actor,
            subject=f"user:{person.username}",
        )
        tell_person(person, "password_reset" if by_reset else "password_changed")
