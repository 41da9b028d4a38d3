"""Fields that the office's forms share."""

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from babel import Locale
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender
from finance.forms.dates import DayField

_PERCENT = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,4})?")


class PercentField(forms.CharField):
    """A rate or share typed in per cent; cleans to the fraction, or None when empty.

    `8.25`, `8.25 %` and, where the lender writes so, `8,25` are the fraction 0.0825. Up to four decimals.
    """

    def __init__(
        self,
        *,
        lender: Lender,
        at_least: Decimal = Decimal(0),
        at_most: Decimal = Decimal(100),
        **kwargs: Any,
    ) -> None:
        self.point = str(Locale.parse(lender.locale).number_symbols["latn"]["decimal"])
        self.at_least, self.at_most = at_least, at_most
        kwargs.setdefault(
            "widget",
            forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "class": "input--medium"}),
        )
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show a fraction in per cent; leave what a person typed untouched."""
        if isinstance(value, Decimal):
            return f"{(value * 100).normalize():f}".replace(".", self.point)
        return value

    def to_python(self, value: Any) -> Any:
        """Read the typed text; raise ValidationError with an example when it is no percentage."""
        if isinstance(value, Decimal):
            return value
        text = re.sub(r"[\s%\u00a0\u202f]", "", "" if value is None else str(value))
        if not text:
            return None
        text = text.replace(self.point, ".")
        if not _PERCENT.fullmatch(text):
            raise ValidationError(
                _("Write a percentage with up to four decimals, like %(example)s."),
                code="not_a_percentage",
                params={"example": f"8{self.point}25"},
            )
        return Decimal(text) / 100

    def validate(self, value: Any) -> None:
        """Check that a percentage was given and lies within the bounds, which are in per cent."""
        if value is None:
            super().validate(value)
            return
        if not self.at_least <= value * 100 <= self.at_most:
            raise ValidationError(
                _("Write a percentage from %(least)s to %(most)s."),
                code="out_of_range",
                params={"least": self.at_least, "most": self.at_most},
            )

    def run_validators(self, value: Any) -> None:
        """Text validators have nothing to say about a number."""


def day_field(
    *,
    lender: Lender,
    today: date,
    back: int,
    ahead: int,
    label: Any,
    initial: date | None = None,
    **kwargs: Any,
) -> DayField:
    """A day from `back` days before the business date to `ahead` days after it."""
    return DayField(
        label=label,
        lender=lender,
        first=today - timedelta(days=back),
        last=today + timedelta(days=ahead),
        initial=initial,
        **kwargs,
    )
