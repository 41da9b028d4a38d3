"""Choosing what to pay: per unit or loan the amount due, the payoff, or a typed amount; and from which account."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Lender
from finance.forms import MoneyField
from payments.models import PaymentMethod
from payments.queries.choices import Choice, Purpose
from payments.queries.choosable import Choosable

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Option:
    """One way of paying on a row; a typed amount has none of its own."""

    value: str
    label: str
    amount: Decimal | None
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ChooseRow:
    """One line of the table."""

    choosable: Choosable
    is_picked: bool
    options: tuple[Option, ...]
    typed: BoundField
    reason: str

    @property
    def key(self) -> str:
        """The account's id as the field names carry it."""
        return self.choosable.public_id.hex


class ChooseForm(forms.Form):
    """The choices of one payment. `rows` are what the page shows and `everything` what may be chosen.

    `initial_choices` fills an untouched form: what a link or a draft named.
    """

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        everything: Sequence[Choosable],
        shown: Sequence[Choosable],
        methods: Sequence[PaymentMethod],
        lender: Lender,
        initial_choices: Mapping[UUID, Choice] | None = None,
        initial_method: PaymentMethod | None = None,
    ) -> None:
        super().__init__(data, label_suffix="")
        self.lender = lender
        self.everything = {row.public_id: row for row in everything}
        self.initial_choices = dict(initial_choices or {})
        self.methods = {str(method.public_id): method for method in methods}
        self.picked = _picked(data) if data is not None else list(self.initial_choices)
        known = {row.public_id for row in shown}
        self.shown = [
            *shown,
            *(row for row in everything if row.public_id in self.picked and row.public_id not in known),
        ]
        first = initial_method or (methods[0] if methods else None)
        self.fields["method"] = forms.ChoiceField(
            label=gettext_lazy("Pay from"),
            choices=[(key, str(method)) for key, method in self.methods.items()],
            initial=str(first.public_id) if first else None,
            widget=forms.RadioSelect if len(methods) < 4 else forms.Select,
            error_messages={
                "required": gettext_lazy("Choose the account to pay from."),
                "invalid_choice": gettext_lazy("Choose one of the accounts to pay from."),
            },
        )
        for row in self.shown:
            start = self.initial_choices.get(row.public_id)
            self.fields[f"amount_{row.public_id.hex}"] = MoneyField(
                lender=lender,
                required=False,
                initial=start.amount if start else None,
                label=_("Amount for %(title)s") % {"title": row.title},
            )

    def rows(self) -> Iterator[ChooseRow]:
        """The lines of the table, as first shown or as they were sent."""
        for row in self.shown:
            way = self._way_of(row)
            yield ChooseRow(
                choosable=row,
                is_picked=row.public_id in self.picked,
                options=self._options(row, way),
                typed=self[f"amount_{row.public_id.hex}"],
                reason=self._reason(row),
            )

    def clean(self) -> dict[str, Any]:
        """Read the picked rows into `choices`; each problem stands at its own row."""
        cleaned = super().clean() or {}
        choices = []
        if not self.picked:
            self.add_error(None, _("Choose at least one unit or loan to pay."))
        for public_id in self.picked:
            row = self.everything.get(public_id)
            if row is None:
                self.add_error(
                    None, _("One of the units or loans you chose is not open on this account. Choose again.")
                )
                continue
            choice = self._choice_of(row, cleaned)
            if choice is not None:
                choices.append(choice)
        cleaned["choices"] = choices
        cleaned["paid_from"] = self.methods.get(cleaned.get("method", ""))
        return cleaned

    def _choice_of(self, row: Choosable, cleaned: dict[str, Any]) -> Choice | None:
        name = f"amount_{row.public_id.hex}"
        way = self._way_of(row)
        if way in {Purpose.DUE, Purpose.PAYOFF}:
            return Choice(row.public_id, Purpose(way))
        if name in self.errors:
            return None
        amount: Decimal | None = cleaned.get(name)
        if amount is None:
            self.add_error(name, _("Enter the amount to pay on %(title)s.") % {"title": row.title})
        elif amount <= 0:
            self.add_error(name, _("Enter an amount above zero to pay on %(title)s.") % {"title": row.title})
        else:
            return Choice(row.public_id, Purpose.AMOUNT, amount)
        return None

    def _way_of(self, row: Choosable) -> str:
        """Which way of paying the row stands at: as sent, as named by a link or draft, or the usual one."""
        ways = [option for option, _label, _amount in _ways(row)]
        if self.is_bound:
            sent = str(self.data.get(f"way_{row.public_id.hex}", ""))
            return sent if sent in ways else Purpose.AMOUNT
        start = self.initial_choices.get(row.public_id)
        if start is not None and start.purpose in ways:
            return start.purpose
        return ways[0]

    def _options(self, row: Choosable, way: str) -> tuple[Option, ...]:
        return tuple(Option(value, label, amount, value == way) for value, label, amount in _ways(row))

    def _reason(self, row: Choosable) -> str:
        """Why the row cannot be picked."""
        if row.owing.payoff.total <= ZERO and row.owing.pending.shares:
            number = row.owing.pending.shares[-1].payment_number
            return _("Already being paid by %(number)s") % {"number": number}
        return ""


def _ways(row: Choosable) -> list[tuple[str, str, Decimal | None]]:
    """The ways of paying on a row that make sense, the usual one first."""
    owing = row.owing
    ways: list[tuple[str, str, Decimal | None]] = []
    if owing.must_pay_off:
        return [
            (Purpose.PAYOFF, _("Payoff, due"), owing.payoff.total),
            (Purpose.AMOUNT, _("Other amount"), None),
        ]
    if owing.due.total > ZERO:
        ways.append((Purpose.DUE, _("Due"), owing.due.total))
    elif owing.next_due_amount > ZERO:
        ways.append((Purpose.DUE, _("Next due"), owing.next_due_amount))
    ways.append((Purpose.PAYOFF, _("Payoff"), owing.payoff.total))
    ways.append((Purpose.AMOUNT, _("Other amount"), None))
    return ways


def _picked(data: QueryDict) -> list[UUID]:
    """The accounts whose boxes were ticked; what is no id stands for an account nobody has."""
    picked = []
    for text in data.getlist("account"):
        try:
            picked.append(UUID(text))
        except ValueError:
            picked.append(UUID(int=0))
    return list(dict.fromkeys(picked))
