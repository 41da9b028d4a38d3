"""Advances on vehicles: asked for, paid out, sold."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.forms.choices import TenantChoiceField
from accounts.forms.entries import OfficeForm, ReasonForm
from finance.forms.money import MoneyField
from finance.forms.office.fields import day_field
from finance.models import Account, CreditLine, Unit
from finance.vin import normalise_vin, vin_problem


class AdvanceForm(OfficeForm):
    """An advance asked for on behalf of a dealer. Opened from a line, that one is meant."""

    line = TenantChoiceField(
        CreditLine,
        found_by=(Account, "line"),
        label=_("Line"),
        error_messages={"required": _("Choose the floor-plan line.")},
    )
    vin = forms.CharField(
        label=_("VIN"),
        max_length=30,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": _("Enter the 17 characters of the VIN.")},
    )
    model_year = forms.IntegerField(
        label=_("Model year"), min_value=1950, error_messages={"required": _("Enter the model year.")}
    )
    make = forms.CharField(label=_("Make"), max_length=40, error_messages={"required": _("Enter the make.")})
    model = forms.CharField(
        label=_("Model"), max_length=60, error_messages={"required": _("Enter the model.")}
    )
    colour = forms.CharField(label=_("Colour"), max_length=30, required=False)
    condition = forms.ChoiceField(
        label=_("Condition"), choices=Unit.Condition.choices, initial=Unit.Condition.USED
    )
    stock_number = forms.CharField(label=_("Stock number"), max_length=20, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.subject is not None:
            del self.fields["line"]
        self.fields["model_year"].max_value = self.today.year + 2  # type: ignore[attr-defined]
        smallest = Decimal("0.01")
        self.fields["cost"] = MoneyField(
            label=_("Cost of the vehicle"), lender=self.lender, at_least=smallest, required=False
        )
        self.fields["advance_amount"] = MoneyField(
            label=_("Advance"),
            lender=self.lender,
            at_least=smallest,
            error_messages={"required": _("Enter the advance asked for.")},
        )
        self.order_fields(["line", "vin", "model_year", "make", "model"])

    def clean_vin(self) -> str:
        """The VIN in its one spelling; its length, letters and check digit are right."""
        number = normalise_vin(self.cleaned_data["vin"])
        if vin_problem(number) is not None:
            raise ValidationError(
                _("This is not a valid VIN. Check its 17 characters; I, O and Q do not occur.")
            )
        return number

    def clean_model_year(self) -> int:
        """No vehicle is of a year that has not come near."""
        year: int = self.cleaned_data["model_year"]
        if year > self.today.year + 2:
            raise ValidationError(_("This year has not come yet."))
        return year


class FundForm(ReasonForm):
    """On which day advances are paid out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["funded_on"] = day_field(
            lender=self.lender,
            today=self.today,
            back=31,
            ahead=0,
            label=_("Paid out on"),
            initial=self.today,
            help_text=_(
                "Interest runs from this day. A day that has gone by is posted today with that value date."
            ),
        )
        self.order_fields(["funded_on", "reason"])


class SoldForm(ReasonForm):
    """When units were sold."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["sold_at"] = forms.DateTimeField(
            label=_("Sold at"),
            initial=timezone.localtime().replace(second=0, microsecond=0),
            widget=forms.DateTimeInput(
                format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local", "class": "input--medium"}
            ),
            input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"],
            help_text=_("On the lender's clock. The time to pay runs from here."),
            error_messages={
                "required": _("Enter the day and time of the sale."),
                "invalid": _("Write it like 2025-06-30 14:30."),
            },
        )
        self.order_fields(["sold_at", "reason"])

    def clean_sold_at(self) -> datetime:
        """A sale that has happened."""
        moment: datetime = self.cleaned_data["sold_at"]
        if moment > timezone.now():
            raise ValidationError(_("This lies in the future."))
        return moment
