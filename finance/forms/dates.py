"""A form field for a day that a person types or picks."""

from datetime import date, datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender
from finance.formatting import format_date

_BROWSER_FORMAT = "%Y-%m-%d"


class DayField(forms.DateField):
    """A day between two days, both included. What was typed stays in the field when it is refused."""

    def __init__(self, *, lender: Lender, first: date, last: date, **kwargs: Any) -> None:
        self.locale = lender.locale
        self.first, self.last = first, last
        kwargs.setdefault("input_formats", [_BROWSER_FORMAT])
        kwargs.setdefault(
            "widget",
            forms.DateInput(
                format=_BROWSER_FORMAT,
                attrs={
                    "type": "date",
                    "min": first.isoformat(),
                    "max": last.isoformat(),
                    "class": "input--medium",
                },
            ),
        )
        super().__init__(**kwargs)
        self.error_messages["invalid"] = _("Choose a day, or write it like %(example)s.") % {
            "example": first.isoformat()
        }

    def to_python(self, value: Any) -> date | None:
        """Read the day; a year that no calendar has is refused like any other slip."""
        if isinstance(value, str):
            value = value.strip()
        if isinstance(value, datetime):
            value = value.date()
        return super().to_python(value)

    def validate(self, value: date | None) -> None:
        """Check that a day was given and lies between the bounds."""
        super().validate(value)
        if value is not None and not self.first <= value <= self.last:
            raise ValidationError(
                _("Choose a day from %(first)s to %(last)s."),
                code="out_of_range",
                params={
                    "first": format_date(self.first, self.locale),
                    "last": format_date(self.last, self.locale),
                },
            )
