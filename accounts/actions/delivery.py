"""The life of an ordered message: claimed, sent or tried again, given up after a day."""

from datetime import datetime, timedelta

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
    """The message did not leave: the next try comes later and later; after a day it is given up, on record."""
    message.last_error = error[:300]
    pause = LADDER[min(message.attempts, len(LADDER)) - 1]
    if now + pause > message.created_at + GIVE_UP_AFTER:
        message.state = OutgoingMessage.State.FAILED
        if message.is_secret:
            message.context = {}
        record(
            "message.given_up",
            actor=None,
            subject=f"message:{message.key}",
            details={"error": message.last_error},
        )
    else:
        message.state = OutgoingMessage.State.WAITING
        message.next_attempt_at = now + pause
    message.save(update_fields=["state", "next_attempt_at", "last_error", "context"])
