"""Text messages: one HTTP request to a provider, or a file in the demo's mailbox (`docs/integrators/text-messages.md`).

Never called inside a transaction. Whatever goes wrong is raised, and the outbox tries again.
"""

import re
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Protocol

import requests
from django.conf import settings

# Seconds to reach the provider, and to wait for its answer.
TIMEOUT = (3.05, 10.0)
_TAKEN = frozenset({200, 201, 202})
_LONGEST_NAME = 11


class NotTakenError(RuntimeError):
    """The provider did not take the message."""


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A text to one phone. `key` is the same at every try; `mail_sender` tells the lenders apart in the demo's mailbox.

    What it says may be a code, so it is kept out of every text about this object.
    """

    key: str
    recipient: str
    sender: str
    mail_sender: str
    body: str = field(repr=False)


class TextSender(Protocol):
    """One way by which text messages leave."""

    def send(self, message: TextMessage) -> None:
        """Hand the message over; raises when it was not taken, or nobody knows."""


class HttpTextSender:
    """Posts the form of Twilio's Messages resource, which other providers take as well."""

    def __init__(self, url: str, secret: str) -> None:
        self.url = url
        self.secret = secret

    def send(self, message: TextMessage) -> None:
        """Post it; NotTakenError for anything but a plain yes, and requests' own errors on the way."""
        user, colon, password = self.secret.partition(":")
        headers = {"Idempotency-Key": message.key}
        if self.secret and not colon:
            headers["Authorization"] = f"Bearer {self.secret}"
        with requests.Session() as session:
            # The way out is the configured address, not whatever proxy or password file the environment names.
            session.trust_env = False
            answer = session.post(
                self.url,
                data={"To": message.recipient, "From": message.sender, "Body": message.body},
                headers=headers,
                auth=(user, password) if colon else None,
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            )
            if answer.status_code not in _TAKEN:
                raise NotTakenError(f"HTTP {answer.status_code}")


class FolderTextSender:
    """Writes each message as a file beside the demo's mails, where the mailbox page finds it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def send(self, message: TextMessage) -> None:
        """Write it; the same key again writes the same file."""
        letter = EmailMessage()
        letter["From"] = f"{message.sender} <{message.mail_sender}>"
        letter["To"] = message.recipient
        letter["Subject"] = f"Text message to {message.recipient}"
        letter.set_content(message.body)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"text-{message.key}.eml").write_bytes(letter.as_bytes())


def text_sender() -> TextSender:
    """How text messages leave this installation; LookupError where there is no way."""
    if settings.SMS_GATEWAY_URL:
        return HttpTextSender(settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_SECRET)
    if settings.MAILBOX_DIR:
        return FolderTextSender(Path(settings.MAILBOX_DIR))
    raise LookupError("Text messages have no way out; set SMS_GATEWAY_URL.")


def sender_of(lender_name: str) -> str:
    """The name or number from which a lender's messages come: the configured one, else what fits of the lender's."""
    plain = re.sub(r"[^A-Za-z0-9 ]", "", lender_name)
    return settings.SMS_SENDER or plain[:_LONGEST_NAME].strip() or "Portal"
