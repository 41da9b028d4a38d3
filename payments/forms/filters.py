"""How the list of payments is asked for."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from finance.forms.units import plain_text
from payments.models import Payment, PaymentMethod
from payments.queries.history import PaymentFilters

SHOWN = ("all", "open", *(state.value for state in Payment.State))


class PaymentFilterForm(forms.Form):
    """Person and method, as two lists of choices; the state and the search stand beside them in the address."""

    person = forms.ChoiceField(label=_("Made by"), required=False)
    method = forms.ChoiceField(label=_("Paid from"), required=False)

    def __init__(
        self,
        data: QueryDict,
        *,
        payers: Sequence[tuple[int, str]],
        methods: Sequence[PaymentMethod],
        **kwargs: Any,
    ) -> None:
        super().__init__(data, label_suffix="", **kwargs)
        people = self.fields["person"]
        accounts = self.fields["method"]
        people.choices = [("", _("Everybody")), *((str(key), name) for key, name in payers)]  # type: ignore[attr-defined]
        accounts.choices = [("", _("Every account")), *((str(one.public_id), str(one)) for one in methods)]  # type: ignore[attr-defined]


def payment_filters(query: QueryDict) -> PaymentFilters:
    """The filters named in an address. What it does not know is as if it were not there."""
    shown = query.get("state", "all")
    person = query.get("person", "")
    try:
        method = str(UUID(query.get("method", "")))
    except ValueError:
        method = ""
    return PaymentFilters(
        shown=shown if shown in SHOWN else "all",
        person=int(person) if person.isascii() and person.isdigit() and len(person) < 16 else None,
        method=method,
        text=plain_text(query.get("q", "")),
    )
