"""Writing mails and text messages."""

import re
from datetime import datetime
from typing import Any

from django.core.mail import EmailMultiAlternatives
from django.template import Context
from django.template.loader import get_template, render_to_string
from django.utils import timezone, translation

from accounts.models import OutgoingMessage
from accounts.queries.hosts import public_origin


def write_mail(message: OutgoingMessage) -> EmailMultiAlternatives:
    """The mail of an ordered message: subject, text and HTML with the same facts, in the lender's name and clock.

    Templates get the message's context and `lender`, `person`, `dealership`, `origin` (scheme and primary host), the
    HTML one also `subject`. `action_path` of the context becomes `action_url`, the full address of the one action.
    Values whose name is `moment` or ends in `_at`, `_until` or `_moment` are datetimes again; those ending in `_on` or
    `_date` are dates.
    """
    lender = message.lender
    context = _context(message)
    with translation.override(lender.language), timezone.override(lender.zone):
        subject = " ".join(_plain(f"emails/{message.template}.subject", context).split())
        text = re.sub(r"\n{3,}", "\n\n", _plain(f"emails/{message.template}.txt", context)).strip() + "\n"
        page = render_to_string(f"emails/{message.template}.html", {**context, "subject": subject})
    sender = f'"{lender.name.replace(chr(34), "")}" <{lender.mail_sender}>'
    mail = EmailMultiAlternatives(
        subject=subject,
        body=text,
        from_email=sender,
        to=[message.recipient],
        reply_to=[lender.support_email],
        headers={
            "Auto-Submitted": "auto-generated",
            # The same for every try, so that a mail sent twice is seen as one.
            "Message-ID": f"<{message.public_id}@{lender.mail_sender.partition('@')[2]}>",
        },
    )
    mail.attach_alternative(page, "text/html")
    return mail


def write_text(message: OutgoingMessage) -> str:
    """The words of an ordered text message, from `templates/texts/<template>.txt`, in one paragraph."""
    lender = message.lender
    with translation.override(lender.language), timezone.override(lender.zone):
        return " ".join(_plain(f"texts/{message.template}.txt", _context(message)).split())


def _context(message: OutgoingMessage) -> dict[str, Any]:
    origin = public_origin()
    context: dict[str, Any] = {name: _read(name, value) for name, value in message.context.items()}
    context |= {
        "lender": message.lender,
        "person": message.user,
        "dealership": message.dealership,
        "origin": origin,
    }
    if "action_path" in context:
        context["action_url"] = f"{origin}{context['action_path']}"
    return context


def _plain(template_name: str, context: dict[str, Any]) -> str:
    """Text without HTML escapes: in a plain mail `O'Hara` must not read `O&#x27;Hara`."""
    template: Any = get_template(template_name)
    return str(template.template.render(Context(context, autoescape=False)))


def _read(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if name == "moment" or name.endswith(("_at", "_until", "_moment")):
        return datetime.fromisoformat(value)
    if name.endswith(("_on", "_date")):
        return datetime.fromisoformat(value).date()
    return value
