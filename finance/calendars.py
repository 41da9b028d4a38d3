"""Business-day calendars, and the value date of money that arrives at a given minute.

Sources: the Federal Reserve's holiday schedule (a holiday on a Saturday is not moved: banks are open the Friday before;
one on a Sunday is kept on Monday), the European Central Bank's TARGET closing days, and the bank holidays of England
and Wales with their substitute days and the single proclaimed ones.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

from dateutil.easter import easter

__all__ = [
    "FEDERAL_RESERVE",
    "TARGET",
    "UNITED_KINGDOM",
    "BusinessCalendar",
    "calendar_named",
    "calendar_names",
    "value_date",
]

_DAY: Final = timedelta(days=1)
_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6


class BusinessCalendar:
    """The days on which banks settle: every day but Saturdays, Sundays and the holidays of ``holidays_of_year``."""

    def __init__(self, name: str, holidays_of_year: Callable[[int], frozenset[date]]) -> None:
        self.name = name
        self._holidays_of_year = lru_cache(maxsize=None)(holidays_of_year)

    def __repr__(self) -> str:
        return f"BusinessCalendar({self.name!r})"

    def holidays(self, year: int) -> list[date]:
        """Return the holidays of ``year`` on which banks would else be open, ascending."""
        return sorted(day for day in self._holidays_of_year(year) if day.weekday() < _SATURDAY)

    def is_business_day(self, day: date) -> bool:
        """Say whether banks settle on ``day``."""
        return day.weekday() < _SATURDAY and day not in self._holidays_of_year(day.year)

    def next_business_day(self, day: date) -> date:
        """Return ``day`` itself when it is a business day, else the first one after it."""
        while not self.is_business_day(day):
            day += _DAY
        return day

    def previous_business_day(self, day: date) -> date:
        """Return ``day`` itself when it is a business day, else the last one before it."""
        while not self.is_business_day(day):
            day -= _DAY
        return day

    def add_business_days(self, day: date, count: int) -> date:
        """Return the day that is ``count`` business days after ``day`` (before it when negative).

        Counting starts on the next day, so one business day after a Saturday is Monday; ``count`` 0 gives
        :meth:`next_business_day`.
        """
        if count == 0:
            return self.next_business_day(day)
        step = _DAY if count > 0 else -_DAY
        left = abs(count)
        while left:
            day += step
            left -= self.is_business_day(day)
        return day


def value_date(local_now: datetime, cut_off: time, calendar: BusinessCalendar) -> date:
    """Return the day from which money submitted at ``local_now`` counts.

    ``local_now`` is the wall clock of the lender's time zone. Before the cut-off of a business day it is that day; at
    the cut-off or later, or on another day, the next business day.
    """
    today = local_now.date()
    in_time = local_now.time().replace(tzinfo=None) < cut_off
    if calendar.is_business_day(today) and in_time:
        return today
    return calendar.next_business_day(today + _DAY)


def _nth_weekday(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (number - 1))


def _last_monday_of_may_or_august(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=last.weekday())


def _sunday_to_monday(day: date) -> date:
    return day + _DAY if day.weekday() == _SUNDAY else day


def _federal_reserve(year: int) -> frozenset[date]:
    fixed = [date(year, 1, 1), date(year, 7, 4), date(year, 11, 11), date(year, 12, 25)]
    if year >= 2022:
        fixed.append(date(year, 6, 19))
    return frozenset(
        {
            *map(_sunday_to_monday, fixed),
            _nth_weekday(year, 1, _MONDAY, 3),  # Martin Luther King's birthday
            _nth_weekday(year, 2, _MONDAY, 3),  # Washington's birthday
            _last_monday_of_may_or_august(year, 5),  # Memorial Day
            _nth_weekday(year, 9, _MONDAY, 1),  # Labor Day
            _nth_weekday(year, 10, _MONDAY, 2),  # Columbus Day
            _nth_weekday(year, 11, _THURSDAY, 4),  # Thanksgiving
        }
    )


def _target(year: int) -> frozenset[date]:
    sunday = easter(year)
    return frozenset(
        {
            date(year, 1, 1),
            sunday - 2 * _DAY,
            sunday + _DAY,
            date(year, 5, 1),
            date(year, 12, 25),
            date(year, 12, 26),
        }
    )


#: Bank holidays of England and Wales moved or added by proclamation: (dropped, added).
_PROCLAIMED: Final[dict[int, tuple[frozenset[date], frozenset[date]]]] = {
    2011: (frozenset(), frozenset({date(2011, 4, 29)})),  # royal wedding
    2012: (
        frozenset({date(2012, 5, 28)}),
        frozenset({date(2012, 6, 4), date(2012, 6, 5)}),
    ),  # Diamond Jubilee
    2020: (frozenset({date(2020, 5, 4)}), frozenset({date(2020, 5, 8)})),  # Victory in Europe, 75 years
    2022: (  # Platinum Jubilee; state funeral of the Queen
        frozenset({date(2022, 5, 30)}),
        frozenset({date(2022, 6, 2), date(2022, 6, 3), date(2022, 9, 19)}),
    ),
    2023: (frozenset(), frozenset({date(2023, 5, 8)})),  # coronation
}


def _united_kingdom(year: int) -> frozenset[date]:
    sunday = easter(year)
    new_year = date(year, 1, 1)
    if new_year.weekday() >= _SATURDAY:
        new_year += timedelta(days=7 - new_year.weekday())
    # Each of the two that falls on a weekend is kept on the next weekday that the other does not take.
    christmas, boxing = date(year, 12, 25), date(year, 12, 26)
    if christmas.weekday() >= _SATURDAY:
        christmas = date(year, 12, 27)
    if boxing.weekday() >= _SATURDAY:
        boxing = date(year, 12, 28)
    days = {
        new_year,
        sunday - 2 * _DAY,
        sunday + _DAY,
        _nth_weekday(year, 5, _MONDAY, 1),
        _last_monday_of_may_or_august(year, 5),
        _last_monday_of_may_or_august(year, 8),
        christmas,
        boxing,
    }
    dropped, added = _PROCLAIMED.get(year, (frozenset(), frozenset()))
    return frozenset((days - dropped) | added)


FEDERAL_RESERVE: Final = BusinessCalendar("federal-reserve", _federal_reserve)
TARGET: Final = BusinessCalendar("target", _target)
UNITED_KINGDOM: Final = BusinessCalendar("united-kingdom", _united_kingdom)

_BY_NAME: Final = {calendar.name: calendar for calendar in (FEDERAL_RESERVE, TARGET, UNITED_KINGDOM)}


def calendar_names() -> list[str]:
    """Return the names that :func:`calendar_named` knows."""
    return list(_BY_NAME)


def calendar_named(name: str) -> BusinessCalendar:
    """Return the calendar that a lender's setting names. Raises ``LookupError`` listing the names that exist."""
    try:
        return _BY_NAME[name]
    except KeyError:
        raise LookupError(f"There is no calendar {name!r}; known are {', '.join(_BY_NAME)}") from None
