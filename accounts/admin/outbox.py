"""Outgoing messages in the finance office."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.actions.redelivery import send_message_again
from accounts.admin.acts import Act, Sent
from accounts.admin.columns import choice, count, link, moment, state, text
from accounts.admin.office import OfficeAdmin
from accounts.models import OutgoingMessage


def _send_again(row: OutgoingMessage, sent: Sent) -> str:
    send_message_again(actor=sent.actor, message=row, reason=sent.reason, now=sent.now)
    return _now("It goes out again now.")


def _why_not(row: OutgoingMessage) -> str:
    if row.state != OutgoingMessage.State.FAILED:
        return _now("Only a message that was given up can be sent again.")
    if row.is_secret:
        return _now("Its code or link has been erased. The person has to ask for a new one.")
    return ""


@admin.register(OutgoingMessage)
class OutgoingMessageAdmin(OfficeAdmin):
    """Mails and text messages. What is in them is not shown: codes and links are for their readers alone."""

    columns = (
        moment("created_at", _("Ordered")),
        text("recipient", _("To")),
        text("template", _("What"), lambda row: row.template.replace("-", " ").capitalize()),
        state("state", _("State")),
        count("attempts", _("Attempts")),
        text("last_error", _("Last error")),
    )
    facts = (
        choice("channel", _("Channel")),
        text("recipient", _("To")),
        text("template", _("What"), lambda row: row.template.replace("-", " ").capitalize()),
        link("user", _("Person")),
        link("dealership", _("Dealership")),
        state("state", _("State")),
        count("attempts", _("Attempts")),
        text("last_error", _("Last error")),
        moment("created_at", _("Ordered")),
        moment("next_attempt_at", _("Next attempt")),
        moment("sent_at", _("Sent")),
    )
    list_filter = ("state", "channel")
    page_related = ("user", "dealership")
    search_fields = ("recipient",)
    search_help_text = _("The whole address")
    acts = (
        Act(
            name="send-again",
            label=_("Send again"),
            question=_("Send these messages again?"),
            effect=_("Each goes out once more. If that fails, it is given up again."),
            button=_("Send again"),
            perform=_send_again,
            why_not=_why_not,
        ),
    )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the whole address."""
        term = search_term.strip().lower()
        return (queryset.filter(recipient=term) if term else queryset), False

    def name_of(self, row: Any) -> str:
        """What it says and to whom."""
        return f"{row.template.replace('-', ' ').capitalize()}, {row.recipient}"

    def history_subjects(self, row: Any) -> list[str]:
        return [f"message:{row.key}"]
