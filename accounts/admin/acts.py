"""Acts of the finance office: what is done to chosen rows, after a page that shows them and asks why."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from accounts.forms.entries import OfficeForm, ReasonForm
from accounts.models import Lender, User

MOST_ROWS: Final = 100
"""At most so many rows in one act: each is locked until the last one is done."""

Refusals = tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A form as it was sent: by whom, when, with what in it. `values` are the form's cleaned fields."""

    actor: User
    lender: Lender
    today: date
    now: datetime
    values: Mapping[str, Any]

    @property
    def reason(self) -> str:
        """Why, in the person's words; empty where the form does not ask."""
        return str(self.values.get("reason", ""))


def nothing_against(row: Any) -> str:
    """Of an act that any row may try."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act on rows of a list.

    `perform` does it to one row through an action function and returns a sentence on what came of it (or nothing);
    `why_not` says beforehand why a row cannot be acted on, or nothing. `amount` is what the rows' total adds up.
    """

    name: str
    label: Promise
    question: Promise
    effect: Promise
    button: Promise
    perform: Callable[[Any, Sent], str | None]
    why_not: Callable[[Any], str] = nothing_against
    form_class: type[OfficeForm] = ReasonForm
    amount: Callable[[Any], Decimal] | None = None
    is_grave: bool = False
    refusals: Refusals = (ValidationError,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A page with one form: a new row, or one act on one row that asks for more than a reason.

    `save` gets the row (None for a new one) and what was sent, and returns the row to show next. `fits` says whether
    the act is offered for a row.
    """

    name: str
    label: Promise
    title: Promise
    button: Promise
    form_class: type[OfficeForm]
    save: Callable[[Any, Sent], Any]
    lead: Promise | str = ""
    done: Promise | str = ""
    fits: Callable[[Any], bool] = lambda row: True
    refusals: Refusals = (ValidationError,)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an act for one row."""

    key: int
    label: str
    done: bool
    text: str = ""

    def as_details(self) -> dict[str, Any]:
        """As the audit trail keeps it."""
        return {"key": self.key, "label": self.label, "done": self.done, "text": self.text}


@dataclass(slots=True)
class Chosen:
    """The rows of an act: which can be acted on, which cannot and why, and what they add up to."""

    act: Act
    rows: list[Any]
    against: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.against = {row.pk: why for row in self.rows if (why := self.act.why_not(row))}

    @property
    def able(self) -> list[Any]:
        """The rows that can be acted on."""
        return [row for row in self.rows if row.pk not in self.against]

    @property
    def total(self) -> Decimal | None:
        """What the rows that can be acted on add up to."""
        if self.act.amount is None:
            return None
        return sum((self.act.amount(row) for row in self.able), Decimal(0))


def perform_on(chosen: Chosen, sent: Sent, name_of: Callable[[Any], str] = str) -> list[Outcome]:
    """Do it to each row by itself: what one row refuses leaves the others done. `name_of` says what a row is called."""
    outcomes = []
    for row in chosen.rows:
        key, label = row.pk, name_of(row)
        if why := chosen.against.get(key, ""):
            outcomes.append(Outcome(key, label, False, why))
            continue
        try:
            with transaction.atomic():
                said = chosen.act.perform(row, sent)
        except chosen.act.refusals as refusal:
            outcomes.append(Outcome(key, label, False, words_of(refusal)))
        else:
            outcomes.append(Outcome(key, label, True, str(said or _("Done"))))
    return outcomes


def words_of(refusal: Exception) -> str:
    """A refusal in one line."""
    if isinstance(refusal, ValidationError):
        return " ".join(str(message) for message in refusal.messages)
    return str(refusal)
