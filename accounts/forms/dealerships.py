"""What staff write about dealerships."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.entries import OfficeForm, ReasonField
from accounts.models import Dealership

_PLAIN = {"attrs": {"autocomplete": "off"}}


class _AddressFields(forms.Form):
    kind = forms.ChoiceField(label=_("Kind"), choices=Dealership.Kind.choices)
    street = forms.CharField(label=_("Street"), max_length=120, required=False)
    postal_code = forms.CharField(label=_("Postal code"), max_length=16, required=False)
    town = forms.CharField(label=_("Town"), max_length=80, required=False)
    region = forms.CharField(label=_("State or region"), max_length=40, required=False)
    country = forms.CharField(
        label=_("Country"),
        min_length=2,
        max_length=2,
        help_text=_("Two letters, such as US, FR or GB."),
    )
    phone = forms.CharField(label=_("Phone"), max_length=40, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)

    def clean_country(self) -> str:
        """The code in capitals."""
        return str(self.cleaned_data["country"]).upper()


class DealershipForm(_AddressFields, OfficeForm):
    """A new dealership."""

    number = forms.CharField(
        label=_("Customer number"),
        max_length=20,
        widget=forms.TextInput(**_PLAIN),
        error_messages={"required": _("Enter the number under which you know the dealership.")},
    )
    name = forms.CharField(
        label=_("Name"), max_length=120, error_messages={"required": _("Enter the dealership's name.")}
    )
    field_order = ["number", "name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].initial = self.lender.locale[-2:]


class DealershipChangeForm(_AddressFields, OfficeForm):
    """Another name or address of a dealership."""

    name = forms.CharField(
        label=_("Name"), max_length=120, error_messages={"required": _("Enter the dealership's name.")}
    )
    is_active = forms.BooleanField(
        label=_("Active"),
        required=False,
        help_text=_("When it is not, its people no longer see it. What it owes stays."),
    )
    reason = ReasonField()
    field_order = ["name"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() - {"token", "reason"}:
            self.fields[name].initial = getattr(self.subject, name)
        self.order_fields(
            ["name", *(name for name in self.fields if name not in {"name", "reason"}), "reason"]
        )
