"""Vehicle identification numbers: what is valid, and what is wrong with the rest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.vin import VinProblem, check_digit, is_valid_vin, make_vin, normalise_vin, vin_problem, year_code
from tests.finance.pure.histories import quick

CHARACTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"


@pytest.mark.parametrize(
    "vin",
    [
        "1M8GDM9AXKP042788",  # the published example with an X
        "11111111111111111",
        "5GZCZ43D13S812715",
        "WVWZZZ1JZXW000001",  # European: the ninth place is the maker's
        " 1m8gdm9axkp042788 ",
        "1M8GD M9AXK P042788",
    ],
)
def test_a_valid_number_is_accepted_in_any_spelling(vin):
    assert vin_problem(vin) is None
    assert is_valid_vin(vin)


@pytest.mark.parametrize(
    ("vin", "problem"),
    [
        ("", VinProblem.LENGTH),
        ("1M8GDM9AXKP04278", VinProblem.LENGTH),
        ("1M8GDM9AXKP0427888", VinProblem.LENGTH),
        ("1M8GDM9AXKP04278O", VinProblem.CHARACTERS),
        ("1M8GDM9AXKP04278-", VinProblem.CHARACTERS),
        ("1M8GDM9AXKP04278٣", VinProblem.CHARACTERS),
        ("1M8GDM9A0KP042788", VinProblem.CHECK_DIGIT),
        ("1M8GDM9AXKP042789", VinProblem.CHECK_DIGIT),
    ],
)
def test_what_is_wrong_is_named(vin, problem):
    assert vin_problem(vin) is problem


def test_numbers_are_stored_in_one_form():
    assert normalise_vin(" 1m8gdm9a xkp042788\n") == "1M8GDM9AXKP042788"


def test_a_check_digit_needs_a_whole_number():
    with pytest.raises(ValueError, match="17"):
        check_digit("1M8")
    with pytest.raises(ValueError, match="'O'"):
        check_digit("1M8GDM9AXKP04278O")


@pytest.mark.parametrize(
    ("year", "code"), [(1980, "A"), (2009, "9"), (2010, "A"), (2024, "R"), (2025, "S"), (2026, "T")]
)
def test_the_model_year_has_its_character(year, code):
    assert year_code(year) == code


def test_a_year_without_a_code_is_refused():
    with pytest.raises(ValueError, match="1979"):
        year_code(1979)


@quick
@given(
    st.text("12345", min_size=1, max_size=1),
    st.text(CHARACTERS, min_size=7, max_size=7),
    st.integers(0, 999999),
)
def test_a_made_number_is_valid_and_one_wrong_figure_is_found(country, middle, serial):
    vin = make_vin(country + middle[:2], middle[2:], "S", "K", serial)
    assert is_valid_vin(vin)
    last = str((int(vin[-1]) + 1) % 10)
    assert vin_problem(vin[:-1] + last) is VinProblem.CHECK_DIGIT


@pytest.mark.parametrize(
    "parts",
    [("1F", "FW1E5", "S", "K", 1), ("1FT", "FW1E5", "S", "K", 1_000_000), ("1FT", "FW1E5", "SS", "", 1)],
)
def test_parts_of_the_wrong_length_are_refused(parts):
    with pytest.raises(ValueError, match="characters"):
        make_vin(*parts)
