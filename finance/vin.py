"""Vehicle identification numbers: normalising, the check digit, and making valid ones for sample data.

Rules: ISO 3779 (17 characters, no I, O or Q) and 49 CFR 565.15 (check digit in the ninth place, mandatory for
vehicles of North America, whose numbers begin with 1 to 5; elsewhere the place is the maker's to use).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = [
    "VinProblem",
    "check_digit",
    "is_valid_vin",
    "make_vin",
    "normalise_vin",
    "vin_problem",
    "year_code",
]

LENGTH: Final = 17
_CHECK_PLACE: Final = 8
_WEIGHTS: Final = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VALUES: Final = {
    **{digit: int(digit) for digit in "0123456789"},
    **dict(zip("ABCDEFGH", range(1, 9), strict=True)),
    **dict(zip("JKLMN", range(1, 6), strict=True)),
    "P": 7,
    "R": 9,
    **dict(zip("STUVWXYZ", range(2, 10), strict=True)),
}
_NORTH_AMERICA: Final = frozenset("12345")
#: Model years in cycles of thirty; U, Z and 0 are not used.
_YEAR_CODES: Final = "ABCDEFGHJKLMNPRSTVWXY123456789"
_YEAR_ORIGIN: Final = 1980


class VinProblem(StrEnum):
    """What is wrong with a number, so that a page can say what to do."""

    LENGTH = "length"
    CHARACTERS = "characters"
    CHECK_DIGIT = "check_digit"


def normalise_vin(text: str) -> str:
    """Return ``text`` in the one form that is stored: upper case, without white space."""
    return "".join(text.split()).upper()


def check_digit(vin: str) -> str:
    """Return the right ninth character (0-9 or X) for a 17-character number; what stands there does not matter.

    Raises ``ValueError`` for another length or for a character that a number cannot have.
    """
    if len(vin) != LENGTH:
        raise ValueError(f"A VIN has {LENGTH} characters, this has {len(vin)}")
    try:
        total = sum(
            _VALUES[character] * weight for character, weight in zip(vin, _WEIGHTS, strict=True) if weight
        )
    except KeyError as error:
        raise ValueError(f"A VIN cannot have the character {error.args[0]!r}") from None
    return "0123456789X"[total % 11]


def vin_problem(text: str) -> VinProblem | None:
    """Return what is wrong with ``text`` as a VIN, or None when it is valid.

    The check digit is demanded of North American numbers only (first character 1 to 5).
    """
    vin = normalise_vin(text)
    if len(vin) != LENGTH:
        return VinProblem.LENGTH
    if any(character not in _VALUES for character in vin):
        return VinProblem.CHARACTERS
    if vin[0] in _NORTH_AMERICA and check_digit(vin) != vin[_CHECK_PLACE]:
        return VinProblem.CHECK_DIGIT
    return None


def is_valid_vin(text: str) -> bool:
    """Say whether ``text`` is a valid VIN, in any case and with stray spaces."""
    return vin_problem(text) is None


def year_code(model_year: int) -> str:
    """Return the tenth character of a North American VIN for ``model_year`` (1980 to 2039: one code per 30 years)."""
    if not _YEAR_ORIGIN <= model_year < _YEAR_ORIGIN + 2 * len(_YEAR_CODES):
        raise ValueError(f"There is no model-year code for {model_year}")
    return _YEAR_CODES[(model_year - _YEAR_ORIGIN) % len(_YEAR_CODES)]


def make_vin(wmi: str, vds: str, year_code: str, plant: str, serial: int | str) -> str:
    """Put a valid VIN together, computing its check digit.

    :param wmi: world manufacturer identifier, 3 characters.
    :param vds: vehicle description, 5 characters.
    :param year_code: model-year character (see :func:`year_code`).
    :param plant: plant character.
    :param serial: 6 characters, or a number up to 999999.
    """
    tail = f"{serial:06d}" if isinstance(serial, int) else serial
    vin = normalise_vin(f"{wmi}{vds}0{year_code}{plant}{tail}")
    parts_fit = (len(wmi), len(vds), len(year_code), len(plant), len(tail)) == (3, 5, 1, 1, 6)
    if not parts_fit:
        raise ValueError("A VIN is made of 3 + 5 + 1 + 1 + 6 characters and its check digit")
    return f"{vin[:_CHECK_PLACE]}{check_digit(vin)}{vin[_CHECK_PLACE + 1 :]}"
