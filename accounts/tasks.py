"""Work of the accounts app that happens after the request."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from accounts.actions.delivery import claim_message, message_failed, message_sent
from accounts.actions.tidying import forget_stale_records
from accounts.emails import write_mail, write_text
from accounts.gateways.text_messages import TextMessage, sender_of, text_sender
from accounts.models import OutgoingMessage
from accounts.queries.hosts import lenders_reached
from accounts.tenancy import tenant
from accounts.tenant_tasks import sweep_task

logger = logging.getLogger(__name__)

_SWEPT_AT_ONCE = 500


@sweep_task("accounts.tasks.deliver_message")
def deliver_message(lender_id: int, message_id: int) -> bool:
    """Send one ordered message; True when it left. Safe to run twice: only the run that claims it sends.

    Claiming, sending and recording are three steps, so that no transaction waits for a mail server or a text provider.
    A template that cannot be written is treated like a server that does not answer: it is tried again, and given up on
    record.
    """
    with tenant(lender_id):
        message = claim_message(message_id=message_id, now=timezone.now())
    if message is None:
        return False
    try:
        with tenant(lender_id):
            send = _written(message)
        send()
    except Exception as error:  # whatever went wrong, the message must come back
        logger.exception("A message did not leave", extra={"message_key": message.key})
        with tenant(lender_id):
            message_failed(message=message, error=f"{type(error).__name__}: {error}", now=timezone.now())
        return False
    with tenant(lender_id):
        message_sent(message=message, now=timezone.now())
    return True


def _written(message: OutgoingMessage) -> Callable[[], object]:
    """The message in its final words; calling what this returns sends it."""
    if message.channel == OutgoingMessage.Channel.EMAIL:
        return write_mail(message).send
    lender = message.lender
    text = TextMessage(
        key=str(message.public_id),
        recipient=message.recipient,
        sender=sender_of(lender.name),
        mail_sender=lender.mail_sender,
        body=write_text(message),
    )
    return partial(text_sender().send, text)


@sweep_task("accounts.tasks.sweep_outgoing_messages")
def sweep_outgoing_messages() -> int:
    """Order a delivery for every message that is due, at every lender; catches what a lost broker forgot."""
    found = 0
    for lender_id in lenders_reached():
        with tenant(lender_id):
            due = list(
                OutgoingMessage.objects.filter(
                    state__in=[OutgoingMessage.State.WAITING, OutgoingMessage.State.SENDING],
                    next_attempt_at__lte=timezone.now(),
                )
                .order_by("next_attempt_at")
                .values_list("pk", flat=True)[:_SWEPT_AT_ONCE]
            )
        for message_id in due:
            deliver_message.hint(lender_id, message_id)
        found += len(due)
    return found


@sweep_task("accounts.tasks.tidy_up")
def tidy_up() -> None:
    """Drop expired sessions, and at every lender the counters and device lines that serve nothing any more."""
    now = timezone.now()
    SessionStore.clear_expired()
    for lender_id in lenders_reached():
        with tenant(lender_id):
            forget_stale_records(now=now, session_age=timedelta(seconds=settings.SESSION_COOKIE_AGE))
