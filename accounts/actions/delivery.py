"""The life of an ordered message: claimed, sent or tried again, given up after a day."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from accounts.audit import record
from accounts.models import OutgoingMessage

# While one worker sends, no other touches the message; a worker that died lets go of it after this.
CLAIM = timedelta(minutes=5)
LADDER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=2),
    timedelta(hours=4),
)
GIVE_UP_AFTER = timedelta(hours=24)


def claim_message(*, message_id: int, now: datetime) -> OutgoingMessage | None:
    """Take a message that is due; None when it is sent, given up, not due yet, or in another worker's hands."""
    claimed = OutgoingMessage.objects.filter(
        Q(state=OutgoingMessage.State.WAITING) | Q(state=OutgoingMessage.State.SENDING),
        pk=message_id,
        next_attempt_at__lte=now,
    ).update(state=OutgoingMessage.State.SENDING, attempts=F("attempts") + 1, next_attempt_at=now + CLAIM)
    return OutgoingMessage.objects.get(pk=message_id) if claimed == 1 else None


def message_sent(*, message: OutgoingMessage, now: datetime) -> None:
    """The message has left; what was secret in it is forgotten."""
    message.state = OutgoingMessage.State.SENT
    message.sent_at = now
    message.last_error = ""
    if message.is_secret:
        message.context = {}
    message.save(update_fields=["state", "sent_at", "last_error", "context"])


def message_failed(*, message: OutgoingMessage, error: str, now: datetime) -> None:
    """The message did not leave: the next try comes later and later; after a day it is given up, on record.

    Nothing happens when this worker took longer than its claim and another has the message by now, or has sent it.
    """
    with transaction.atomic():
        held = (
            OutgoingMessage.objects.select_for_update()
            .filter(pk=message.pk, state=OutgoingMessage.State.SENDING, attempts=message.attempts)
            .first()
        )
        if held is None:
            return
        held.last_error = error[:300]
        pause = LADDER[min(held.attempts, len(LADDER)) - 1]
        if now + pause > held.created_at + GIVE_UP_AFTER:
            held.state = OutgoingMessage.State.FAILED
            if held.is_secret:
                held.context = {}
            record(
                "message.given_up",
                actor=None,
                subject=f"message:{held.key}",
                details={"error": held.last_error},
            )
        else:
            held.state = OutgoingMessage.State.WAITING
            held.next_attempt_at = now + pause
        held.save(update_fields=["state", "next_attempt_at", "last_error", "context"])
