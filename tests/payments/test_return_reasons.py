"""Codes of the schemes, in plain words."""

import csv
from pathlib import Path

import pytest

from payments.queries import return_reasons
from payments.queries.return_reasons import return_reason
from payments.sandbox_bank.behaviour import RETURN_CODES

TABLE = Path(return_reasons.__file__).parent.parent / "data" / "return_codes.csv"


@pytest.mark.parametrize(
    ("scheme", "code", "words", "next_step"),
    [
        ("ach", "R01", "not enough money", "pay again"),
        ("ach", "r01", "not enough money", "pay again"),
        ("ach", "R03", "does not know this account", "another account"),
        ("ach", "R10", "not authorised", "Call us"),
        ("sepa", "AM04", "not enough money", "pay again"),
        ("sepa", "MD06", "not authorised", "Call us"),
        ("bacs", "0", "usually because there was not enough money", "pay again"),
        ("bacs", "B", "closed", "another account"),
        ("ach", "R99", "no reason that we know", "Call us"),
        ("ach", "", "no reason that we know", "Call us"),
        ("bacs", "R01", "no reason that we know", "Call us"),
    ],
)
def test_a_code_says_what_happened_and_what_to_do(scheme: str, code: str, words: str, next_step: str) -> None:
    reason = return_reason(scheme, code)
    assert words in str(reason.words)
    assert next_step in str(reason.next_step)


def test_every_row_names_its_source_and_a_known_cause_once() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 83
    assert all(row["source"] and row["title"] for row in rows)
    assert {row["cause"] for row in rows} <= set(return_reasons._WORDS)
    assert len({(row["scheme"], row["code"]) for row in rows}) == len(rows)


def test_the_sandbox_bank_returns_with_codes_that_are_known() -> None:
    for codes in RETURN_CODES.values():
        for scheme, code in codes.items():
            assert return_reason(scheme, code).title
