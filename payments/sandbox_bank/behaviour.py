"""How the sandbox bank behaves: return codes per scheme, and account numbers that always do the same."""

from dataclasses import dataclass

# Why a debit comes back -> the code that each scheme's banks use for it.
RETURN_CODES: dict[str, dict[str, str]] = {
    "no funds": {"ach": "R01", "sepa": "AM04", "bacs": "0"},
    "no account": {"ach": "R03", "sepa": "AC01", "bacs": "5"},
    "not authorised": {"ach": "R10", "sepa": "MD06", "bacs": "1"},
}


@dataclass(frozen=True, slots=True)
class TestNumber:
    """What a debit of an account that ends in `ending` meets.

    `answer` is how the request is answered: "take", "decline", "error", "slow" or "silent" (taken, then no answer).
    `end` is what becomes of a taken debit: "settle", "return", or "settle then return".
    """

    __test__ = False  # not a test class, whatever its name looks like

    ending: str
    answer: str
    end: str
    why: str
    words: str


TEST_NUMBERS = (
    TestNumber("0101", "take", "return", "no funds", "comes back unpaid, not enough funds (ACH R01)"),
    TestNumber("0103", "take", "return", "no account", "comes back unpaid, no such account (ACH R03)"),
    TestNumber("0110", "take", "settle then return", "not authorised", "settles, then comes back (ACH R10)"),
    TestNumber("0200", "decline", "", "no account", "is declined at once"),
    TestNumber("0300", "silent", "settle", "", "is taken, but the bank never answers the request"),
    TestNumber("0500", "error", "", "", "is answered with an error (500) and not taken"),
    TestNumber("0600", "slow", "settle", "", "is taken after six seconds"),
)
ORDINARY = TestNumber("", "take", "settle", "", "any other number settles")


def behaviour_of(account_number: str) -> TestNumber:
    """What a debit of this account number meets."""
    return next((known for known in TEST_NUMBERS if account_number.endswith(known.ending)), ORDINARY)


def return_code(scheme: str, why: str) -> str:
    """The code under which this scheme's banks return a debit for that reason."""
    return RETURN_CODES[why].get(scheme, RETURN_CODES[why]["ach"])
