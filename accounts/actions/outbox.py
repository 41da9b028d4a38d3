"""Ordering a message in the transaction that causes it."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Dealership, OutgoingMessage, User
from accounts.tenancy import current_scope
from accounts.tenant_tasks import hint_by_name


def order_message(
    *,
    key: str,
    template: str,
    recipient: str,
    context: Mapping[str, Any],
    channel: OutgoingMessage.Channel = OutgoingMessage.Channel.EMAIL,
    user: User | None = None,
    dealership: Dealership | None = None,
    is_secret: bool = False,
) -> OutgoingMessage:
    """Order a mail or text message; it leaves after commit, and the sweep sends it if the broker loses the hint.

    `key` makes the order repeatable: the same key again returns the first row and sends nothing twice. `template`
    names `templates/emails/<template>.{subject,txt,html}`, or of a text `templates/texts/<template>.txt`; `context`
    must be JSON.
    """
    message, created = OutgoingMessage.objects.get_or_create(
        lender_id=current_scope().lender_id,
        key=key,
        defaults={
            "template": template,
            "recipient": recipient,
            "context": dict(context),
            "channel": channel,
            "user": user,
            "dealership": dealership,
            "is_secret": is_secret,
            "next_attempt_at": timezone.now(),
        },
    )
    if created:
        hint_message(message)
    return message


def hint_message(message: OutgoingMessage) -> None:
    """Tell a worker after commit; with the broker down the row waits for the sweep.

    By name, because the task calls actions and stands above them.
    """
    lender_id, message_id = message.lender_id, message.pk
    transaction.on_commit(
        lambda: hint_by_name("accounts.tasks.deliver_message", lender_id, message_id), robust=True
    )
