"""What an agent types at the unlock desk."""

from django import forms
from django.utils.translation import gettext_lazy


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
