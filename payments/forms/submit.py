"""Sending what was checked."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

_PREFIX = "shown_"
# More than the database keeps; no page has ever shown it.
_TOO_MUCH = Decimal(10) ** 14
_STALE = _("This page was incomplete. Nothing was sent. Choose again what to pay.")


class SubmitForm(forms.Form):
    """The token of the draft, and what the page showed: an amount per account, the value date, what it is paid from.

    No amount here decides what is paid; it says what the person saw, so that a payment of anything else is refused.
    """

    token = forms.UUIDField(error_messages={"required": _STALE, "invalid": _STALE})
    method = forms.UUIDField(error_messages={"required": _STALE, "invalid": _STALE})
    value_date = forms.DateField(
        input_formats=["%Y-%m-%d"], error_messages={"required": _STALE, "invalid": _STALE}
    )

    def clean(self) -> dict[str, Any]:
        """Read the shown amounts into `shown_amounts`."""
        cleaned = super().clean() or {}
        cleaned["shown_amounts"] = _amounts({name: str(value) for name, value in self.data.items()})
        return cleaned


def _amounts(fields: Mapping[str, str]) -> dict[UUID, Decimal]:
    amounts = {}
    for name, text in fields.items():
        if not name.startswith(_PREFIX):
            continue
        try:
            amount = Decimal(text)
            account = UUID(name.removeprefix(_PREFIX))
        except (InvalidOperation, ValueError):
            raise ValidationError(_STALE, code="stale") from None
        if not amount.is_finite() or not 0 < amount < _TOO_MUCH:
            raise ValidationError(_STALE, code="stale")
        amounts[account] = amount
    if not amounts:
        raise ValidationError(_STALE, code="stale")
    return amounts
