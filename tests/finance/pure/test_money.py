"""Money is exact, keeps to its currency, and is split without losing a cent."""

from decimal import ROUND_HALF_EVEN, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.money import (
    CurrencyMismatchError,
    Money,
    UnknownCurrencyError,
    is_whole,
    minor_unit,
    round_money,
    split_proportionally,
)
from tests.finance.pure.histories import quick


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [
        ("0.125", "USD", "0.13"),
        ("-0.125", "USD", "-0.13"),
        ("0.124999999999999999999999999999999999", "USD", "0.12"),
        ("157.935", "USD", "157.94"),
        ("1234.5", "JPY", "1235"),
        ("0.0005", "KWD", "0.001"),
        ("99999999999999999999999999999999.995", "EUR", "100000000000000000000000000000000.00"),
    ],
)
def test_posting_rounds_half_up_to_the_minor_unit(amount, currency, rounded):
    assert str(round_money(Decimal(amount), currency)) == rounded


def test_the_rounding_mode_is_the_callers_when_the_contract_says_so():
    assert round_money(Decimal("0.125"), "USD", ROUND_HALF_EVEN) == Decimal("0.12")


def test_nothing_has_no_sign():
    assert str(round_money(Decimal("-0.001"), "USD")) == "0.00"
    assert str((-Money.zero("USD")).amount) == "0.00"


@pytest.mark.parametrize(
    ("currency", "unit"), [("USD", "0.01"), ("JPY", "1"), ("KWD", "0.001"), ("CLF", "0.0001")]
)
def test_each_currency_has_its_minor_unit(currency, unit):
    assert str(minor_unit(currency)) == unit


@pytest.mark.parametrize("currency", ["usd", "US", "XXX", "", "EURO"])
def test_an_unknown_currency_is_refused(currency):
    with pytest.raises(UnknownCurrencyError):
        minor_unit(currency)


@pytest.mark.parametrize("amount", [1.5, 1, "1.50", None])
def test_what_is_not_a_decimal_is_refused(amount):
    with pytest.raises(TypeError):
        Money(amount, "USD")
    with pytest.raises(TypeError):
        round_money(amount, "USD")


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_what_is_not_a_number_is_refused(amount):
    with pytest.raises(ValueError, match="finite"):
        Money(Decimal(amount), "USD")


def test_currencies_never_mix():
    dollars, euros = Money(Decimal("1.00"), "USD"), Money(Decimal("1.00"), "EUR")
    for mix in (
        lambda: dollars + euros,
        lambda: dollars - euros,
        lambda: dollars < euros,
        lambda: dollars >= euros,
    ):
        with pytest.raises(CurrencyMismatchError):
            mix()
    assert dollars != euros


def test_money_meets_no_float_and_no_bare_number():
    dollars = Money(Decimal("1.00"), "USD")
    for wrong in (
        lambda: dollars * 0.5,
        lambda: dollars + Decimal(1),
        lambda: dollars + 0,
        lambda: dollars * True,
    ):
        with pytest.raises(TypeError):
            wrong()


def test_money_counts():
    amounts = [Money(Decimal(text), "USD") for text in ("0.10", "0.20", "-0.05")]
    assert sum(amounts, Money.zero("USD")) == Money(Decimal("0.25"), "USD")
    assert amounts[0] * 3 == 3 * amounts[0] == Money(Decimal("0.30"), "USD")
    assert amounts[2] < Money.zero("USD") <= amounts[0] < amounts[1]
    assert abs(amounts[2]) == -amounts[2]
    assert not Money.zero("USD")
    assert (amounts[0] * Decimal("0.333")).rounded() == Money(Decimal("0.03"), "USD")
    assert str(amounts[1]) == "0.20 USD"


def test_sums_are_never_cut_to_the_default_precision():
    large, small = Money(Decimal("1e30"), "USD"), Money(Decimal("0.01"), "USD")
    assert (large + small) - large == small


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        ("100.00", "1 1 1", "33.34 33.33 33.33"),
        ("-100.00", "1 1 1", "-33.34 -33.33 -33.33"),
        ("0.01", "1 1", "0.01 0.00"),
        ("0.02", "1 3 3", "0.00 0.01 0.01"),
        ("10.00", "0 0.5 1.5", "0.00 2.50 7.50"),
        ("0.00", "0 0", "0.00 0.00"),
    ],
)
def test_a_split_goes_by_the_largest_remainder(total, weights, parts):
    split = split_proportionally(Decimal(total), [Decimal(weight) for weight in weights.split()], "USD")
    assert [str(part) for part in split] == parts.split()


@pytest.mark.parametrize(
    ("total", "weights"), [("0.005", "1 1"), ("1.00", "1 -1"), ("1.00", "0 0"), ("1.00", "")]
)
def test_an_impossible_split_is_refused(total, weights):
    with pytest.raises(ValueError, match=r"split|negative"):
        split_proportionally(Decimal(total), [Decimal(weight) for weight in weights.split()], "USD")


@quick
@given(
    st.integers(-(10**12), 10**12),
    st.lists(st.decimals(0, 10**6, allow_nan=False, places=6), min_size=1, max_size=97).filter(any),
)
def test_a_split_loses_no_cent_and_strays_by_less_than_one(units, weights):
    total = Decimal(units).scaleb(-2)
    parts = split_proportionally(total, weights, "USD")
    assert sum(parts) == total
    assert all(is_whole(part, "USD") for part in parts)
    assert all(
        abs(part * sum(weights) - total * weight) < Decimal("0.01") * sum(weights)
        for part, weight in zip(parts, weights, strict=True)
    )
    assert parts == split_proportionally(total, weights, "USD")
