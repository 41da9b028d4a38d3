"""Lines, their terms and limits."""

from decimal import Decimal
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.choices import TenantChoiceField
from accounts.forms.entries import OfficeForm, ReasonField
from accounts.models import Dealership
from finance.forms.money import MoneyField
from finance.forms.office.fields import PercentField, day_field
from finance.models import CreditLine, CurtailmentProgramme, LineTerms, RatePlan

_YEARS: Final = 366 * 10


class LineForm(OfficeForm):
    """A new line."""

    dealership = TenantChoiceField(
        Dealership,
        found_by=(CreditLine, "dealership"),
        label=_("Dealership"),
        error_messages={"required": _("Choose the dealership that the line is for.")},
    )
    name = forms.CharField(
        label=_("Name"), max_length=80, error_messages={"required": _("Name the line, as on its contract.")}
    )
    kind = forms.ChoiceField(label=_("Kind"), choices=CreditLine.Kind.choices)
    limit_is_hard = forms.BooleanField(
        label=_("Refuse above the limit"),
        required=False,
        initial=True,
        help_text=_("Otherwise an advance above the limit needs a reason."),
    )
    number = forms.CharField(
        label=_("Line number"),
        max_length=20,
        required=False,
        help_text=_("Empty: the dealership's number and a serial number."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["limit"] = MoneyField(
            label=_("Limit"),
            lender=self.lender,
            at_least=Decimal(0),
            error_messages={"required": _("Enter the limit.")},
        )
        self.fields["opened_on"] = day_field(
            lender=self.lender,
            today=self.today,
            back=_YEARS,
            ahead=366,
            label=_("Opened on"),
            initial=self.today,
        )
        self.order_fields(["dealership", "name", "kind", "limit", "limit_is_hard", "opened_on", "number"])


class LimitForm(OfficeForm):
    """Another limit of a line."""

    reason = ReasonField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["limit"] = MoneyField(
            label=_("Limit"),
            lender=self.lender,
            at_least=Decimal(0),
            initial=self.subject.limit,
            error_messages={"required": _("Enter the limit.")},
        )
        self.order_fields(["limit", "reason"])


class TermsForm(OfficeForm):
    """The rules of a line from one day on. They begin as a copy of the latest ones."""

    rate_plan = TenantChoiceField(
        RatePlan, label=_("Rate plan"), error_messages={"required": _("Choose the rate plan.")}
    )
    programme = TenantChoiceField(CurtailmentProgramme, label=_("Curtailment programme"), required=False)
    term_days = forms.IntegerField(
        label=_("Term of a unit in days"), min_value=1, max_value=3660, required=False
    )
    payment_day = forms.IntegerField(
        label=_("Day of month on which a bill is due"), min_value=1, max_value=28, initial=10
    )
    grace_days = forms.IntegerField(label=_("Grace days"), min_value=0, max_value=60, initial=0)
    payoff_hours_after_sale = forms.IntegerField(
        label=_("Hours to pay after a sale"), min_value=0, max_value=2400, initial=48
    )
    allocation_order = forms.ChoiceField(
        label=_("Allocation order"), choices=LineTerms.AllocationOrder.choices
    )
    releases_credit_at = forms.ChoiceField(
        label=_("Credit is free again"),
        choices=LineTerms._meta.get_field("releases_credit_at").choices or (),
        initial="settlement",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["effective_from"] = day_field(
            lender=self.lender, today=self.today, back=_YEARS, ahead=366, label=_("From"), initial=self.today
        )
        self.fields["advance_rate"] = PercentField(
            label=_("Lends of the cost, in per cent"),
            lender=self.lender,
            at_least=Decimal(1),
            at_most=Decimal(150),
            initial=Decimal(1),
        )
        for name, label in (
            ("document_fee", _("Document fee for each advance")),
            ("return_fee", _("Fee for a returned payment")),
        ):
            self.fields[name] = MoneyField(
                label=label, lender=self.lender, at_least=Decimal(0), initial=Decimal("0.00")
            )
        self.order_fields(["effective_from", "rate_plan", "programme", "advance_rate"])
        latest = LineTerms.objects.filter(line=self.subject).order_by("-effective_from").first()
        if latest is not None:
            for name in self.fields.keys() - {"token", "effective_from"}:
                self.fields[name].initial = getattr(latest, name)

    def terms(self) -> dict[str, Any]:
        """What the action takes: the cleaned fields of the terms."""
        return {name: value for name, value in self.cleaned_data.items() if name != "token"}
