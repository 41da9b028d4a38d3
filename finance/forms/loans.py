"""How the list of loans is asked for, and the amount of an early payment."""

from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender
from finance.forms.money import MoneyField
from finance.forms.units import plain_text
from finance.queries.loans import SHOWN, SORTS, LoanFilters


def loan_filters(query: QueryDict) -> LoanFilters:
    """The filters named in an address. What it does not know is as if it were not there."""
    text = plain_text(query.get("q", ""))
    shown = query.get("show", "")
    if shown not in SHOWN:
        shown = "all" if text else "open"
    sort = query.get("sort", "")
    return LoanFilters(
        shown, text, sort if sort.removeprefix("-") in SORTS and not sort.startswith("--") else "due"
    )


class EarlyPaymentForm(forms.Form):
    """An amount to pay today, up to what closes the loan."""

    def __init__(self, *args: Any, lender: Lender, payoff: Decimal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = MoneyField(
            label=_("If you paid today"),
            lender=lender,
            at_least=Decimal("0.01"),
            at_most=payoff,
            error_messages={"required": _("Enter the amount that you think of paying.")},
        )
