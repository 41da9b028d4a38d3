"""Codes, and the set-up of second factors."""

from django import forms
from django.utils.translation import gettext_lazy as _


class CodeForm(forms.Form):
    """A code for one factor."""

    factor = forms.UUIDField(widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("Code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
        error_messages={"required": _("Enter the code.")},
    )


class RecoveryCodeForm(forms.Form):
    """One of the recovery codes; letters, so no number pad."""

    factor = forms.UUIDField(widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("Recovery code"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
        help_text=_("Such as 4K7M-9QWX-2TBHC. Each code works once."),
        error_messages={"required": _("Enter one of your recovery codes.")},
    )


class MailboxForm(forms.Form):
    """The code that proves the mailbox before a first factor is set up."""

    code = forms.CharField(
        label=_("Code from the e-mail"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
        error_messages={"required": _("Enter the code from the e-mail.")},
    )


class AuthenticatorForm(forms.Form):
    """The first code of a new authenticator, and what to call it."""

    code = forms.CharField(
        label=_("Code from the app"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        help_text=_("Six digits, new every 30 seconds."),
        error_messages={"required": _("Enter the six digits that the app shows.")},
    )
    name = forms.CharField(
        label=_("Name of this app"),
        max_length=64,
        required=False,
        help_text=_("Such as “Work phone”, to tell several apart."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
