"""To whom text messages can go."""

import re

from django.conf import settings

from accounts.models import User

_SPACING = re.compile(r"[\s().\-/]")
# An international number (E.164): a plus sign, at most fifteen digits.
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def texts_are_offered() -> bool:
    """Whether this installation can send text messages at all."""
    return bool(settings.SMS_GATEWAY_URL or settings.MAILBOX_DIR)


def text_number(person: User) -> str:
    """The registered mobile phone as a provider wants it; nothing without one, a way to send, or its country code."""
    if not texts_are_offered():
        return ""
    number = _SPACING.sub("", person.phone)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    return number if _NUMBER.fullmatch(number) else ""
