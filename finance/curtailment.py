"""Curtailment: the required principal payments of an unsold unit, from four shapes of programme.

A programme says at which age how much falls due; a due rule turns the target day into the day on which it is to be
paid. Fractions are of one: ``Decimal("0.10")`` is 10 %. Amounts are rounded half up to the currency's minor unit, and
the last step is trimmed to what is really left.
"""

from __future__ import annotations

import calendar as months
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from enum import StrEnum
from itertools import count
from typing import Final, Protocol

from dateutil.relativedelta import relativedelta

from finance.calendars import BusinessCalendar
from finance.money import WIDE, exact, is_whole, round_money

__all__ = [
    "AgeMonthlyWithStop",
    "Base",
    "Curtailment",
    "DueRule",
    "FollowingMonth",
    "FullPayoffAtAge",
    "Interval",
    "NextBusinessDay",
    "OpenStep",
    "Programme",
    "SameDay",
    "StepTable",
    "open_steps",
    "schedule",
]

_ONE: Final = Decimal(1)
_FOR_EVER: Final = date.max


class Base(StrEnum):
    """What a fraction is applied to; ``REST`` means all that is left."""

    ORIGINAL = "original"
    REMAINING = "remaining"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class Step:
    """A target day and what falls due on it, before any amount is known. ``fraction`` is None for the rest."""

    target_on: date
    base: Base
    fraction: Decimal | None
    rule: str


class Programme(Protocol):
    """A shape of curtailment: steps by age, and the balance at which they stop."""

    def steps(self, funded_on: date) -> Iterator[Step]:
        """Yield the steps in order of their target days; may be endless."""

    def stops_at(self, principal: Decimal, wholesale_value: Decimal | None) -> Decimal:
        """Return the balance below which no step goes, money, unrounded."""

    @property
    def ends(self) -> bool:
        """Whether the steps come to an end by themselves."""


@dataclass(frozen=True, slots=True)
class Interval:
    """Every ``days`` days ``fraction`` of the original or the remaining principal.

    With ``times`` that many steps, and the rest one interval later; without it, until nothing is left.
    """

    days: int
    fraction: Decimal
    base: Base = Base.ORIGINAL
    times: int | None = None

    def __post_init__(self) -> None:
        _check_fraction(self.fraction)
        if self.days < 1 or (self.times is not None and self.times < 0) or self.base is Base.REST:
            raise ValueError(
                "An interval has at least one day, no negative count, and a base of original or remaining"
            )

    @property
    def ends(self) -> bool:
        """Whether the steps come to an end: a fraction of what remains never does by itself."""
        return self.times is not None or self.base is Base.ORIGINAL

    def stops_at(self, principal: Decimal, wholesale_value: Decimal | None) -> Decimal:
        """Return 0: everything is to be paid."""
        del principal, wholesale_value
        return Decimal(0)

    def steps(self, funded_on: date) -> Iterator[Step]:
        """Yield a step every ``days`` days after funding."""
        for number in count(1):
            age = self.days * number
            target = funded_on + timedelta(days=age)
            if self.times is not None and number > self.times:
                yield Step(target, Base.REST, None, f"the rest, {age} days after funding")
                return
            rule = f"{_percent(self.fraction)} of {self.base.value} principal, {age} days after funding"
            yield Step(target, self.base, self.fraction, rule)


@dataclass(frozen=True, slots=True)
class AgeMonthlyWithStop:
    """From age ``from_age`` (days), each month ``fraction`` of original until the balance is low enough.

    Low enough is the smaller of ``stop_original`` x original principal and ``stop_wholesale`` x wholesale value; the
    step that reaches it is trimmed. Without a wholesale value only the first counts.
    """

    from_age: int
    fraction: Decimal
    stop_original: Decimal = Decimal(0)
    stop_wholesale: Decimal | None = None

    def __post_init__(self) -> None:
        _check_fraction(self.fraction)
        if self.from_age < 0 or self.stop_original < 0 or (self.stop_wholesale or 0) < 0:
            raise ValueError("Age and stops must not be negative")

    @property
    def ends(self) -> bool:
        """Always: a fraction of original reaches any stop."""
        return True

    def stops_at(self, principal: Decimal, wholesale_value: Decimal | None) -> Decimal:
        """Return the balance that stays: the smaller of the two stops."""
        stop = self.stop_original * principal
        if wholesale_value is not None and self.stop_wholesale is not None:
            stop = min(stop, self.stop_wholesale * wholesale_value)
        return stop

    def steps(self, funded_on: date) -> Iterator[Step]:
        """Yield a step at the age and then each month on the same day of the month, or its last day."""
        first = funded_on + timedelta(days=self.from_age)
        for number in count():
            rule = f"{_percent(self.fraction)} of original principal, monthly from {self.from_age} days after funding"
            yield Step(first + relativedelta(months=number), Base.ORIGINAL, self.fraction, rule)


@dataclass(frozen=True, slots=True)
class FullPayoffAtAge:
    """The whole balance at one age: after ``days`` days, or after ``months`` whole months.

    "First day of month 12" is 11 months.
    """

    days: int | None = None
    months: int | None = None

    def __post_init__(self) -> None:
        if (self.days is None) == (self.months is None) or (self.days or self.months or 0) < 1:
            raise ValueError("Give the age either in days or in months, at least one")

    @property
    def ends(self) -> bool:
        """Always: there is one step."""
        return True

    def stops_at(self, principal: Decimal, wholesale_value: Decimal | None) -> Decimal:
        """Return 0: everything is to be paid."""
        del principal, wholesale_value
        return Decimal(0)

    def target(self, funded_on: date) -> date:
        """Return the day on which the whole balance falls due."""
        if self.days is not None:
            return funded_on + timedelta(days=self.days)
        return funded_on + relativedelta(months=self.months or 0)

    def steps(self, funded_on: date) -> Iterator[Step]:
        """Yield the one step."""
        age = f"{self.days} days" if self.days is not None else f"{self.months} months"
        yield Step(self.target(funded_on), Base.REST, None, f"the whole balance, {age} after funding")


@dataclass(frozen=True, slots=True)
class StepTable:
    """A table of (age in days, fraction of original principal), ages rising."""

    table: tuple[tuple[int, Decimal], ...]

    def __post_init__(self) -> None:
        ages = [age for age, _ in self.table]
        if not ages or ages != sorted(set(ages)) or ages[0] < 0:
            raise ValueError("A step table needs rising ages, at least one")
        for _, fraction in self.table:
            _check_fraction(fraction)
        if sum((fraction for _, fraction in self.table), Decimal(0)) > 1:
            raise ValueError("The fractions of a step table must not exceed the whole")

    @property
    def ends(self) -> bool:
        """Always: the table is finite."""
        return True

    def stops_at(self, principal: Decimal, wholesale_value: Decimal | None) -> Decimal:
        """Return 0: the table itself says where it stops."""
        del principal, wholesale_value
        return Decimal(0)

    def steps(self, funded_on: date) -> Iterator[Step]:
        """Yield the rows of the table."""
        for age, fraction in self.table:
            rule = f"{_percent(fraction)} of original principal, {age} days after funding"
            yield Step(funded_on + timedelta(days=age), Base.ORIGINAL, fraction, rule)


class DueRule(Protocol):
    """How a target day becomes a due date."""

    def due_on(self, target_on: date, calendar: BusinessCalendar | None) -> date:
        """Return the due date for a target day."""


@dataclass(frozen=True, slots=True)
class SameDay:
    """Due on the target day itself, whatever day that is."""

    def due_on(self, target_on: date, calendar: BusinessCalendar | None) -> date:
        """Return the target day."""
        del calendar
        return target_on


@dataclass(frozen=True, slots=True)
class NextBusinessDay:
    """Due on the target day or, when banks are closed, on the next business day."""

    def due_on(self, target_on: date, calendar: BusinessCalendar | None) -> date:
        """Return the first business day from the target day on."""
        if calendar is None:
            raise ValueError("Due on a business day: a calendar is needed")
        return calendar.next_business_day(target_on)


@dataclass(frozen=True, slots=True)
class FollowingMonth:
    """Due on the payment date (``day``) of the month after the month that contains the target day."""

    day: int

    def __post_init__(self) -> None:
        if not 1 <= self.day <= 31:
            raise ValueError("A payment date is a day from 1 to 31")

    def due_on(self, target_on: date, calendar: BusinessCalendar | None) -> date:
        """Return that day of the next month, or the month's last day."""
        del calendar
        month = target_on.replace(day=1) + relativedelta(months=1)
        return month.replace(day=min(self.day, months.monthrange(month.year, month.month)[1]))


@dataclass(frozen=True, slots=True)
class Curtailment:
    """One required payment of principal.

    :param target_on: the day that the programme's rule gives.
    :param due_on: the day on which it is to be paid, by the due rule.
    :param grace_until: the last day on which it is not late.
    :param amount: posted amount, money.
    :param base: what ``fraction`` was applied to; ``REST`` when everything left falls due.
    :param balance_after: principal left when it is paid, money.
    :param rule: the rule in words, for records; pages word it from ``base``, ``fraction`` and ``trimmed``.
    :param trimmed: the amount was cut to what was left above the stop.
    """

    number: int
    target_on: date
    due_on: date
    grace_until: date
    amount: Decimal
    base: Base
    fraction: Decimal | None
    balance_after: Decimal
    rule: str
    trimmed: bool


def schedule(
    programme: Programme,
    *,
    principal: Decimal,
    funded_on: date,
    currency: str,
    wholesale_value: Decimal | None = None,
    calendar: BusinessCalendar | None = None,
    due_rule: DueRule | None = None,
    grace_days: int = 0,
    maturity: FullPayoffAtAge | None = None,
    horizon: date | None = None,
) -> tuple[Curtailment, ...]:
    """Return the required payments of a unit funded with ``principal`` on ``funded_on``.

    ``maturity`` makes the whole balance due at an age and drops later steps; ``horizon`` leaves out target days after
    it. Raises ``ValueError`` for a programme that never ends when neither is given.
    """
    if exact(principal) <= 0 or not is_whole(principal, currency):
        raise ValueError(f"The principal must be a positive, whole amount of {currency}, not {principal}")
    if not programme.ends and maturity is None and horizon is None:
        raise ValueError(
            "A fraction of the remaining principal never ends: give times, a maturity or a horizon"
        )
    rule_of_due = due_rule or SameDay()
    matures_on = maturity.target(funded_on) if maturity else _FOR_EVER
    rows: list[Curtailment] = []
    balance = principal
    with localcontext(WIDE):
        stop = round_money(programme.stops_at(principal, wholesale_value), currency)

        def add(step: Step, lowest: Decimal) -> None:
            nonlocal balance
            wanted = balance
            if step.fraction is not None:
                whole = principal if step.base is Base.ORIGINAL else balance
                wanted = round_money(whole * step.fraction, currency)
            amount = min(wanted, balance - lowest)
            if amount <= 0:
                return
            balance -= amount
            due_on = rule_of_due.due_on(step.target_on, calendar)
            rows.append(
                Curtailment(
                    number=len(rows) + 1,
                    target_on=step.target_on,
                    due_on=due_on,
                    grace_until=due_on + timedelta(days=grace_days),
                    amount=amount,
                    base=step.base,
                    fraction=step.fraction,
                    balance_after=balance,
                    rule=step.rule,
                    trimmed=amount < wanted,
                )
            )

        for step in programme.steps(funded_on):
            if balance <= stop or step.target_on >= matures_on or (horizon and step.target_on > horizon):
                break
            add(step, stop)
        if maturity and balance and not (horizon and matures_on > horizon):
            for step in maturity.steps(funded_on):
                add(step, Decimal(0))
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class OpenStep:
    """A required payment with what has been paid of it and what is still open, money."""

    curtailment: Curtailment
    paid: Decimal
    open: Decimal


def open_steps(rows: Sequence[Curtailment], principal_paid: Decimal) -> list[OpenStep]:
    """Spread the principal paid so far over the required payments, earliest first.

    A curtailment paid early so reduces the same step; only what exceeds it reaches the next.
    """
    if exact(principal_paid) < 0:
        raise ValueError("The principal paid must not be negative")
    left = principal_paid
    steps = []
    with localcontext(WIDE):
        for row in rows:
            paid = min(left, row.amount)
            left -= paid
            steps.append(OpenStep(row, paid, row.amount - paid))
    return steps


def _check_fraction(fraction: Decimal) -> None:
    if not 0 < exact(fraction) <= _ONE:
        raise ValueError(f"A fraction lies above 0 and at most at 1 (0.10 for 10 %), not {fraction}")


def _percent(fraction: Decimal) -> str:
    return f"{(fraction * 100).normalize():f} %"
