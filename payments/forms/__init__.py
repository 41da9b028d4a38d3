"""Shapes of what people enter when they pay."""

from payments.forms.choose import ChooseForm, ChooseRow
from payments.forms.filters import PaymentFilterForm
from payments.forms.submit import SubmitForm

__all__ = ["ChooseForm", "ChooseRow", "PaymentFilterForm", "SubmitForm"]
