"""The events of an account: what happened, from which day it counts, and what it changes.

Events are kept for ever. A mistake is answered by a reversal or an adjustment, never by an edit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final

from finance.money import WIDE, exact

ZERO: Final = Decimal(0)


class HistoryError(ValueError):
    """The events do not make a history: a number used twice, or a reversal of something that cannot be reversed."""


class EventKind(StrEnum):
    """What happened. The order of definition is the order within one day in which events are shown."""

    INTEREST_BILLED = "interest_billed"
    ADVANCE = "advance"
    FEE_ASSESSED = "fee_assessed"
    ADJUSTMENT = "adjustment"
    CREDIT = "credit"
    CURTAILMENT = "curtailment"
    PAYMENT = "payment"
    INTEREST_PAYMENT = "interest_payment"
    FEE_PAYMENT = "fee_payment"
    PAYOFF = "payoff"
    REVERSAL = "reversal"


_ORDER: Final = {kind: number for number, kind in enumerate(EventKind)}
_CLOSES_PERIOD: Final = frozenset({EventKind.INTEREST_BILLED, EventKind.PAYOFF})
_FIELDS: Final = ("principal", "billed", "interest", "fees", "credit")

#: Which fields an event of a kind may change, and in which direction (+ owed more, - owed less, * either).
_ALLOWED: Final[dict[EventKind, dict[str, str]]] = {
    EventKind.INTEREST_BILLED: {"billed": "*"},
    EventKind.ADVANCE: {"principal": "+"},
    EventKind.FEE_ASSESSED: {"fees": "+"},
    EventKind.ADJUSTMENT: {"principal": "*", "billed": "*", "interest": "*", "fees": "*", "credit": "*"},
    EventKind.CREDIT: {"credit": "*"},
    EventKind.CURTAILMENT: {"principal": "-"},
    EventKind.PAYMENT: {"principal": "-", "interest": "-", "fees": "-", "credit": "*"},
    EventKind.INTEREST_PAYMENT: {"interest": "-"},
    EventKind.FEE_PAYMENT: {"fees": "-"},
    EventKind.PAYOFF: {"principal": "-", "billed": "*", "interest": "-", "fees": "-", "credit": "*"},
    EventKind.REVERSAL: {},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to an account. Amounts are posted amounts, in major units, signed as what is owed
    changes.

    :param kind: what happened.
    :param effective_on: the day from which it counts (value date); interest of that day is already at the new balance.
    :param sequence: the event's number within its account, unique, rising in the order of recording.
    :param principal: change of the principal.
    :param billed: interest moved from accrued to billed (a billing; negative when a correction takes some back).
    :param interest: change of billed unpaid interest other than by billing; a payment is negative.
    :param fees: change of unpaid fees.
    :param credit: change of the credit in the customer's favour; positive means less is owed.
    :param reverses: for a reversal, the ``sequence`` of what it undoes.

    A reversal takes back all amounts of its target from its own ``effective_on``. Where that is the target's date, as
    for a returned payment, the target counts as never having happened and the interest re-opens.
    """

    kind: EventKind
    effective_on: date
    sequence: int
    principal: Decimal = ZERO
    billed: Decimal = ZERO
    interest: Decimal = ZERO
    fees: Decimal = ZERO
    credit: Decimal = ZERO
    reverses: int | None = None

    def __post_init__(self) -> None:
        allowed = _ALLOWED[self.kind]
        for field in _FIELDS:
            amount = exact(getattr(self, field))
            sign = allowed.get(field, "")
            if amount and (not sign or (sign == "+" and amount < 0) or (sign == "-" and amount > 0)):
                raise HistoryError(f"An event of kind {self.kind.value} cannot change {field} by {amount}")
        if (self.kind is EventKind.REVERSAL) != (self.reverses is not None):
            raise HistoryError("A reversal, and only a reversal, names the event that it undoes")
        if self.reverses is not None and self.reverses >= self.sequence:
            raise HistoryError(f"Event {self.sequence} cannot reverse {self.reverses}, which is not earlier")

    @property
    def sort_key(self) -> tuple[date, int, int]:
        """The one order of a history: by value date, then kind, then number."""
        return self.effective_on, _ORDER[self.kind], self.sequence

    @property
    def closes_period(self) -> bool:
        """Whether the interest accrued so far is settled by this event, but for its rounding remainder."""
        return self.kind in _CLOSES_PERIOD

    # One constructor per kind, taking what people say: positive amounts.

    @classmethod
    def advance(cls, sequence: int, effective_on: date, amount: Decimal) -> Event:
        """Money lent; bears interest from ``effective_on`` inclusive."""
        return cls(kind=EventKind.ADVANCE, sequence=sequence, effective_on=effective_on, principal=amount)

    @classmethod
    def curtailment(cls, sequence: int, effective_on: date, amount: Decimal) -> Event:
        """Principal paid down; ``effective_on`` is its value date, the first day without interest on it."""
        return cls(
            kind=EventKind.CURTAILMENT, sequence=sequence, effective_on=effective_on, principal=-amount
        )

    @classmethod
    def payment(
        cls,
        sequence: int,
        effective_on: date,
        *,
        principal: Decimal = ZERO,
        interest: Decimal = ZERO,
        fees: Decimal = ZERO,
        credit: Decimal = ZERO,
    ) -> Event:
        """One account's share of a payment; what exceeds the debt goes to ``credit``."""
        return cls(
            kind=EventKind.PAYMENT,
            sequence=sequence,
            effective_on=effective_on,
            principal=-principal,
            interest=-interest,
            fees=-fees,
            credit=credit,
        )

    @classmethod
    def interest_billed(cls, sequence: int, effective_on: date, amount: Decimal) -> Event:
        """Interest of all days before ``effective_on``, rounded, becomes due; the remainder is carried."""
        return cls(
            kind=EventKind.INTEREST_BILLED, sequence=sequence, effective_on=effective_on, billed=amount
        )

    @classmethod
    def interest_payment(cls, sequence: int, effective_on: date, amount: Decimal) -> Event:
        """Billed interest paid."""
        return cls(
            kind=EventKind.INTEREST_PAYMENT, sequence=sequence, effective_on=effective_on, interest=-amount
        )

    @classmethod
    def fee_assessed(cls, sequence: int, effective_on: date, amount: Decimal) -> Event:
        """A fee becomes due. Fees bear no interest."""
        return cls(kind=EventKind.FEE_ASSESSED, sequence=sequence, effective_on=effective_on, fees=amount)

    @classmethod
    def fee_payment(cls, sequence: int, effective_on: date, amount: Decimal) -> Event:
        """A fee paid."""
        return cls(kind=EventKind.FEE_PAYMENT, sequence=sequence, effective_on=effective_on, fees=-amount)

    @classmethod
    def adjustment(cls, sequence: int, effective_on: date, amount: Decimal) -> Event:
        """Correct what was billed by a signed difference, after the past changed (see ``billing_adjustment``)."""
        return cls(kind=EventKind.ADJUSTMENT, sequence=sequence, effective_on=effective_on, billed=amount)

    @classmethod
    def credit_granted(cls, sequence: int, effective_on: date, amount: Decimal) -> Event:
        """A credit in the customer's favour, not yet used."""
        return cls(kind=EventKind.CREDIT, sequence=sequence, effective_on=effective_on, credit=amount)

    @classmethod
    def payoff(
        cls,
        sequence: int,
        effective_on: date,
        *,
        principal: Decimal,
        billed: Decimal = ZERO,
        interest: Decimal = ZERO,
        fees: Decimal = ZERO,
        credit: Decimal = ZERO,
    ) -> Event:
        """Close the account: post the accrued interest (``billed``) and pay everything.

        ``interest`` is all interest paid, the newly posted included; ``credit`` is the credit used up.
        """
        return cls(
            kind=EventKind.PAYOFF,
            sequence=sequence,
            effective_on=effective_on,
            principal=-principal,
            billed=billed,
            interest=-interest,
            fees=-fees,
            credit=-credit,
        )

    @classmethod
    def reversal_of(cls, event: Event, *, sequence: int, effective_on: date | None = None) -> Event:
        """Undo ``event``, from its own value date unless a later ``effective_on`` is given."""
        return cls(
            kind=EventKind.REVERSAL,
            sequence=sequence,
            effective_on=effective_on or event.effective_on,
            reverses=event.sequence,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """What an event really does, once reversals are followed to what they undo."""

    event: Event
    principal: Decimal
    billed: Decimal
    interest: Decimal
    fees: Decimal
    credit: Decimal
    closings: int

    def undone(self, by: Event) -> Change:
        """Return the opposite change, made by ``by``."""
        same_day = by.effective_on == self.event.effective_on
        with localcontext(WIDE):
            return Change(
                by,
                -self.principal,
                -self.billed,
                -self.interest,
                -self.fees,
                -self.credit,
                -self.closings * same_day,
            )


def changes_of(events: Iterable[Event]) -> list[Change]:
    """Return what the events change, in the one order of a history.

    A pure function of the set: any order of ``events`` gives the same list. Raises :class:`HistoryError` when a number
    is used twice, a reversal's target is missing, was reversed already, or is of a later day.
    """
    by_sequence: dict[int, Change] = {}
    reversed_numbers: set[int] = set()
    for event in sorted(events, key=lambda item: item.sequence):
        if event.sequence in by_sequence:
            raise HistoryError(f"Two events have the number {event.sequence}")
        if event.reverses is None:
            by_sequence[event.sequence] = Change(
                event,
                event.principal,
                event.billed,
                event.interest,
                event.fees,
                event.credit,
                int(event.closes_period),
            )
            continue
        target = by_sequence.get(event.reverses)
        if target is None:
            raise HistoryError(
                f"Event {event.sequence} reverses {event.reverses}, which is not in the history"
            )
        if event.reverses in reversed_numbers:
            raise HistoryError(f"Event {event.reverses} was reversed already")
        if event.effective_on < target.event.effective_on:
            raise HistoryError(f"Event {event.sequence} takes effect before what it reverses")
        reversed_numbers.add(event.reverses)
        by_sequence[event.sequence] = target.undone(event)
    return sorted(by_sequence.values(), key=lambda change: change.event.sort_key)
