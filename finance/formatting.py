"""How money, dates, times and rates are written for people, and how typed money is read.

Pure: no Django, no database, no clock. The locale is a POSIX-style name such as ``en_US``, ``fr_FR`` or ``en_GB``;
it belongs to the lender, not to the machine. Patterns and names come from CLDR through Babel.

The house rules, the same on pages, in mails and in PDF files:

* money has its symbol, its grouping, at least two decimals, and the minus before everything else;
* dates spell the month in letters, so that no reader can take the day for the month;
* a time of day always carries the abbreviation of its time zone;
* typed money that could be read in two ways is refused with an example, never guessed.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date as format_babel_date
from babel.dates import format_skeleton, format_time
from babel.numbers import get_currency_precision, get_currency_symbol

LARGEST_INTEGER_DIGITS = 15
"""More digits before the decimal mark than this is a slip of the hand, not an amount."""

_WIDE = Context(prec=60, rounding=ROUND_HALF_UP)
_SPACES = str.maketrans(dict.fromkeys("\u00a0\u2007\u2009\u202f\t", " "))
_MINUS_SIGNS = "-\u2212"
_CURRENCY_MARK = r"(?:[A-Za-z]{3}|[$\u20ac\u00a3\u00a5])"
_FOREIGN_CURRENCY = re.compile(rf"{_CURRENCY_MARK} ?[0-9.,' -]+|[0-9.,' ]+ ?{_CURRENCY_MARK}")

_DATE_SKELETONS = {
    "medium": "yMMMd",
    "weekday": "yMMMEd",
    "day": "MMMd",
    "month": "yMMMM",
}


class MoneyProblem(enum.Enum):
    """Why a typed amount could not be read."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not a number"
    TWO_READINGS = "can be read in two ways"
    TOO_MANY_DECIMALS = "more decimals than the currency has"
    OTHER_CURRENCY = "another currency"
    TOO_LARGE = "too many digits"


class UnreadableMoneyError(ValueError):
    """A typed amount that is not one amount only.

    ``problem`` says why; ``example`` is an amount written the way this locale expects it, for the message.
    """

    def __init__(self, problem: MoneyProblem, example: str) -> None:
        super().__init__(f"{problem.value}; write it like {example}")
        self.problem = problem
        self.example = example


def decimals_of(currency: str) -> int:
    """Decimals shown and accepted for ``currency``: what ISO 4217 gives, but never fewer than two."""
    return max(2, int(get_currency_precision(currency)))


@dataclass(frozen=True, slots=True)
class MoneyMarks:
    """The marks around and between the digits of an amount, as one locale writes one currency."""

    prefix: str
    suffix: str
    group: str
    point: str
    decimals: int


@lru_cache(maxsize=64)
def money_marks(currency: str, locale: str) -> MoneyMarks:
    """Return how ``locale`` writes amounts of ``currency``, for whoever must write digits of its own."""
    cldr = Locale.parse(locale)
    pattern = cldr.currency_formats["standard"]
    symbol = get_currency_symbol(currency, cldr)
    prefix = pattern.prefix[0].replace("\u00a4", symbol)
    suffix = pattern.suffix[0].replace("\u00a4", symbol)
    if prefix and prefix == symbol and symbol[-1].isalpha():
        prefix += "\u00a0"
    symbols = cldr.number_symbols["latn"]
    return MoneyMarks(prefix, suffix, symbols["group"], symbols["decimal"], decimals_of(currency))


@lru_cache(maxsize=64)
def money_formatter(currency: str, locale: str, decimals: int | None = None) -> Callable[[Decimal], str]:
    """Return a fast function that writes an amount of ``currency`` for ``locale``.

    Built once per pair and kept: a table of 400 rows pays for the CLDR lookup once. ``decimals`` shows more
    digits than the currency has (the exact interest of a calculation); rounding is half up, for display only.
    """
    marks = money_marks(currency, locale)
    step = Decimal(1).scaleb(-(marks.decimals if decimals is None else decimals))
    swap = str.maketrans({",": marks.group, ".": marks.point})
    straight = (marks.group, marks.point) == (",", ".")

    def write(amount: Decimal) -> str:
        rounded = amount.quantize(step, context=_WIDE)
        digits = f"{rounded.copy_abs():,}"
        if not straight:
            digits = digits.translate(swap)
        sign = "-" if rounded < 0 else ""
        return f"{sign}{marks.prefix}{digits}{marks.suffix}"

    return write


def format_money(
    amount: Decimal | int, currency: str, locale: str, *, decimals: int | None = None, code: bool = False
) -> str:
    """Write ``amount`` with its symbol: ``-$1,234.50``, ``-1 234,50 €``, ``£0.00``.

    ``code=True`` adds the ISO code, for places where currencies meet. Floats are refused: TypeError.
    """
    if isinstance(amount, float):
        raise TypeError("money is a Decimal, never a float")
    text = money_formatter(currency, locale, decimals)(Decimal(amount))
    return f"{text}\u00a0{currency}" if code else text


def format_money_for_input(amount: Decimal, currency: str, locale: str) -> str:
    """Write ``amount`` as a person would type it into a field: no symbol, no grouping (``12340,00``)."""
    step = Decimal(1).scaleb(-decimals_of(currency))
    point = Locale.parse(locale).number_symbols["latn"]["decimal"]
    return str(amount.quantize(step, context=_WIDE)).replace(".", point)


def example_amount(locale: str) -> str:
    """Return 1234.56 as this locale writes it, without symbol, for hints and messages."""
    symbols = Locale.parse(locale).number_symbols["latn"]
    return f"1{symbols['group']}234{symbols['decimal']}56"


def parse_money(text: str, locale: str, currency: str | None = None) -> Decimal:
    """Read an amount typed by a person, or raise ``UnreadableMoneyError``.

    Exactly one reading is accepted: the locale's own marks (``1,234.56`` in en_US, ``1 234,56`` in fr_FR), blanks
    between groups of three, and a point before one or two decimals where the locale uses a comma and has no
    other use for the point (number pads type it). ``1,234`` at a French lender, ``1.234`` anywhere but where the
    point groups thousands, and ``12,34`` at an American one are refused, not multiplied or divided. The currency's
    own symbol or ISO code may stand before or after; another one is refused. A leading minus gives a negative amount.
    """
    example = example_amount(locale)

    def refuse(problem: MoneyProblem) -> UnreadableMoneyError:
        return UnreadableMoneyError(problem, example)

    body = text.translate(_SPACES).strip()
    if not body:
        raise refuse(MoneyProblem.EMPTY)
    negative, body = _take_sign(body)
    body = _take_currency(body, locale, currency, refuse)
    if not negative:
        negative, body = _take_sign(body)
    if not re.fullmatch(r"[0-9.,' ]*[0-9][0-9.,' ]*", body):
        raise refuse(MoneyProblem.NOT_A_NUMBER)

    symbols = Locale.parse(locale).number_symbols["latn"]
    group = symbols["group"].translate(_SPACES)
    point = symbols["decimal"]
    places = decimals_of(currency) if currency else 2
    digits = _one_reading(body, group, point, places)
    if digits is None:
        raise refuse(_why_not(body, point, places))
    if len(digits.split(".")[0].lstrip("0")) > LARGEST_INTEGER_DIGITS:
        raise refuse(MoneyProblem.TOO_LARGE)
    amount = Decimal(digits).quantize(Decimal(1).scaleb(-places), context=_WIDE)
    return amount.copy_negate() if negative and amount else amount


def _take_sign(body: str) -> tuple[bool, str]:
    if body[:1] and body[0] in _MINUS_SIGNS:
        return True, body[1:].strip()
    return False, body


def _take_currency(
    body: str, locale: str, currency: str | None, refuse: Callable[[MoneyProblem], UnreadableMoneyError]
) -> str:
    """Strip the currency's own symbol or code; refuse any other letter or currency sign."""
    if currency:
        own = {currency, get_currency_symbol(currency, locale), get_currency_symbol(currency, "en")}
        for mark in sorted(own, key=len, reverse=True):
            if body[: len(mark)].upper() == mark.upper():
                body = body[len(mark) :].strip()
                break
            if body[-len(mark) :].upper() == mark.upper():
                body = body[: -len(mark)].strip()
                break
    if _FOREIGN_CURRENCY.fullmatch(body):
        raise refuse(MoneyProblem.OTHER_CURRENCY)
    return body


def _one_reading(body: str, group: str, point: str, places: int) -> str | None:
    """Return the digits with a plain point when ``body`` has exactly one reading, else None."""
    decimals = rf"[0-9]{{1,{places}}}"
    whole, fraction = r"(?P<whole>[0-9]+)", rf"(?:{re.escape(point)}(?P<fraction>{decimals}))?"
    for mark in {group, " "}:
        grouped = rf"(?P<whole>[1-9][0-9]{{0,2}}(?:{re.escape(mark)}[0-9]{{3}})+)"
        if match := re.fullmatch(grouped + fraction, body):
            return _joined(match)
    if match := re.fullmatch(whole + fraction, body):
        return _joined(match)
    if match := re.fullmatch(rf"(?P<whole>){re.escape(point)}(?P<fraction>{decimals})", body):
        return _joined(match)
    pad_point = point != "." and group != "."
    if pad_point and (match := re.fullmatch(rf"(?P<whole>[0-9]*)\.(?P<fraction>{decimals})", body)):
        return _joined(match)
    return None


def _joined(match: re.Match[str]) -> str:
    whole = re.sub(r"[^0-9]", "", match["whole"]) or "0"
    return f"{whole}.{match['fraction'] or '0'}"


def _why_not(body: str, point: str, places: int) -> MoneyProblem:
    if re.fullmatch(rf"[0-9]+{re.escape(point)}[0-9]{{{places + 1},}}", body):
        # Three digits after the mark may be meant as thousands by a person used to the other convention.
        after = len(body) - body.index(point) - 1
        return MoneyProblem.TWO_READINGS if after == 3 else MoneyProblem.TOO_MANY_DECIMALS
    if re.search(r"[.,' ]", body):
        return MoneyProblem.TWO_READINGS
    return MoneyProblem.NOT_A_NUMBER


@lru_cache(maxsize=8192)
def format_date(value: date, locale: str, style: str = "medium") -> str:
    """Write a date with its month in letters: ``Nov 21, 2026``, ``21 nov. 2026``, ``21 Nov 2026``.

    ``style``: ``medium``, ``long`` (whole month name), ``weekday`` (``Sat, Nov 21, 2026``), ``day`` (no year, for chart
    axes), ``month`` (``November 2026``). An unknown style raises KeyError.
    """
    if style == "long":
        return format_babel_date(value, "long", locale=locale)
    return str(format_skeleton(_DATE_SKELETONS[style], value, locale=locale))


def local_moment(value: datetime, time_zone: str) -> datetime:
    """Return an instant as it reads on a clock in ``time_zone``; a naive one raises ValueError, being no instant."""
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return value.astimezone(ZoneInfo(time_zone))


def format_moment(value: datetime, time_zone: str, locale: str) -> str:
    """Write an instant in ``time_zone`` with the zone's abbreviation: ``Nov 21, 2026, 4:30 PM MST``."""
    local = local_moment(value, time_zone)
    return f"{format_date(local.date(), locale)}, {format_clock(value, time_zone, locale)}"


def format_clock(value: datetime, time_zone: str, locale: str) -> str:
    """Write only the time of day of an instant, with the zone's abbreviation: ``4:30 PM MST``, ``16:30 CET``."""
    local = local_moment(value, time_zone)
    return f"{format_time(local.time(), 'short', locale=locale)} {local.tzname()}".replace("\u202f", "\u00a0")


@lru_cache(maxsize=4096)
def format_rate(rate: Decimal, locale: str, *, decimals: int = 2) -> str:
    """Write a rate given as a fraction (0.0675) in per cent: ``6.75%``, ``6,75 %``.

    At least ``decimals`` digits, up to six when the rate has them, so that 0.079125 shows as ``7.9125%``.
    """
    cldr = Locale.parse(locale)
    pattern = cldr.percent_formats[None]
    percent = (rate * 100).quantize(Decimal("0.000001"), context=_WIDE)
    whole, _, fraction = f"{percent.copy_abs()}".partition(".")
    fraction = fraction.rstrip("0").ljust(decimals, "0")
    mark = cldr.number_symbols["latn"]["decimal"] if fraction else ""
    sign = "-" if percent < 0 else ""
    return f"{sign}{pattern.prefix[0]}{whole}{mark}{fraction}{pattern.suffix[0]}"


def format_share(part: Decimal, locale: str) -> str:
    """Write a part of a whole (0.43012) in per cent with one decimal, rounded half up: ``43.0%``, ``43,0 %``."""
    return format_rate(part.quantize(Decimal("0.001"), context=_WIDE), locale, decimals=1)


def format_count(value: int, locale: str) -> str:
    """Write a whole number with the locale's grouping: ``1,204``, ``1 204``."""
    return f"{value:,}".replace(",", Locale.parse(locale).number_symbols["latn"]["group"])
