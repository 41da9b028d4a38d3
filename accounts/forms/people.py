"""What staff write about people and what they may do."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.choices import TenantChoiceField
from accounts.forms.entries import OfficeForm, ReasonField
from accounts.models import Dealership, Membership, User

_KINDS = [
    (User.Kind.DEALER.value, _("Dealer")),
    (User.Kind.FINANCE.value, _("Finance staff")),
    (User.Kind.SUPPORT.value, _("Support agent")),
]


class PersonForm(OfficeForm):
    """A new person. There is no password here: the person chooses one by a mailed link."""

    kind = forms.ChoiceField(label=_("Kind"), choices=_KINDS)
    full_name = forms.CharField(
        label=_("Name"), max_length=100, error_messages={"required": _("Enter the person's name.")}
    )
    username = forms.CharField(
        label=_("User name"),
        max_length=60,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        help_text=_("No spaces, no @, and not only digits."),
        error_messages={"required": _("Enter a user name.")},
    )
    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Enter an e-mail address. Codes and links go there.")},
    )
    phone = forms.CharField(label=_("Mobile phone"), max_length=40, required=False)
    customer_number = forms.CharField(
        label=_("Customer number"),
        max_length=20,
        required=False,
        help_text=_("If the person signs in with one."),
    )
    dealership = TenantChoiceField(
        Dealership,
        found_by=(Membership, "dealership"),
        label=_("Dealership"),
        required=False,
        help_text=_("For dealers. More can be added on the person's page."),
    )
    role = forms.ChoiceField(
        label=_("Role there"), choices=[("", "–"), *Membership.Role.choices], required=False
    )

    def clean(self) -> dict[str, Any]:
        """A dealer needs a dealership and a role there; staff have neither."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("kind") == User.Kind.DEALER:
            if cleaned.get("dealership") is None and "dealership" not in self.errors:
                self.add_error("dealership", _("Choose the dealership that this person works for."))
            if not cleaned.get("role"):
                self.add_error("role", _("Choose what this person may do there."))
        elif cleaned.get("dealership") is not None:
            self.add_error("dealership", _("Staff do not belong to dealerships. Leave this empty."))
        return cleaned


class ContactForm(OfficeForm):
    """Another name, e-mail or phone of a person."""

    full_name = forms.CharField(
        label=_("Name"), max_length=100, error_messages={"required": _("Enter the person's name.")}
    )
    email = forms.CharField(
        label=_("E-mail"),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        help_text=_(
            "A new address ends the person's sessions and is told to the old address, too. "
            "For 30 days the unlock desk sends no code there."
        ),
        error_messages={"required": _("Enter an e-mail address. Codes and links go there.")},
    )
    phone = forms.CharField(label=_("Mobile phone"), max_length=40, required=False)
    reason = ReasonField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("full_name", "email", "phone"):
            self.fields[name].initial = getattr(self.subject, name)


class _RoleFields(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=Membership.Role.choices)
    payment_limit = forms.DecimalField(
        label=_("Payment limit"),
        max_digits=14,
        decimal_places=2,
        min_value=0,
        required=False,
        localize=True,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text=_("The most that one payment may be. Empty: no limit of the person's own."),
    )
    expires_on = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        input_formats=["%Y-%m-%d"],
        help_text=_("The last day on which it counts. Empty: until it is ended."),
    )


class MembershipForm(_RoleFields, OfficeForm):
    """What a person may do for a dealership. Opened from a person or a dealership, that one is fixed."""

    user = TenantChoiceField(User, found_by=(Membership, "user"), label=_("Person"))
    dealership = TenantChoiceField(Dealership, found_by=(Membership, "dealership"), label=_("Dealership"))
    field_order = ["user", "dealership", "role", "payment_limit", "expires_on"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self.subject, User):
            del self.fields["user"]
        elif isinstance(self.subject, Dealership):
            del self.fields["dealership"]

    def clean_expires_on(self) -> Any:
        """A membership cannot have ended before it began."""
        day = self.cleaned_data["expires_on"]
        if day is not None and day < self.today:
            raise ValidationError(_("Choose today or a later day."))
        return day


class MembershipChangeForm(_RoleFields, OfficeForm):
    """Another role, limit or last day."""

    reason = ReasonField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("role", "payment_limit", "expires_on"):
            self.fields[name].initial = getattr(self.subject, name)
