"""Asking, answering, noting."""

import uuid
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Dealership
from support.forms.uploads import AttachmentsField
from support.models import Ticket, TicketMessage
from support.queries.subjects import KINDS, Subject, find_subject, subject_of

_LONGEST_MESSAGE = TicketMessage._meta.get_field("body").max_length


def _message_field(label: Any, missing: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=_LONGEST_MESSAGE,
        widget=forms.Textarea(attrs={"rows": 7}),
        error_messages={
            "required": missing,
            "max_length": gettext_lazy(
                "The message is %(show_value)s characters long; %(limit_value)s fit. Attach a long text as a file."
            ),
        },
    )


class _TokenForm(forms.Form):
    """A form that carries its page's token, so that the same page sent twice writes once."""

    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.fields["token"].initial = uuid.uuid4

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if "token" in self.errors:
            # The hidden field has no place of its own on the page to show an error in.
            del self.errors["token"]
            self.renew_token()
            raise ValidationError(_("This page was not complete. Open it again, then send once more."))
        return cleaned

    def renew_token(self) -> None:
        """Let the page be sent again as another message, with what was typed kept."""
        data = QueryDict(mutable=True)
        data.update(self.data)
        data[self.add_prefix("token")] = str(uuid.uuid4())
        self.data = data

    def say_already_written(self) -> None:
        """Refuse the page because its token has carried another message, and let it be sent again."""
        self.renew_token()
        self.add_error(
            None,
            _(
                "This page has already sent a message. If what stands here is a further one, send it now; nothing "
                "was lost."
            ),
        )


class TicketForm(_TokenForm):
    """A new ticket of `dealership`."""

    topic = forms.ChoiceField(
        label=gettext_lazy("Topic"),
        choices=[("", gettext_lazy("Choose one")), *Ticket.Topic.choices],
        error_messages={
            "required": gettext_lazy("Choose what it is about."),
            "invalid_choice": gettext_lazy("Choose what it is about."),
        },
    )
    about = forms.CharField(
        label=gettext_lazy("About which unit, loan, payment or statement"),
        help_text=gettext_lazy("Its number, the stock number, or the last six of the VIN."),
        required=False,
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "input--medium"}
        ),
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        max_length=Ticket._meta.get_field("subject").max_length,
        error_messages={"required": gettext_lazy("Say in a few words what it is about.")},
    )
    message = _message_field(gettext_lazy("Message"), gettext_lazy("Write your question."))
    attachments = AttachmentsField()
    chosen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *arguments: Any, dealership: Dealership, chosen: Subject | None = None, **options: Any
    ) -> None:
        self.dealership = dealership
        super().__init__(*arguments, **options)
        if chosen is not None:
            self.fields["chosen"].initial = f"{chosen.kind}:{chosen.public_id}"
        self.about_subject: Subject | None = chosen
        if self.is_bound:
            self.about_subject = parse_subject(str(self.data.get("chosen", "")), dealership)
        if self.about_subject is not None:
            # Known already: nobody is asked to type what the page says.
            del self.fields["about"]

    def clean_about(self) -> str:
        """Find what the number names, in this dealership."""
        text = str(self.cleaned_data["about"])
        if text:
            self.about_subject = find_subject(text, self.dealership)
            if self.about_subject is None:
                raise ValidationError(
                    _("Nothing of %(dealership)s has the number “%(text)s”. Check it, or leave this empty.")
                    % {"dealership": self.dealership.name, "text": text}
                )
        return text


def parse_subject(text: str, dealership: Dealership) -> Subject | None:
    """What `kind:public-id` names in this dealership, or None."""
    kind, _colon, key = text.partition(":")
    if kind not in KINDS:
        return None
    try:
        return subject_of(kind, uuid.UUID(key), dealership)
    except ValueError:
        return None


class AnswerForm(_TokenForm):
    """A dealer's further message."""

    message = _message_field(gettext_lazy("Your answer"), gettext_lazy("Write your answer."))
    attachments = AttachmentsField()


class AgentAnswerForm(_TokenForm):
    """An agent's answer to the dealer, and where it leaves the ticket."""

    prefix = "answer"

    message = _message_field(gettext_lazy("Answer to the dealer"), gettext_lazy("Write your answer."))
    attachments = AttachmentsField()
    then = forms.ChoiceField(
        label=gettext_lazy("Then the ticket is"),
        choices=[
            (Ticket.State.WAITING, gettext_lazy("waiting for the dealer")),
            (Ticket.State.OPEN, gettext_lazy("still in work")),
            (Ticket.State.SOLVED, gettext_lazy("solved")),
        ],
        initial=Ticket.State.WAITING,
        error_messages={"invalid_choice": gettext_lazy("Choose one of the states.")},
        widget=forms.Select(attrs={"class": "input--medium"}),
    )


class NoteForm(_TokenForm):
    """A note among agents."""

    prefix = "note"

    message = _message_field(gettext_lazy("Internal note"), gettext_lazy("Write the note."))
    attachments = AttachmentsField()
