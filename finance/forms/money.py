"""A form field for an amount that a person types."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender
from finance.formatting import (
    MoneyProblem,
    UnreadableMoneyError,
    format_money,
    format_money_for_input,
    parse_money,
)

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

_MESSAGES: "dict[MoneyProblem, StrPromise]" = {
    MoneyProblem.EMPTY: _("Enter an amount, like %(example)s."),
    MoneyProblem.NOT_A_NUMBER: _("Enter an amount in digits, like %(example)s."),
    MoneyProblem.TWO_READINGS: _("This amount can be read in two ways. Write it like %(example)s."),
    MoneyProblem.TOO_MANY_DECIMALS: _("Amounts have no more than two decimals. Write it like %(example)s."),
    MoneyProblem.OTHER_CURRENCY: _("Amounts here are in %(currency)s. Write it like %(example)s."),
    MoneyProblem.TOO_LARGE: _("This amount has too many digits. Write it like %(example)s."),
}


class MoneyField(forms.CharField):
    """An amount typed in the lender's way; cleans to a Decimal with the currency's decimals, or None when empty.

    `at_least` and `at_most` are inclusive bounds. What was typed stays in the field when it is refused. Text with a
    decimal key pad, because number inputs lose what they cannot parse and change with the wheel.
    """

    def __init__(
        self,
        *,
        lender: Lender,
        at_least: Decimal | None = None,
        at_most: Decimal | None = None,
        **kwargs: Any,
    ) -> None:
        self.currency = lender.currency
        self.locale = lender.locale
        self.at_least = at_least
        self.at_most = at_most
        super().__init__(**kwargs)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Ask phones for digits, and keep browsers from offering old amounts."""
        return {
            **super().widget_attrs(widget),
            "inputmode": "decimal",
            "autocomplete": "off",
            "class": "input--money input--medium",
        }

    def prepare_value(self, value: Any) -> Any:
        """Show an amount as it would be typed; leave what a person typed untouched."""
        if isinstance(value, Decimal):
            return format_money_for_input(value, self.currency, self.locale)
        return value

    def to_python(self, value: Any) -> Any:
        """Read the typed text; raise ValidationError with an example when it has no single reading."""
        if isinstance(value, Decimal):
            return value
        text = "" if value is None else str(value)
        if not text.strip():
            return None
        try:
            return parse_money(text, self.locale, self.currency)
        except UnreadableMoneyError as problem:
            raise ValidationError(
                _MESSAGES[problem.problem],
                code=problem.problem.name.lower(),
                params={"example": problem.example, "currency": self.currency},
            ) from problem

    def validate(self, value: Any) -> None:
        """Check that an amount was given and lies within the bounds."""
        if value is None:
            super().validate(value)
            return
        if self.at_least is not None and value < self.at_least:
            raise ValidationError(
                _("Enter %(bound)s or more."),
                code="too_small",
                params={"bound": self._written(self.at_least)},
            )
        if self.at_most is not None and value > self.at_most:
            raise ValidationError(
                _("Enter %(bound)s or less."), code="too_large", params={"bound": self._written(self.at_most)}
            )

    def run_validators(self, value: Any) -> None:
        """Text validators (length, NUL) have had their say on the text; the amount needs none of them."""

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare amounts, not spellings: `1,234.50` is no change from 1234.5."""
        try:
            return bool(self.to_python(initial) != self.to_python(data))
        except ValidationError:
            return True

    def _written(self, amount: Decimal) -> str:
        return format_money(amount, self.currency, self.locale)
