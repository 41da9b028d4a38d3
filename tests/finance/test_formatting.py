"""One way to write money, dates, times and rates; typed money has exactly one reading or none."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from finance.formatting import (
    MoneyProblem,
    UnreadableMoneyError,
    example_amount,
    format_clock,
    format_count,
    format_date,
    format_moment,
    format_money,
    format_money_for_input,
    format_rate,
    format_share,
    parse_money,
)

US, FRANCE, BRITAIN = ("en_US", "USD"), ("fr_FR", "EUR"), ("en_GB", "GBP")
TWO, MANY, NOT, OTHER, EMPTY, LARGE = (
    MoneyProblem.TWO_READINGS,
    MoneyProblem.TOO_MANY_DECIMALS,
    MoneyProblem.NOT_A_NUMBER,
    MoneyProblem.OTHER_CURRENCY,
    MoneyProblem.EMPTY,
    MoneyProblem.TOO_LARGE,
)

# typed text -> what en_US/USD, fr_FR/EUR and en_GB/GBP make of it
TYPED: list[tuple[str, object, object, object]] = [
    ("0.01", "0.01", "0.01", "0.01"),
    ("125.23", "125.23", "125.23", "125.23"),
    ("125,23", TWO, "125.23", TWO),
    ("12", "12.00", "12.00", "12.00"),
    ("12.5", "12.50", "12.50", "12.50"),
    ("12,5", TWO, "12.50", TWO),
    (".50", "0.50", "0.50", "0.50"),
    (",50", TWO, "0.50", TWO),
    ("007", "7.00", "7.00", "7.00"),
    ("0", "0.00", "0.00", "0.00"),
    ("1,234", "1234.00", TWO, "1234.00"),
    ("1.234", TWO, TWO, TWO),
    ("1 234", "1234.00", "1234.00", "1234.00"),
    ("1\u00a0234,50", TWO, "1234.50", TWO),
    ("1\u202f234,50", TWO, "1234.50", TWO),
    ("1 234.50", "1234.50", TWO, "1234.50"),
    ("1,234.56", "1234.56", TWO, "1234.56"),
    ("1.234,56", TWO, TWO, TWO),
    ("1,234,567.89", "1234567.89", TWO, "1234567.89"),
    ("1 234 567,89", TWO, "1234567.89", TWO),
    ("12,34,567", TWO, TWO, TWO),
    ("1,23", TWO, "1.23", TWO),
    ("0,123", TWO, TWO, TWO),
    ("12.345", TWO, TWO, TWO),
    ("12.3456", MANY, TWO, MANY),
    ("12,3456", TWO, MANY, TWO),
    ("12.", TWO, TWO, TWO),
    ("12 50", TWO, TWO, TWO),
    ("1'234.50", TWO, TWO, TWO),
    ("1.2.3", TWO, TWO, TWO),
    ("$12.50", "12.50", OTHER, OTHER),
    ("-$12.50", "-12.50", OTHER, OTHER),
    ("USD 12", "12.00", OTHER, OTHER),
    ("usd 12", "12.00", OTHER, OTHER),
    ("12 \u20ac", OTHER, "12.00", OTHER),
    ("\u00a312", OTHER, OTHER, "12.00"),
    ("-5", "-5.00", "-5.00", "-5.00"),
    ("\u22125", "-5.00", "-5.00", "-5.00"),
    ("--5", NOT, NOT, NOT),
    ("(5.00)", NOT, NOT, NOT),
    ("1e3", NOT, NOT, NOT),
    ("twelve", NOT, NOT, NOT),
    ("\u0663", NOT, NOT, NOT),
    ("NaN", NOT, NOT, NOT),
    ("Infinity", NOT, NOT, NOT),
    ("", EMPTY, EMPTY, EMPTY),
    (" \u00a0 ", EMPTY, EMPTY, EMPTY),
    ("1234567890123456", LARGE, LARGE, LARGE),
    ("999999999999999.99", "999999999999999.99", "999999999999999.99", "999999999999999.99"),
]


@pytest.mark.parametrize(
    ("text", "locale", "currency", "expected"),
    [
        (text, *where, expected)
        for text, *readings in TYPED
        for where, expected in zip((US, FRANCE, BRITAIN), readings, strict=True)
    ],
)
def test_typed_money_is_read_exactly_or_refused(
    text: str, locale: str, currency: str, expected: object
) -> None:
    if isinstance(expected, MoneyProblem):
        with pytest.raises(UnreadableMoneyError) as refusal:
            parse_money(text, locale, currency)
        assert refusal.value.problem is expected
        assert refusal.value.example == example_amount(locale)
    else:
        amount = parse_money(text, locale, currency)
        assert str(amount) == expected


@pytest.mark.parametrize(("locale", "currency"), [US, FRANCE, BRITAIN])
@pytest.mark.parametrize("amount", ["0.01", "999.99", "1000.00", "1234567.89", "-42.10"])
def test_what_the_portal_writes_it_can_read_back(locale: str, currency: str, amount: str) -> None:
    exact = Decimal(amount)
    assert parse_money(format_money(exact, currency, locale), locale, currency) == exact
    assert parse_money(format_money_for_input(exact, currency, locale), locale, currency) == exact


@pytest.mark.parametrize(
    ("amount", "locale", "currency", "text"),
    [
        ("12340", *US, "$12,340.00"),
        ("-12340.5", *US, "-$12,340.50"),
        ("0", *US, "$0.00"),
        ("-0.004", *US, "$0.00"),
        ("0.005", *US, "$0.01"),
        ("-0.005", *US, "-$0.01"),
        ("1250000.5", *FRANCE, "1\u202f250\u202f000,50\u00a0\u20ac"),
        ("-482.17", *FRANCE, "-482,17\u00a0\u20ac"),
        ("1234.5", *BRITAIN, "\u00a31,234.50"),
        ("12345678901234567890123456789.01", *US, "$12,345,678,901,234,567,890,123,456,789.01"),
    ],
)
def test_money_has_symbol_groups_two_decimals_and_the_minus_first(
    amount: str, locale: str, currency: str, text: str
) -> None:
    assert format_money(Decimal(amount), currency, locale) == text


def test_the_code_is_written_where_currencies_meet() -> None:
    assert format_money(Decimal(5), "USD", "en_US", code=True) == "$5.00\u00a0USD"


def test_a_calculation_may_show_more_decimals() -> None:
    assert format_money(Decimal("4.5138888"), "USD", "en_US", decimals=6) == "$4.513889"


def test_a_float_is_no_money() -> None:
    with pytest.raises(TypeError):
        format_money(0.1, "USD", "en_US")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("locale", "medium", "long", "weekday"),
    [
        ("en_US", "Nov 3, 2026", "November 3, 2026", "Tue, Nov 3, 2026"),
        ("fr_FR", "3 nov. 2026", "3 novembre 2026", "mar. 3 nov. 2026"),
        ("en_GB", "3 Nov 2026", "3 November 2026", "Tue, 3 Nov 2026"),
    ],
)
def test_dates_spell_the_month(locale: str, medium: str, long: str, weekday: str) -> None:
    day = date(2026, 11, 3)
    assert format_date(day, locale) == medium
    assert format_date(day, locale, "long") == long
    assert format_date(day, locale, "weekday") == weekday


def test_a_moment_reads_as_on_the_lenders_clock_with_its_zone() -> None:
    instant = datetime(2026, 11, 3, 0, 30, tzinfo=UTC)
    assert format_moment(instant, "America/Denver", "en_US") == "Nov 2, 2026, 5:30\u00a0PM MST"
    assert format_moment(instant, "Europe/Paris", "fr_FR") == "3 nov. 2026, 01:30 CET"
    assert format_clock(datetime(2026, 7, 1, 12, 0, tzinfo=UTC), "Europe/London", "en_GB") == "13:00 BST"


def test_a_naive_time_is_no_moment() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_moment(datetime(2026, 11, 3), "UTC", "en_US")  # noqa: DTZ001 - the case itself


@pytest.mark.parametrize(
    ("rate", "locale", "text"),
    [
        ("0.0675", "en_US", "6.75%"),
        ("0.079125", "en_US", "7.9125%"),
        ("0.1", "en_GB", "10.00%"),
        ("0.0675", "fr_FR", "6,75\u00a0%"),
        ("-0.0025", "en_US", "-0.25%"),
    ],
)
def test_rates_are_fractions_written_in_per_cent(rate: str, locale: str, text: str) -> None:
    assert format_rate(Decimal(rate), locale) == text


def test_counts_are_grouped() -> None:
    assert format_count(12034, "en_US") == "12,034"
    assert format_count(12034, "fr_FR") == "12\u202f034"


def test_a_share_is_written_with_one_decimal() -> None:
    assert format_share(Decimal("0.43049"), "en_US") == "43.0%"
    assert format_share(Decimal("0.43050"), "en_US") == "43.1%"
    assert format_share(Decimal("1.25"), "fr_FR").replace("\u202f", " ").replace("\u00a0", " ") == "125,0 %"
