"""On which day an account shall be paid off."""

from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender
from finance.forms.dates import DayField
from finance.queries.account_page import QUOTE_DAYS


class PayoffDayForm(forms.Form):
    """A value date from today to 30 days ahead."""

    def __init__(self, *args: Any, lender: Lender, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["on"] = DayField(
            label=_("Pay off on"),
            lender=lender,
            first=today,
            last=today + timedelta(days=QUOTE_DAYS),
            initial=today,
            error_messages={"required": _("Choose the day on which the payoff shall count.")},
        )
