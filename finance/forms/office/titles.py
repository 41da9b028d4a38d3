"""Titles of financed vehicles: received, lent out, released, shipped."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.forms.entries import ReasonForm
from finance.forms.office.fields import day_field

LONGEST_LOAN = 90
"""A title is lent for at most so many days."""


class _TitleForm(ReasonForm):
    """The day of a step, which may have gone by."""

    day_label: Promise | str = _("On")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"] = day_field(
            lender=self.lender,
            today=self.today,
            back=366,
            ahead=0,
            label=self.day_label,
            initial=self.today,
        )
        self.order_fields(["on", *(name for name in self.fields if name not in {"on", "reason"}), "reason"])


class TitleReceivedForm(_TitleForm):
    """When titles came, and where they lie."""

    day_label = _("Received on")
    kept_at = forms.CharField(
        label=_("Kept at"),
        max_length=60,
        required=False,
        help_text=_("For example: vault, box 12. Dealers do not see it."),
    )


class TitleLentForm(_TitleForm):
    """Until when titles are lent."""

    day_label = _("Lent on")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["due_back_on"] = day_field(
            lender=self.lender,
            today=self.today,
            back=0,
            ahead=LONGEST_LOAN,
            label=_("Due back on"),
            initial=self.today + timedelta(days=10),
        )
        self.order_fields(["on", "due_back_on", "reason"])

    def clean_due_back_on(self) -> date:
        """After the day on which it is lent."""
        due: date = self.cleaned_data["due_back_on"]
        lent_on = self.cleaned_data.get("on")
        if lent_on is not None and due <= lent_on:
            raise ValidationError(_("Choose a day after the one on which the title is lent."))
        return due


class TitleReleasedForm(_TitleForm):
    """When titles were released."""

    day_label = _("Released on")


class TitleShippedForm(_TitleForm):
    """When titles were sent, and how to follow them."""

    day_label = _("Shipped on")
    tracking = forms.CharField(
        label=_("Carrier and number"),
        max_length=60,
        error_messages={"required": _("Enter the carrier and its number. Dealers see it.")},
        help_text=_("Dealers see it, to follow the title."),
    )
