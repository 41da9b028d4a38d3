"""How the list of units is asked for: filters from the address, and a pasted list of vehicles."""

import re
from typing import Final

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from finance.models import Unit, VehicleTitle
from finance.queries.units import SHOWN, SORTS, UnitFilters

PAGE_SIZES: Final = (25, 50, 100)
MOST_ENTRIES: Final = 200
_PARTS: Final = re.compile(r"[\r\n\t,;|]+")
_MARKS: Final = " \"'\u2018\u2019\u201c\u201d"


def plain_text(text: str, longest: int = 100) -> str:
    """A search text without control characters and outer blanks, cut to `longest`."""
    return "".join(letter for letter in text if letter.isprintable()).strip()[:longest]


def unit_filters(query: QueryDict) -> UnitFilters:
    """The filters named in an address. What it does not know is as if it were not there.

    A search looks through every unit, paid ones too, unless a filter is named beside it.
    """
    text = plain_text(query.get("q", ""))
    shown = query.get("show", "")
    if shown not in SHOWN:
        shown = "all" if text or query.get("vins") else "live"
    condition = query.get("kind", "")
    title = query.get("title", "")
    sort = query.get("sort", "")
    return UnitFilters(
        shown=shown,
        condition=condition if condition in Unit.Condition.values else "",
        title=title if title in VehicleTitle.State.values else "",
        text=text,
        sort=sort if sort.removeprefix("-") in SORTS and not sort.startswith("--") else "due",
    )


def page_size(query: QueryDict) -> int:
    """How many rows a page has: one of PAGE_SIZES."""
    asked = query.get("per", "")
    return next((size for size in PAGE_SIZES if str(size) == asked), PAGE_SIZES[0])


def page_number(query: QueryDict) -> int:
    """The page asked for, from 1; anything that is no page number is the first."""
    asked = query.get("page", "")
    return max(1, int(asked)) if re.fullmatch(r"[0-9]{1,6}", asked) else 1


class PastedListForm(forms.Form):
    """A list of VINs, last sixes or stock numbers, pasted from anywhere."""

    vins = forms.CharField(
        label=_("Your list"),
        widget=forms.Textarea(attrs={"rows": 5, "spellcheck": "false", "autocapitalize": "characters"}),
        max_length=10_000,
        help_text=_(
            "VINs, the last six of them, or stock numbers, with anything between them. Up to 200 at once."
        ),
        error_messages={"required": _("Paste at least one VIN, last six or stock number.")},
    )

    def clean_vins(self) -> list[str]:
        """The entries in their order, each once."""
        text: str = self.cleaned_data["vins"]
        entries = [plain_text(part.strip(_MARKS), 60).strip(_MARKS) for part in _PARTS.split(text)]
        unique = list(dict.fromkeys(entry for entry in entries if entry))
        if not unique:
            raise ValidationError(self.fields["vins"].error_messages["required"], code="required")
        words = sum(len(entry.split()) for entry in unique)
        if len(unique) > MOST_ENTRIES or words > 3 * MOST_ENTRIES:
            raise ValidationError(
                ngettext_lazy(
                    "This is %(count)s entry. Paste at most %(most)s at once.",
                    "These are %(count)s entries. Paste at most %(most)s at once.",
                    "count",
                ),
                code="too_many",
                params={"count": max(len(unique), words), "most": MOST_ENTRIES},
            )
        return unique
