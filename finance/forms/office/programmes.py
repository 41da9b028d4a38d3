"""Curtailment programmes: one of four shapes, written in fields instead of data."""

import re
from decimal import Decimal
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.forms.entries import OfficeForm
from finance.forms.office.fields import PercentField

_SHAPES: Final = [
    ("interval", _("Every so many days")),
    ("age_monthly", _("Monthly from an age on, down to a floor")),
    ("full_payoff", _("The whole at an age")),
    ("steps", _("A table of ages")),
]
_BASES: Final = [("original", _("the advance")), ("remaining", _("what is left of it"))]
_DUE: Final = [
    ("same_day", _("on the day itself")),
    ("next_business_day", _("on the next business day")),
    ("following_month", _("on a day of the following month")),
]
#: Which fields each shape needs.
NEEDED: Final = {
    "interval": ("days", "share"),
    "age_monthly": ("from_age", "share", "stop_original"),
    "full_payoff": (),
    "steps": ("table",),
}
_SHAPED: Final = (
    "days",
    "months",
    "from_age",
    "share",
    "base",
    "times",
    "stop_original",
    "stop_wholesale",
    "table",
)


class ProgrammeForm(OfficeForm):
    """A new programme. Which fields count depends on the shape; the cleaned `shape` is the data they make."""

    code = forms.SlugField(
        label=_("Code"),
        max_length=30,
        help_text=_("Short, without spaces."),
        error_messages={"required": _("Enter a short code.")},
    )
    name = forms.CharField(label=_("Name"), max_length=80, error_messages={"required": _("Enter a name.")})
    kind = forms.ChoiceField(label=_("Shape"), choices=_SHAPES)
    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=3660,
        required=False,
        help_text=_("Every so many days: how many. The whole at an age: at which."),
    )
    months = forms.IntegerField(
        label=_("Months"),
        min_value=1,
        max_value=120,
        required=False,
        help_text=_("The whole at an age: in months, in place of days."),
    )
    from_age = forms.IntegerField(
        label=_("From the age of"),
        min_value=1,
        max_value=3660,
        required=False,
        help_text=_("Monthly from an age on: from which, in days."),
    )
    base = forms.ChoiceField(
        label=_("Share of"),
        choices=_BASES,
        required=False,
        help_text=_("Every so many days: of the advance, or of what is left."),
    )
    times = forms.IntegerField(
        label=_("How often"),
        min_value=1,
        max_value=60,
        required=False,
        help_text=_("Every so many days: then the rest is due. Empty: until nothing is left."),
    )
    table = forms.CharField(
        label=_("Table"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("A table of ages: an age in days and a share in per cent on each line, such as 270 5."),
    )
    due_rule = forms.ChoiceField(label=_("Falls due"), choices=_DUE)
    due_day = forms.IntegerField(
        label=_("Day of the following month"), min_value=1, max_value=28, required=False
    )
    grace_days = forms.IntegerField(label=_("Grace days"), min_value=0, max_value=60, initial=0)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        shares = (
            ("share", _("Share in per cent"), _("Every so many days, or monthly: how much each time.")),
            (
                "stop_original",
                _("Down to"),
                _("Monthly: no further than this share of the advance, in per cent."),
            ),
            (
                "stop_wholesale",
                _("Or down to"),
                _("Monthly: or this share of the wholesale value, in per cent, if that is reached first."),
            ),
        )
        for name, label, help_text in shares:
            self.fields[name] = PercentField(
                label=label, help_text=help_text, lender=self.lender, required=False
            )
        for name in _SHAPED:
            # Which of them are needed depends on the shape, so none is called optional.
            self.fields[name].depends = True  # type: ignore[attr-defined]
        self.order_fields(
            [
                "code",
                "name",
                "kind",
                "days",
                "months",
                "from_age",
                "share",
                "base",
                "times",
                "stop_original",
                "stop_wholesale",
                "table",
                "due_rule",
                "due_day",
                "grace_days",
            ]
        )

    def clean_table(self) -> list[list[Any]]:
        """The lines as ages with shares."""
        rows: list[list[Any]] = []
        for line in str(self.cleaned_data["table"]).splitlines():
            if not line.strip():
                continue
            found = re.fullmatch(r"\s*([0-9]{1,4})[\s,;:]+([0-9]{1,3}(?:\.[0-9]{1,2})?)\s*%?\s*", line)
            if found is None:
                raise ValidationError(
                    _("“%(line)s” is no age with a share. Write each line like 270 5."),
                    params={"line": line.strip()},
                )
            rows.append([int(found[1]), str(Decimal(found[2]) / 100)])
        return rows

    def clean(self) -> dict[str, Any]:
        """Ask for the fields that the chosen shape needs."""
        cleaned: dict[str, Any] = super().clean() or {}
        for name in NEEDED.get(cleaned.get("kind", ""), ()):
            if name not in self.errors and cleaned.get(name) in (None, "", []):
                self.add_error(name, _("This shape needs it."))
        if cleaned.get("kind") == "full_payoff" and (cleaned.get("days") is None) == (
            cleaned.get("months") is None
        ):
            self.add_error("days", _("Write either days or months."))
        if cleaned.get("due_rule") == "following_month" and cleaned.get("due_day") is None:
            self.add_error("due_day", _("Write the day of the month."))
        if not self.errors:
            cleaned["shape"] = self._shape(cleaned)
        return cleaned

    def _shape(self, values: dict[str, Any]) -> dict[str, Any]:
        """The shape as the programme's row holds it (see `finance.queries.programmes`)."""
        shape: dict[str, Any] = {"kind": values["kind"]}
        match values["kind"]:
            case "interval":
                shape |= {
                    "days": values["days"],
                    "fraction": str(values["share"]),
                    "base": values["base"] or "original",
                }
                shape["times"] = values["times"]
            case "age_monthly":
                shape |= {"from_age": values["from_age"], "fraction": str(values["share"])}
                shape["stop_original"] = str(values["stop_original"])
                if values["stop_wholesale"] is not None:
                    shape["stop_wholesale"] = str(values["stop_wholesale"])
            case "full_payoff":
                shape |= {name: values[name] for name in ("days", "months") if values[name] is not None}
            case "steps":
                shape["table"] = values["table"]
        shape["due_rule"] = {"kind": values["due_rule"]}
        if values["due_rule"] == "following_month":
            shape["due_rule"]["day"] = values["due_day"]
        return shape
