"""Day counts: how many parts of a year lie between two days.

A year is cut into :data:`YEAR_PARTS` equal parts, the smallest number that 360, 365 and 366 all divide. So every day of
every day count is a whole number of parts, and interest is ``principal x rate x parts / YEAR_PARTS`` with the same
divisor for all plans. Sums stay exact because the division is left to the very end; a tie (exactly half a cent) is
still a tie when it comes to rounding.
"""

from __future__ import annotations

import calendar
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from enum import StrEnum
from typing import Final, assert_never

from finance.money import WIDE

#: Least common multiple of 360, 365 and 366.
YEAR_PARTS: Final = 1_603_080

#: Digits of a quotient. A quotient that is not a tie differs from one at the 40th digit at the latest.
QUOTIENT: Final = Context(prec=50, rounding=ROUND_HALF_UP)

_OF_360: Final = YEAR_PARTS // 360
_OF_365: Final = YEAR_PARTS // 365
_OF_366: Final = YEAR_PARTS // 366


class DayCount(StrEnum):
    """How the days of an interest period are counted, and what makes a year.

    ``ACTUAL_ACTUAL`` follows the ISDA rule: a day of a leap year is 1/366, any other 1/365, by the day's own date.
    ``THIRTY_360`` numbers days as ``360 y + 30 m + min(d, 30)`` (the European form, 30E/360), so that adjoining
    periods always add up: 17 Jan to 18 Mar 2025 is 61 days, 18 Mar to 30 Apr is 42.
    """

    ACTUAL_360 = "actual/360"
    ACTUAL_365 = "actual/365"
    ACTUAL_ACTUAL = "actual/actual"
    THIRTY_360 = "30/360"

    def parts_to(self, day: date) -> int:
        """Return the parts between a fixed origin and ``day``; only differences mean something."""
        match self:
            case DayCount.ACTUAL_360:
                return _OF_360 * day.toordinal()
            case DayCount.ACTUAL_365:
                return _OF_365 * day.toordinal()
            case DayCount.ACTUAL_ACTUAL:
                of_this_year = _OF_366 if calendar.isleap(day.year) else _OF_365
                return YEAR_PARTS * day.year + of_this_year * (day.timetuple().tm_yday - 1)
            case DayCount.THIRTY_360:
                return _OF_360 * _thirty_360_number(day)
            case _:
                assert_never(self)

    def parts_between(self, start: date, end: date) -> int:
        """Return the parts of a year in [start, end): ``start`` counts, ``end`` does not."""
        return self.parts_to(end) - self.parts_to(start)

    def days_between(self, start: date, end: date) -> int:
        """Return the interest days in [start, end) as this convention counts them."""
        if self is DayCount.THIRTY_360:
            return _thirty_360_number(end) - _thirty_360_number(start)
        return (end - start).days

    def basis(self, day: date) -> int:
        """Return the days that make a year on ``day``: 360, 365 or 366."""
        match self:
            case DayCount.ACTUAL_360 | DayCount.THIRTY_360:
                return 360
            case DayCount.ACTUAL_365:
                return 365
            case DayCount.ACTUAL_ACTUAL:
                return 366 if calendar.isleap(day.year) else 365
            case _:
                assert_never(self)


def _thirty_360_number(day: date) -> int:
    return 360 * day.year + 30 * day.month + min(day.day, 30)


def money_of(parts: Decimal) -> Decimal:
    """Turn interest kept in parts into money, unrounded (50 digits): the one division of the engine."""
    return QUOTIENT.divide(parts, Decimal(YEAR_PARTS))


def parts_of(amount: Decimal) -> Decimal:
    """Turn money into parts, exactly."""
    with localcontext(WIDE):
        return amount * YEAR_PARTS
