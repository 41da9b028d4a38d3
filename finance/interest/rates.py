"""Rates: one annual rate per calendar day, its cumulative sum and its growth factor.

A rate is a fraction of one a year: 0.0950 is 9.50 %. With ``S(d)`` the sum, over the days before ``d``, of that day's
rate times its parts of a year, simple interest of principal P over [a, b) is ``P x (S(b) - S(a)) / YEAR_PARTS``:
constant work for any span and any number of rate changes. Under daily compounding whatever is owed grows by ``G(b) /
G(a)``.

The database keeps one row per plan and day with exactly these figures (:class:`PlanDay`), so a night adds one row per
plan (:func:`plan_days`) and a change of the index touches no account.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, localcontext
from enum import StrEnum
from itertools import pairwise
from typing import Final, Protocol

from finance.interest.day_counts import QUOTIENT, YEAR_PARTS, DayCount
from finance.money import WIDE, exact

#: Growth factors are kept to 40 decimals; the error of a century of days stays far below 28 significant digits.
GROWTH_UNIT: Final = Decimal(1).scaleb(-40)
_NO_GROWTH: Final = Decimal("1." + 40 * "0")

_DAY: Final = timedelta(days=1)
_AHEAD: Final = 400


class Compounding(StrEnum):
    """Whether unpaid interest earns interest: never, or each day (then billed unpaid interest earns too)."""

    SIMPLE = "simple"
    DAILY = "daily"


class MissingRateError(LookupError):
    """A rate was asked for on a day for which none is known. It is never guessed."""


@dataclass(frozen=True, slots=True)
class PlanDay:
    """One day of a rate plan, as the database keeps it.

    ``annual_rate`` is valid on ``day``; ``cumulative`` and ``growth`` cover the days before ``day``.
    """

    day: date
    annual_rate: Decimal
    cumulative: Decimal
    growth: Decimal

    def following(self, day_count: DayCount) -> tuple[Decimal, Decimal]:
        """Return ``cumulative`` and ``growth`` of the next day."""
        parts = day_count.parts_between(self.day, self.day + _DAY)
        with localcontext(WIDE):
            step = self.annual_rate * parts
            growth = (self.growth * (YEAR_PARTS + step) / YEAR_PARTS).quantize(GROWTH_UNIT)
            return self.cumulative + step, growth


class Rates(Protocol):
    """What the fold needs to know about rates, in memory or from the database."""

    @property
    def compounding(self) -> Compounding:
        """Whether unpaid interest earns interest."""

    def cumulative(self, day: date) -> Decimal:
        """Return S(day), in rate times parts of a year, exact; only differences mean something."""

    def growth(self, day: date) -> Decimal:
        """Return G(day); only quotients mean something."""

    def annual_rate(self, day: date) -> Decimal:
        """Return the annual rate valid on ``day``."""

    def day_count(self, day: date) -> DayCount:
        """Return the day count valid on ``day``."""

    def changes(self, start: date, end: date) -> list[date]:
        """Return the days inside (start, end), ascending, from which one day's interest differs from the day before."""


def dated_values(values: Iterable[tuple[date, Decimal]]) -> list[tuple[date, Decimal]]:
    """Sort (valid from, value) pairs and drop those that change nothing.

    Raises ``ValueError`` when there is none or two are valid from the same day.
    """
    ordered = sorted(values, key=lambda pair: pair[0])
    if not ordered:
        raise ValueError("At least one rate with its valid-from date is needed")
    for (earlier, _), (later, _) in pairwise(ordered):
        if earlier == later:
            raise ValueError(f"Two rates are valid from {later.isoformat()}")
    kept = [ordered[0]]
    for valid_from, value in ordered[1:]:
        if exact(value) != kept[-1][1]:
            kept.append((valid_from, value))
    exact(kept[0][1])
    return kept


def _value_on(values: Sequence[tuple[date, Decimal]], day: date) -> Decimal:
    index = bisect_right(values, day, key=lambda pair: pair[0])
    if index == 0:
        raise MissingRateError(
            f"No rate is known for {day.isoformat()}; the first is of {values[0][0].isoformat()}"
        )
    return values[index - 1][1]


def plan_rates(
    fixings: Iterable[tuple[date, Decimal]],
    margins: Iterable[tuple[date, Decimal]],
    *,
    index_floor: Decimal | None = None,
    floor: Decimal | None = None,
    ceiling: Decimal | None = None,
) -> list[tuple[date, Decimal]]:
    """Return the annual rates of a plan by valid-from date: index plus margin, kept between floor and ceiling.

    ``index_floor`` bounds the index before the margin is added (prime never taken below 3.5 %); ``floor`` and
    ``ceiling`` bound the sum. The first rate starts when both an index fixing and a margin are known.
    """
    index_steps, margin_steps = dated_values(fixings), dated_values(margins)
    first = max(index_steps[0][0], margin_steps[0][0])
    days = {first} | {day for day, _ in [*index_steps, *margin_steps] if day > first}
    rates = []
    for day in sorted(days):
        index = _value_on(index_steps, day)
        if index_floor is not None:
            index = max(index, index_floor)
        rate = index + _value_on(margin_steps, day)
        if ceiling is not None:
            rate = min(rate, ceiling)
        if floor is not None:
            rate = max(rate, floor)
        rates.append((day, rate))
    return dated_values(rates)


def plan_days(
    rates: Iterable[tuple[date, Decimal]],
    *,
    day_count: DayCount,
    through: date,
    previous: PlanDay | None = None,
) -> Iterator[PlanDay]:
    """Yield one row per day up to and including ``through``.

    Without ``previous`` the first row is of the first valid-from date, with nothing accumulated; with it, the rows of
    the days after it follow: a night passes the latest row and gets one more. The last of ``rates`` holds until another
    follows; what the day of ``previous`` itself adds is decided by the rate in ``previous``.
    """
    steps = dated_values(rates)
    if previous is None:
        row = PlanDay(steps[0][0], steps[0][1], Decimal(0), _NO_GROWTH)
        if row.day > through:
            return
        yield row
    else:
        row = previous
    while row.day < through:
        day = row.day + _DAY
        cumulative, growth = row.following(day_count)
        row = PlanDay(day, _value_on(steps, day), cumulative, growth)
        yield row


def _basis_changes(day_count: DayCount, start: date, end: date) -> set[date]:
    new_years = (date(year, 1, 1) for year in range(start.year + 1, end.year + 1))
    return {
        day for day in new_years if start < day < end and day_count.basis(day) != day_count.basis(day - _DAY)
    }


class RateCurve:
    """Rates in memory, from (valid from, annual rate) pairs; the last rate holds until further notice."""

    def __init__(
        self,
        rates: Iterable[tuple[date, Decimal]],
        *,
        day_count: DayCount,
        compounding: Compounding = Compounding.SIMPLE,
    ) -> None:
        self._steps = dated_values(rates)
        self._day_count = day_count
        self._compounding = compounding
        self._starts = [day for day, _ in self._steps]
        self._sums = [Decimal(0)]
        with localcontext(WIDE):
            for (start, rate), (end, _) in pairwise(self._steps):
                self._sums.append(self._sums[-1] + rate * day_count.parts_between(start, end))
        self._growths: list[Decimal] = []

    @property
    def compounding(self) -> Compounding:
        """Whether unpaid interest earns interest."""
        return self._compounding

    def day_count(self, day: date) -> DayCount:
        """Return the day count: the same on every day of one curve."""
        del day
        return self._day_count

    def _step(self, day: date) -> int:
        index = bisect_right(self._starts, day)
        if index == 0:
            raise MissingRateError(
                f"No rate is known for {day.isoformat()}; the first is of {self._starts[0].isoformat()}"
            )
        return index - 1

    def annual_rate(self, day: date) -> Decimal:
        """Return the annual rate valid on ``day``."""
        return self._steps[self._step(day)][1]

    def cumulative(self, day: date) -> Decimal:
        """Return S(day), counted from the first valid-from date."""
        step = self._step(day)
        start, rate = self._steps[step]
        with localcontext(WIDE):
            return self._sums[step] + rate * self._day_count.parts_between(start, day)

    def growth(self, day: date) -> Decimal:
        """Return G(day), counted from the first valid-from date, made day by day as :func:`plan_days` makes it."""
        self._step(day)
        index = (day - self._starts[0]).days
        growths = self._growths
        if index >= len(growths):
            rows = plan_days(self._steps, day_count=self._day_count, through=day + _AHEAD * _DAY)
            # Replaced as a whole, so that threads that meet here read either the old list or the new one.
            self._growths = growths = [row.growth for row in rows]
        return growths[index]

    def changes(self, start: date, end: date) -> list[date]:
        """Return the days inside (start, end) on which the rate or the length of the year changes."""
        low, high = bisect_right(self._starts, start), bisect_left(self._starts, end)
        return sorted({*self._starts[low:high], *_basis_changes(self._day_count, start, end)})


class DayRows:
    """Rates from rows of the database, all of one plan.

    For a fold the rows of the days on which something happened are enough; to show segments, the rows of every day of
    the span are needed. A day without a row raises :class:`MissingRateError`, but for the day after a row, which
    follows from it.
    """

    def __init__(
        self,
        rows: Iterable[PlanDay],
        *,
        day_count: DayCount,
        compounding: Compounding = Compounding.SIMPLE,
    ) -> None:
        self._rows = {row.day: row for row in rows}
        self._day_count = day_count
        self._compounding = compounding

    @property
    def compounding(self) -> Compounding:
        """Whether unpaid interest earns interest."""
        return self._compounding

    def day_count(self, day: date) -> DayCount:
        """Return the day count: the same on every day of one plan."""
        del day
        return self._day_count

    def _row(self, day: date) -> PlanDay:
        try:
            return self._rows[day]
        except KeyError:
            raise MissingRateError(f"The plan has no row for {day.isoformat()}") from None

    def annual_rate(self, day: date) -> Decimal:
        """Return the annual rate valid on ``day``."""
        return self._row(day).annual_rate

    def cumulative(self, day: date) -> Decimal:
        """Return S(day)."""
        before = self._rows.get(day - _DAY)
        if day not in self._rows and before is not None:
            return before.following(self._day_count)[0]
        return self._row(day).cumulative

    def growth(self, day: date) -> Decimal:
        """Return G(day)."""
        before = self._rows.get(day - _DAY)
        if day not in self._rows and before is not None:
            return before.following(self._day_count)[1]
        return self._row(day).growth

    def changes(self, start: date, end: date) -> list[date]:
        """Return the days inside (start, end) on which the rate or the length of the year changes."""
        days = [start + offset * _DAY for offset in range(1, (end - start).days)]
        changed = {day for day in days if self._row(day).annual_rate != self._row(day - _DAY).annual_rate}
        return sorted(changed | _basis_changes(self._day_count, start, end))

    def projected_to(self, day: date) -> DayRows:
        """Return the same rates with rows added up to ``day`` at the last known rate: what a quote assumes."""
        if not self._rows:
            raise MissingRateError("The plan has no rows to carry forward")
        last = self._rows[max(self._rows)]
        added = plan_days(
            [(last.day, last.annual_rate)], day_count=self._day_count, through=day, previous=last
        )
        return DayRows(
            [*self._rows.values(), *added], day_count=self._day_count, compounding=self._compounding
        )


class JoinedRates:
    """Different rates one after the other: a changed plan, or a margin that grows with the age of the unit.

    Each piece is valid from its date until the next piece's. All pieces compound alike; day counts may differ, since
    every one is counted in the same parts of a year.
    """

    def __init__(self, pieces: Sequence[tuple[date, Rates]]) -> None:
        if not pieces:
            raise ValueError("At least one piece is needed")
        self._pieces = sorted(pieces, key=lambda piece: piece[0])
        self._starts = [start for start, _ in self._pieces]
        if len(set(self._starts)) != len(self._starts):
            raise ValueError("Two pieces start on the same day")
        if len({rates.compounding for _, rates in pieces}) > 1:
            raise ValueError(
                "Simple and compounding rates cannot be joined: bill the account before the change"
            )

    @property
    def compounding(self) -> Compounding:
        """Whether unpaid interest earns interest."""
        return self._pieces[0][1].compounding

    def _index(self, day: date) -> int:
        index = bisect_right(self._starts, day)
        if index == 0:
            raise MissingRateError(
                f"No rate is known for {day.isoformat()}; the first is of {self._starts[0].isoformat()}"
            )
        return index - 1

    def day_count(self, day: date) -> DayCount:
        """Return the day count valid on ``day``."""
        return self._pieces[self._index(day)][1].day_count(day)

    def annual_rate(self, day: date) -> Decimal:
        """Return the annual rate valid on ``day``."""
        return self._pieces[self._index(day)][1].annual_rate(day)

    def _stretches(self, day: date) -> Iterator[tuple[Rates, date, date]]:
        last = self._index(day)
        for index, (start, rates) in enumerate(self._pieces[: last + 1]):
            yield rates, start, day if index == last else self._starts[index + 1]

    def cumulative(self, day: date) -> Decimal:
        """Return S(day), counted from the first piece's date."""
        with localcontext(WIDE):
            return sum(
                (
                    rates.cumulative(end) - rates.cumulative(start)
                    for rates, start, end in self._stretches(day)
                ),
                Decimal(0),
            )

    def growth(self, day: date) -> Decimal:
        """Return G(day), counted from the first piece's date."""
        product = Decimal(1)
        with localcontext(WIDE):
            for rates, start, end in self._stretches(day):
                product *= rates.growth(end) / rates.growth(start)
            return product.quantize(GROWTH_UNIT)

    def changes(self, start: date, end: date) -> list[date]:
        """Return the days inside (start, end) on which the rate, day count or length of the year changes."""
        inside = [day for day in self._starts if start < day < end]
        found = {
            day
            for day in inside
            if (self.annual_rate(day), self.day_count(day))
            != (self.annual_rate(day - _DAY), self.day_count(day - _DAY))
        }
        for low, high in pairwise([start, *inside, end]):
            found |= set(self._pieces[self._index(low)][1].changes(low, high))
        return sorted(found)


def per_diem(principal: Decimal, annual_rate: Decimal, day_count: DayCount, day: date) -> Decimal:
    """Return one day's interest on ``day``, unrounded: information, never a posting."""
    with localcontext(WIDE):
        year = principal * annual_rate
    return QUOTIENT.divide(year, Decimal(day_count.basis(day)))


def effective_annual_cost(annual_rate: Decimal, day_count: DayCount) -> Decimal:
    """Return what ``annual_rate`` costs over 365 days, as a fraction: 9.50 % actual/360 costs 9.6319 %."""
    if day_count is not DayCount.ACTUAL_360:
        return exact(annual_rate)
    return QUOTIENT.divide(annual_rate * 365, Decimal(360))
