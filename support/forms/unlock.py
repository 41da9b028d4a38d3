"""What an agent types at the unlock desk."""

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy

from accounts.models import OutgoingMessage

Channel = OutgoingMessage.Channel


class SendForm(forms.Form):
    """Where the code goes: the registered contacts, masked. Without a phone on file there is nothing to choose."""

    channel = forms.ChoiceField(
        label=gettext_lazy("Send it to"),
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": gettext_lazy("Choose one of the registered contacts.")},
    )

    def __init__(self, data: Any = None, *, contact: str, phone: str) -> None:
        super().__init__(data, label_suffix="", initial={"channel": Channel.EMAIL.value})
        choices = [(Channel.EMAIL.value, gettext("E-mail to %(contact)s") % {"contact": contact})]
        if phone:
            choices.append((Channel.SMS.value, gettext("Text message to %(phone)s") % {"phone": phone}))
        self.fields["channel"].choices = choices  # type: ignore[attr-defined]


class CodeForm(forms.Form):
    """The code that the caller reads back."""

    code = forms.CharField(
        label=gettext_lazy("Code that the caller reads to you"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric", "class": "input--code"}),
        error_messages={"required": gettext_lazy("Type the eight digits that the caller reads to you.")},
    )


class UnlockForm(forms.Form):
    """Why the account is opened."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        help_text=gettext_lazy(
            "For the trail, such as “Called from the desk phone, mistyped the new password”."
        ),
        min_length=3,
        max_length=300,
        error_messages={
            "required": gettext_lazy("Say why the account is unlocked."),
            "min_length": gettext_lazy("Say in a few words why the account is unlocked."),
        },
    )
