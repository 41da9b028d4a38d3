"""Telling people what happened to their account."""

from typing import Literal

from django.utils import timezone

from accounts.actions.outbox import order_message
from accounts.audit import current_origin
from accounts.models import User

Event = Literal[
    "password_changed",
    "password_reset",
    "factor_added",
    "factor_removed",
    "recovery_codes_renewed",
    "recovery_code_used",
    "new_device",
]


def tell_person(person: User, event: Event, *, detail: str = "", left: int | None = None) -> None:
    """Mail the person that `event` happened, when and from where; no secret and no balance is in it."""
    now = timezone.now()
    order_message(
        key=f"security:{person.pk}:{event}:{now.timestamp():.6f}",
        template="security-notice",
        recipient=person.email,
        context={
            "event": event,
            "detail": detail,
            "left": left,
            "moment": now.isoformat(),
            "address": current_origin().address,
        },
        user=person,
    )
