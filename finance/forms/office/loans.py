"""New term loans."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.choices import TenantChoiceField
from accounts.forms.entries import OfficeForm
from finance.forms.money import MoneyField
from finance.forms.office.fields import day_field
from finance.models import Account, CreditLine, Loan


class LoanForm(OfficeForm):
    """A term loan, opened and paid out. The rate is that of the line's terms on the day of the payout."""

    line = TenantChoiceField(
        CreditLine,
        found_by=(Account, "line"),
        label=_("Line"),
        error_messages={"required": _("Choose a line for term loans.")},
    )
    title = forms.CharField(
        label=_("Title"), max_length=120, error_messages={"required": _("Say what the loan is for.")}
    )
    purpose = forms.ChoiceField(label=_("Purpose"), choices=Loan.Purpose.choices)
    method = forms.ChoiceField(label=_("Repayment"), choices=Loan.Method.choices)
    instalment_count = forms.IntegerField(
        label=_("Number of instalments"),
        min_value=1,
        max_value=480,
        error_messages={"required": _("Enter how many instalments there are.")},
    )
    vehicle = forms.CharField(label=_("Vehicle"), max_length=120, required=False)
    registration = forms.CharField(label=_("Registration"), max_length=20, required=False)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=300,
        required=False,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed when the loan takes the line over a limit that may be passed."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        smallest = Decimal("0.01")
        self.fields["amount"] = MoneyField(
            label=_("Amount"),
            lender=self.lender,
            at_least=smallest,
            error_messages={"required": _("Enter the amount that is paid out.")},
        )
        self.fields["instalment"] = MoneyField(
            label=_("Instalment"),
            lender=self.lender,
            at_least=smallest,
            required=False,
            help_text=_("Empty: it is reckoned, so that the last one leaves nothing."),
        )
        self.fields["funded_on"] = day_field(
            lender=self.lender, today=self.today, back=31, ahead=0, label=_("Paid out on"), initial=self.today
        )
        self.fields["first_due_on"] = day_field(
            lender=self.lender,
            today=self.today,
            back=0,
            ahead=366,
            label=_("First instalment due"),
            error_messages={"required": _("Enter the day of the first instalment.")},
        )
        self.order_fields(
            [
                "line",
                "title",
                "purpose",
                "amount",
                "method",
                "instalment_count",
                "instalment",
                "funded_on",
                "first_due_on",
                "vehicle",
                "registration",
                "reason",
            ]
        )
