"""The calculation of interest shown segment by segment, and payoff figures by value date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise

from finance.interest.day_counts import money_of
from finance.interest.history import Change, Event, changes_of
from finance.interest.positions import BackdatedError, Position, accrue, apply_changes, fold
from finance.interest.rates import Compounding, Rates, per_diem
from finance.money import WIDE, round_money


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of days with one balance and one rate. ``start`` counts, ``end`` does not.

    :param days: interest days by the day count (60; under 30/360 not always the calendar's).
    :param per_diem: one day's interest on the principal, money, unrounded.
    :param unpaid_interest: under daily compounding, the unpaid interest that earns interest at ``start``, money,
        unrounded; else 0.
    :param parts: the interest of the segment, exact, in parts.
    """

    start: date
    end: date
    days: int
    principal: Decimal
    annual_rate: Decimal
    per_diem: Decimal
    unpaid_interest: Decimal
    parts: Decimal

    @property
    def interest(self) -> Decimal:
        """The interest of the segment, money, unrounded."""
        return money_of(self.parts)


def segments(
    events: Iterable[Event], rates: Rates, start: date, end: date, *, interest_from: date | None = None
) -> list[Segment]:
    """Return the calculation of the interest of [start, end): its segments add up to it exactly.

    Neighbouring spans with the same balance and rate are one segment; spans without a balance are left out. Under daily
    compounding a segment also ends where unpaid interest is paid or corrected.
    """
    changes = changes_of(known := list(events))
    if end <= start or not changes:
        return []
    # No rate need be known for the days before there was anything to bear interest.
    opening = max(start, changes[0].event.effective_on, interest_from or start)
    if opening >= end:
        return []
    by_day: dict[date, list[Change]] = {}
    for change in changes:
        if opening < change.event.effective_on < end:
            by_day.setdefault(change.event.effective_on, []).append(change)
    found: list[Segment] = []
    position = fold(known, rates, opening, interest_from=interest_from)
    for low, high in pairwise(sorted({opening, *by_day, *rates.changes(opening, end), end})):
        position = apply_changes(position, by_day.get(low, []))
        reached = accrue(position, rates, high)
        segment = _segment(position, reached, rates, low, high)
        if segment.principal or segment.unpaid_interest:
            if found and _continues(found[-1], segment, rates.compounding):
                segment = _joined(found.pop(), segment)
            found.append(segment)
        position = reached
    return found


def _segment(position: Position, reached: Position, rates: Rates, start: date, end: date) -> Segment:
    rate, day_count = rates.annual_rate(start), rates.day_count(start)
    with localcontext(WIDE):
        parts = reached.accrued_parts - position.accrued_parts
        unpaid = position.billed_interest + position.period_interest
    return Segment(
        start=start,
        end=end,
        days=day_count.days_between(start, end),
        principal=position.principal,
        annual_rate=rate,
        per_diem=per_diem(position.principal, rate, day_count, start),
        unpaid_interest=unpaid if rates.compounding is Compounding.DAILY else Decimal(0),
        parts=parts,
    )


def _joined(first: Segment, second: Segment) -> Segment:
    with localcontext(WIDE):
        parts = first.parts + second.parts
    return replace(first, end=second.end, days=first.days + second.days, parts=parts)


def _continues(last: Segment, following: Segment, compounding: Compounding) -> bool:
    if last.end != following.start or last.principal != following.principal:
        return False
    if (last.annual_rate, last.per_diem) != (following.annual_rate, following.per_diem):
        return False
    with localcontext(WIDE):
        difference = last.unpaid_interest + last.interest - following.unpaid_interest
    # To far below a minor unit: the two sides were divided separately.
    return compounding is Compounding.SIMPLE or abs(difference) < Decimal("1e-18")


@dataclass(frozen=True, slots=True)
class PayoffFigure:
    """What closes an account on one value date, in posted amounts: a line of a payoff quote.

    ``total`` = principal + accrued + billed interest + fees - credit. ``per_diem`` is unrounded and is information; the
    figures bind.
    """

    value_date: date
    principal: Decimal
    accrued: Decimal
    billed_interest: Decimal
    fees: Decimal
    credit: Decimal
    total: Decimal
    per_diem: Decimal


def payoff_figures(
    position: Position, rates: Rates, dates: Iterable[date], currency: str, *, rounding: str = ROUND_HALF_UP
) -> list[PayoffFigure]:
    """Return what closes the account on each of ``dates``: exactly that amount on that day leaves 0.00.

    Raises :class:`~finance.interest.positions.BackdatedError` for a date before the position's, but for interest-free
    days of a new account.
    """
    untouched = not (position.accrued_parts or position.remainder_parts or position.billed_interest)
    figures = []
    for value_date in dates:
        if value_date < position.accrued_through and not untouched:
            raise BackdatedError(f"The position of {position.accrued_through} says nothing of {value_date}")
        reached = accrue(position, rates, value_date)
        accrued = reached.postable_interest(currency, rounding)
        with localcontext(WIDE):
            total = reached.principal + accrued + reached.billed_interest + reached.fees - reached.credit
        figures.append(
            PayoffFigure(
                value_date,
                reached.principal,
                accrued,
                reached.billed_interest,
                reached.fees,
                reached.credit,
                round_money(total, currency),
                per_diem(
                    reached.principal, rates.annual_rate(value_date), rates.day_count(value_date), value_date
                ),
            )
        )
    return figures
