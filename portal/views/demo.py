"""Two pages that exist in the demo only: who can sign in, and the mailbox where its mails land."""

import email
import email.policy
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.demo.cast import LENDERS

_SEPARATOR = b"-" * 79
_SHOWN = 30


@dataclass(frozen=True, slots=True)
class Mail:
    """One delivered mail, as its text part shows it."""

    recipient: str
    subject: str
    text: str
    delivered_at: datetime


@require_safe
def logins(request: HttpRequest) -> HttpResponse:
    """The invented people of this lender and their passwords."""
    slug = request.lender.slug  # type: ignore[attr-defined]
    people = [person for lender in LENDERS if lender.slug == slug for person in lender.people]
    return render(request, "portal/demo_logins.html", {"people": people})


@require_safe
def mailbox(request: HttpRequest) -> HttpResponse:
    """Mails and text messages that this lender sent, newest first."""
    sender = request.lender.mail_sender  # type: ignore[attr-defined]
    folder = settings.MAILBOX_DIR
    mails = _mails_from(sender, Path(folder)) if folder else []
    return render(request, "portal/demo_mailbox.html", {"mails": mails})


def _mails_from(sender: str, folder: Path) -> list[Mail]:
    mails: list[Mail] = []
    if not folder.is_dir():
        return mails
    for file in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True):
        delivered_at = datetime.fromtimestamp(file.stat().st_mtime, tz=timezone.get_current_timezone())
        for block in reversed(file.read_bytes().split(b"\n" + _SEPARATOR + b"\n")):
            if not block.strip():
                continue
            message = email.message_from_bytes(block, policy=email.policy.default)
            if sender in str(message["From"]):
                body = message.get_body(("plain",))
                text = body.get_content() if body else ""
                mails.append(Mail(str(message["To"]), str(message["Subject"]), text.strip(), delivered_at))
        if len(mails) >= _SHOWN:
            break
    return mails[:_SHOWN]
