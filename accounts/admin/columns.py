"""Columns of the finance office: what a list, a page and a table show, written in the lender's way."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from django.db import models
from django.template import Context, Template
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.translation import gettext as _

from accounts.models import Lender

NOTHING: Final = "–"

Value = str | Callable[[Any], Any]

# The house's own tags write each value, so that the office, the pages and the mails of one lender write alike.
_CELLS: Final[Mapping[str, str]] = {
    "money": "{% load components %}{% money value %}",
    "day": "{% load components %}{% date value %}",
    "moment": "{% load components %}{% moment value %}",
    "rate": "{% load components %}{% rate value decimals=3 %}",
    "count": "{% load components %}{% count value %}",
    "state": "{% load components %}{% status value.0 label=value.1 %}",
}
_FIGURES: Final = frozenset({"money", "rate", "count"})


@cache
def _template(kind: str) -> Template:
    return Template(_CELLS[kind])


@dataclass(frozen=True, slots=True)
class Column:
    """One column: how it is named, where its value comes from (a path of attributes or a function), how it is written.

    `order` is what the list is sorted by, if it can be sorted by this column.
    """

    name: str
    label: Promise | str
    kind: str = "text"
    value: Value = ""
    order: str = ""

    @property
    def is_figure(self) -> bool:
        """Whether it stands to the right."""
        return self.kind in _FIGURES

    def read(self, row: Any) -> Any:
        """The raw value of a row; None where the path breaks off."""
        source = self.value or self.name
        if callable(source):
            return source(row)
        for part in source.split("."):
            row = getattr(row, part, None)
            if row is None:
                return None
        return row


def text(name: str, label: Promise | str, value: Value = "", order: str = "") -> Column:
    """Words."""
    return Column(name, label, "text", value, order)


def money(name: str, label: Promise | str, value: Value = "", order: str = "") -> Column:
    """An amount in the lender's currency."""
    return Column(name, label, "money", value, order)


def day(name: str, label: Promise | str, value: Value = "", order: str = "") -> Column:
    """A date."""
    return Column(name, label, "day", value, order)


def moment(name: str, label: Promise | str, value: Value = "", order: str = "") -> Column:
    """An instant, on the lender's clock."""
    return Column(name, label, "moment", value, order)


def rate(name: str, label: Promise | str, value: Value = "", order: str = "") -> Column:
    """A rate, kept as a fraction."""
    return Column(name, label, "rate", value, order)


def count(name: str, label: Promise | str, value: Value = "", order: str = "") -> Column:
    """A whole number."""
    return Column(name, label, "count", value, order)


def yes(name: str, label: Promise | str, value: Value = "") -> Column:
    """Yes or no."""
    return Column(name, label, "yes", value)


def state(name: str, label: Promise | str, path: str = "", order: str = "") -> Column:
    """A field with choices, as a word with a shape; `path` leads to the row that has it."""

    def read(row: Any) -> Any:
        for part in filter(None, path.split(".")):
            row = getattr(row, part)
        return getattr(row, name), getattr(row, f"get_{name}_display")()

    return Column(name, label, "state", read, order)


def choice(name: str, label: Promise | str, order: str = "") -> Column:
    """A field with choices, as its word alone."""
    return Column(name, label, "text", lambda row: getattr(row, f"get_{name}_display")(), order)


def link(name: str, label: Promise | str, value: Value = "", order: str = "") -> Column:
    """Another row, with the way to its page in the office; a value of (row, words) says how it is called here."""
    return Column(name, label, "link", value, order)


class Writer:
    """Writes values for one request, in its lender's locale, currency and zone."""

    def __init__(self, lender: Lender, known: Callable[[type[models.Model]], bool]) -> None:
        self.lender = lender
        self._known = known
        self._addresses: dict[type[models.Model], str] = {}

    def write(self, column: Column, row: Any) -> str:
        """The cell of `row` in `column`."""
        value = column.read(row)
        if value is None or value == "":
            return NOTHING
        if column.kind == "text":
            return str(value)
        if column.kind == "yes":
            return _("Yes") if value else _("No")
        if column.kind == "link":
            target, words = value if isinstance(value, tuple) else (value, str(value))
            address = self.address(target)
            return format_html('<a href="{}">{}</a>', address, words) if address else str(words)
        return _template(column.kind).render(Context({"lender": self.lender, "value": value}))

    def address(self, row: models.Model) -> str:
        """The page of a row in the office; empty for what has none."""
        model = type(row)
        if model not in self._addresses:
            meta = model._meta
            self._addresses[model] = (
                reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=["0"])
                if self._known(model)
                else ""
            )
        pattern = self._addresses[model]
        return pattern.replace("/0/", f"/{row.pk}/") if pattern else ""

    def for_list(self, column: Column) -> Callable[[Any], str]:
        """The column in the form that Django's lists take."""

        def cell(row: Any) -> str:
            return self.write(column, row)

        cell.__name__ = f"{column.name}_amount" if column.is_figure else column.name
        cell.short_description = column.label  # type: ignore[attr-defined]
        if column.order:
            cell.admin_order_field = column.order  # type: ignore[attr-defined]
        return cell
