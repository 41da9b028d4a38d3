"""Sending a given-up message once more."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions.outbox import hint_message
from accounts.audit import record
from accounts.models import OutgoingMessage, User


def send_message_again(
    *, actor: User, message: OutgoingMessage, reason: str, now: datetime
) -> OutgoingMessage:
    """Put a given-up message back into the outbox for one more try. Raises ValidationError when it cannot go again.

    A secret one (a code, a link) was emptied when it was given up, so the person has to ask for a new one.
    """
    if message.is_secret:
        raise ValidationError(_("Its code or link has been erased. The person has to ask for a new one."))
    with transaction.atomic():
        waiting = OutgoingMessage.objects.filter(pk=message.pk, state=OutgoingMessage.State.FAILED).update(
            state=OutgoingMessage.State.WAITING, next_attempt_at=now
        )
        if not waiting:
            raise ValidationError(_("Only a message that was given up can be sent again."))
        record(
            "message.sent-again",
            actor=actor,
            subject=f"message:{message.key}",
            dealership=message.dealership_id,
            reason=reason,
        )
        hint_message(message)
    message.refresh_from_db()
    return message
