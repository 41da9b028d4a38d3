"""The form of the demo's components page: one field of each kind."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender
from finance.forms import MoneyField


class ComponentsForm(forms.Form):
    """Every kind of field, with rules that a visitor can break to see the messages."""

    vin = forms.CharField(
        label=_("Last six of the VIN"),
        min_length=6,
        max_length=6,
        help_text=_("On the registration and on the windscreen."),
        error_messages={"required": _("Enter the last six characters of the VIN.")},
    )
    due_on = forms.DateField(
        label=_("Pay on"),
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": _("Enter the day on which it shall count.")},
    )
    account = forms.ChoiceField(
        label=_("Account"),
        choices=[("", _("Choose an account")), ("a", "Operating ·· 4410"), ("b", "Reserve ·· 7702")],
    )
    how = forms.ChoiceField(
        label=_("What to pay"),
        widget=forms.RadioSelect,
        choices=[("due", _("What is due")), ("payoff", _("The whole payoff"))],
        error_messages={"required": _("Choose what to pay.")},
    )
    message = forms.CharField(label=_("Note for the lender"), widget=forms.Textarea, required=False)
    document = forms.FileField(
        label=_("Bill of sale"), required=False, help_text=_("PDF or picture, up to 10 MB.")
    )
    password = forms.CharField(
        label=_("Password"), widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    code = forms.CharField(
        label=_("Code"),
        max_length=6,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
        help_text=_("Six digits from your authenticator app."),
    )
    agreed = forms.BooleanField(
        label=_("I may pay from this account"),
        error_messages={"required": _("Confirm that you may pay from this account.")},
    )

    field_order = ("vin", "amount", "due_on", "account", "how")

    def __init__(self, *args: Any, lender: Lender, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = MoneyField(
            label=_("Amount"),
            lender=lender,
            at_least=Decimal("0.01"),
            at_most=Decimal("12340.00"),
            error_messages={"required": _("Enter the amount to pay.")},
        )
        self.order_fields(self.field_order)
