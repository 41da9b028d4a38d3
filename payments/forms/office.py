"""What finance staff write about payments."""

from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms.entries import ReasonForm


class ReturnForm(ReasonForm):
    """The bank's code of a return, and whether the dealer pays the fee for it."""

    code = forms.CharField(
        label=_("The bank's code"),
        max_length=8,
        validators=[RegexValidator(r"^[A-Za-z0-9]+$", _("Letters and digits only, such as R01."))],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Such as R01. It decides what the dealer is told."),
        error_messages={"required": _("Enter the code that the bank gave.")},
    )
    charge_fee = forms.BooleanField(
        label=_("Charge the fee for a returned payment"), required=False, initial=True
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order_fields(["code", "charge_fee", "reason"])
