"""Indices, fixings and rate plans."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.choices import TenantChoiceField
from accounts.forms.entries import OfficeForm
from finance.forms.office.fields import PercentField, day_field
from finance.models import RateIndex, RatePlan

_YEARS: Final = 366 * 12


class _NamedForm(OfficeForm):
    code = forms.SlugField(
        label=_("Code"),
        max_length=30,
        help_text=_("Short, without spaces, such as prime."),
        error_messages={"required": _("Enter a short code.")},
    )
    name = forms.CharField(label=_("Name"), max_length=80, error_messages={"required": _("Enter a name.")})


class IndexForm(_NamedForm):
    """A new index."""


class FixingForm(OfficeForm):
    """The index from a day on. Opened from an index, that one is meant."""

    index = TenantChoiceField(
        RateIndex, label=_("Index"), error_messages={"required": _("Choose the index.")}
    )
    source = forms.CharField(
        label=_("Where it was published"),
        max_length=200,
        error_messages={"required": _("Say where it was published; payoff figures quote it.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.subject is not None:
            del self.fields["index"]
        self.fields["effective_from"] = day_field(
            lender=self.lender,
            today=self.today,
            back=_YEARS,
            ahead=366,
            label=_("From"),
            help_text=_("A day that has gone by corrects what was accrued and billed since."),
            error_messages={"required": _("Enter the first day on which it holds.")},
        )
        self.fields["annual_rate"] = PercentField(
            label=_("Rate in per cent a year"),
            lender=self.lender,
            at_least=Decimal(-10),
            error_messages={"required": _("Enter the rate.")},
        )
        self.order_fields(["index", "effective_from", "annual_rate", "source"])


class RatePlanForm(_NamedForm):
    """A new rate plan."""

    index = TenantChoiceField(
        RateIndex, label=_("Index"), required=False, help_text=_("Empty: the rate below is fixed.")
    )
    day_count = forms.ChoiceField(label=_("Day count"), choices=RatePlan.DayCount.choices)
    compounding = forms.ChoiceField(label=_("Compounding"), choices=RatePlan.Compounding.choices)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["margin"] = PercentField(
            label=_("Margin, or the fixed rate, in per cent"),
            lender=self.lender,
            at_least=Decimal(-10),
            error_messages={"required": _("Enter the margin over the index, or the fixed rate.")},
        )
        self.fields["floor"] = PercentField(
            label=_("Never below, in per cent"), lender=self.lender, required=False
        )
        self.fields["ceiling"] = PercentField(
            label=_("Never above, in per cent"), lender=self.lender, required=False
        )
        self.fields["starts_on"] = day_field(
            lender=self.lender,
            today=self.today,
            back=_YEARS,
            ahead=366,
            label=_("First day"),
            initial=self.today,
            help_text=_("No account of this plan can begin before it."),
        )
        self.order_fields(["code", "name", "index", "margin", "floor", "ceiling", "day_count", "compounding"])

    def clean(self) -> dict[str, Any]:
        """The floor lies below the ceiling."""
        cleaned: dict[str, Any] = super().clean() or {}
        floor, ceiling = cleaned.get("floor"), cleaned.get("ceiling")
        if floor is not None and ceiling is not None and floor > ceiling:
            self.add_error("ceiling", _("The ceiling lies below the floor."))
        return cleaned
