"""Positions: what an account owes, folded from its events or advanced by one step.

A position is a pure function of the set of events and of the rates: any order of the same events gives the same one.
Interest is kept as exact numerators (see :mod:`finance.interest.day_counts`), so a position that was advanced event by
event, in Python or in SQL, equals the fold digit for digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal, localcontext
from enum import StrEnum
from itertools import groupby
from typing import Final

from finance.interest.day_counts import YEAR_PARTS, money_of
from finance.interest.history import ZERO, Change, Event, EventKind, changes_of
from finance.interest.rates import Compounding, Rates
from finance.money import WIDE, round_money

#: Compound interest is kept to 20 decimals of a part; simple interest is exact and needs no unit.
COMPOUND_UNIT: Final = Decimal(1).scaleb(-20)


class BackdatedError(ValueError):
    """The step lies before the day to which interest was accrued: fold the whole history again."""


class RemainderRule(StrEnum):
    """What a billing does with the fraction of a minor unit that rounding leaves.

    ``PERIOD`` rounds each period's interest by itself; remainders are kept and settled with the payoff.
    ``RUNNING`` rounds period and remainder together, so that the sum billed is never more than half a minor unit off.
    """

    PERIOD = "period"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Position:
    """What an account owes at the start of interest of ``accrued_through``, with that day's events applied.

    :param principal: principal outstanding, money.
    :param accrued_parts: interest since the last billing, exact, in parts (money x ``YEAR_PARTS``).
    :param remainder_parts: what the rounding of past billings left unposted, exact, signed, in parts; earns nothing.
    :param accrued_through: interest of the days before this one is counted; lies ahead during interest-free days.
    :param billed_interest: interest billed and unpaid, money.
    :param fees: fees unpaid, money.
    :param credit: credit in the customer's favour, money.
    """

    principal: Decimal
    accrued_parts: Decimal
    remainder_parts: Decimal
    accrued_through: date
    billed_interest: Decimal
    fees: Decimal
    credit: Decimal = ZERO

    @classmethod
    def empty(cls, accrued_through: date) -> Position:
        """Return the position of an account to which nothing has happened yet."""
        return cls(ZERO, ZERO, ZERO, accrued_through, ZERO, ZERO, ZERO)

    @property
    def unbilled_parts(self) -> Decimal:
        """All interest not yet billed, exact, in parts."""
        with localcontext(WIDE):
            return self.accrued_parts + self.remainder_parts

    @property
    def accrued(self) -> Decimal:
        """All interest not yet billed, remainders included, as money, unrounded."""
        return money_of(self.unbilled_parts)

    @property
    def period_interest(self) -> Decimal:
        """Interest since the last billing, as money, unrounded."""
        return money_of(self.accrued_parts)

    def postable_interest(self, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
        """Return the unbilled interest as it would be posted if the account were paid off now.

        Where nothing accrued since the last billing, a remainder of exactly half a minor unit stays unposted: it is
        what rounding up left, and must not come back as a cent to refund.
        """
        return round_money(self.accrued, currency, rounding if self.accrued_parts else ROUND_HALF_DOWN)

    def total(self, currency: str, rounding: str = ROUND_HALF_UP) -> Decimal:
        """Return everything owed, as it would be posted now."""
        with localcontext(WIDE):
            owed = self.principal + self.billed_interest + self.fees - self.credit
            return round_money(owed + self.postable_interest(currency, rounding), currency)

    def is_settled(self, currency: str) -> bool:
        """Say whether nothing is owed, neither now nor by interest to come."""
        return self.principal == 0 and self.total(currency) == 0


def accrue(position: Position, rates: Rates, to: date) -> Position:
    """Count the interest of the days from ``accrued_through`` up to, not including, ``to``: constant work.

    A day not after ``accrued_through`` changes nothing, so interest-free days pass without interest.
    """
    start = position.accrued_through
    if to <= start:
        return position
    with localcontext(WIDE):
        if rates.compounding is Compounding.DAILY:
            # What rounding left earns nothing, so that a closed account stays at nothing.
            base = (position.principal + position.billed_interest) * YEAR_PARTS + position.accrued_parts
            grown = (base * rates.growth(to) / rates.growth(start)).quantize(COMPOUND_UNIT) if base else base
            interest = grown - base
        elif position.principal:
            interest = position.principal * (rates.cumulative(to) - rates.cumulative(start))
        else:
            interest = ZERO
        return replace(position, accrued_parts=position.accrued_parts + interest, accrued_through=to)


def apply_changes(position: Position, changes: Iterable[Change]) -> Position:
    """Apply the changes of one day to a position accrued to it. They commute: only their sums count."""
    principal, remainder, billed_interest = (
        position.principal,
        position.remainder_parts,
        position.billed_interest,
    )
    fees, credit = position.fees, position.credit
    closings = 0
    with localcontext(WIDE):
        for change in changes:
            principal += change.principal
            remainder -= change.billed * YEAR_PARTS
            billed_interest += change.billed + change.interest
            fees += change.fees
            credit += change.credit
            closings += change.closings
        accrued = position.accrued_parts
        if closings > 0:
            remainder, accrued = remainder + accrued, ZERO
    return Position(principal, accrued, remainder, position.accrued_through, billed_interest, fees, credit)


def _opening(changes: list[Change], as_of: date, interest_from: date | None) -> Position:
    first = min(changes[0].event.effective_on, as_of) if changes else as_of
    return Position.empty(max(first, interest_from or first))


def fold(
    events: Iterable[Event], rates: Rates, as_of: date, *, interest_from: date | None = None
) -> Position:
    """Return what is owed as of ``as_of``: events effective by then applied, interest of the days before it counted.

    A pure function of the set of events. Without ``interest_from`` interest starts with the first event; with it, no
    interest is counted before that day (free days at the start of a unit).
    """
    changes = changes_of(events)
    position = _opening(changes, as_of, interest_from)
    for day, of_day in groupby(changes, key=lambda change: change.event.effective_on):
        if day > as_of:
            break
        position = apply_changes(accrue(position, rates, day), of_day)
    return accrue(position, rates, as_of)


def running(
    events: Iterable[Event], rates: Rates, *, interest_from: date | None = None
) -> list[tuple[Event, Position]]:
    """Return each event, in the order of the history, with the position right after it."""
    changes = changes_of(events)
    if not changes:
        return []
    position = _opening(changes, changes[0].event.effective_on, interest_from)
    lines = []
    for day, of_day in groupby(changes, key=lambda change: change.event.effective_on):
        position = accrue(position, rates, day)
        changes_of_day = list(of_day)
        start_of_day = position
        for number, change in enumerate(changes_of_day, start=1):
            position = apply_changes(start_of_day, changes_of_day[:number])
            lines.append((change.event, position))
    return lines


def advance(position: Position, event: Event, rates: Rates) -> Position:
    """Return the position after one more event: constant work, equal to folding the whole history.

    Raises :class:`BackdatedError` when only a fold can tell: the event is effective before ``accrued_through``, or is a
    reversal, which needs what it reverses.
    """
    if event.kind is EventKind.REVERSAL:
        raise BackdatedError(f"Event {event.sequence} is a reversal: fold the history")
    if event.effective_on < position.accrued_through:
        raise BackdatedError(
            f"Event {event.sequence} is effective on {event.effective_on.isoformat()}, "
            f"before {position.accrued_through.isoformat()}: fold the history"
        )
    return apply_changes(accrue(position, rates, event.effective_on), changes_of([event]))


def interest_to_bill(
    position: Position,
    currency: str,
    *,
    rule: RemainderRule = RemainderRule.PERIOD,
    rounding: str = ROUND_HALF_UP,
) -> Decimal:
    """Return the interest that a billing of ``position`` posts.

    A payoff posts by ``RUNNING``, so that nothing is left.
    """
    if rule is RemainderRule.RUNNING:
        return position.postable_interest(currency, rounding)
    return round_money(position.period_interest, currency, rounding)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A correction of interest already billed, with what it is the difference of.

    ``before`` and ``after`` are the interest up to the last billing by the old and the corrected history, as money,
    unrounded; ``amount`` is their difference as posted, positive when too little was billed.
    """

    amount: Decimal
    before: Decimal
    after: Decimal
    billed_through: date


def billing_adjustment(
    before: Iterable[Event],
    after: Iterable[Event],
    rates: Rates,
    billed_through: date,
    currency: str,
    *,
    corrected_rates: Rates | None = None,
    interest_from: date | None = None,
) -> Adjustment:
    """Return the difference to post when the past changed after interest was billed through ``billed_through``.

    ``before`` are the events that the billing knew, ``after`` the same and what was recorded since with an earlier
    value date; ``corrected_rates`` are given when an index fixing was corrected. What was billed stays billed.
    """
    totals = []
    for events, used in ((before, rates), (after, corrected_rates or rates)):
        known = list(events)
        position = fold(known, used, billed_through, interest_from=interest_from)
        billed = sum(
            (change.billed for change in changes_of(known) if change.event.effective_on <= billed_through),
            ZERO,
        )
        with localcontext(WIDE):
            totals.append(position.accrued + billed)
    with localcontext(WIDE):
        amount = round_money(totals[1] - totals[0], currency)
    return Adjustment(amount, totals[0], totals[1], billed_through)
