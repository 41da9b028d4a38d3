"""Why a bank sent a debit back: the schemes' codes, in plain words with what to do next.

`payments/data/return_codes.csv` holds the published codes, each with its source and the cause it stands for.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_TABLE = Path(__file__).resolve().parent.parent / "data" / "return_codes.csv"

# cause -> what happened, what to do. The words are for the person who paid.
_WORDS: dict[str, tuple[Promise, Promise]] = {
    "no_funds": (
        _("There was not enough money in the account."),
        _("Make sure the account is covered, then pay again."),
    ),
    "refer": (
        _("Your bank did not pay, usually because there was not enough money in the account."),
        _("Ask your bank, make sure the account is covered, then pay again."),
    ),
    "closed": (_("The account is closed."), _("Pay from another account.")),
    "no_account": (
        _("The bank does not know this account."),
        _("Pay from another account, and ask us to correct this one. Paying from it again will fail."),
    ),
    "not_authorised": (
        _("The bank says that the debit was not authorised."),
        _("Call us before you pay from this account again."),
    ),
    "stopped": (_("The payment was stopped at the bank."), _("Ask your bank, then pay again or call us.")),
    "blocked": (
        _("The account is blocked for debits."),
        _("Ask your bank, or pay from another account."),
    ),
    "moved": (
        _("The account has moved to another bank or branch."),
        _("Tell us the new account, or pay from another one."),
    ),
    "duplicate": (
        _("The bank took this debit for a duplicate of another one."),
        _("Call us; we look into it with the bank."),
    ),
    "bank": (_("The banks could not carry the debit out."), _("Call us; we look into it with the bank.")),
}
_UNKNOWN = (_("The bank gave no reason that we know."), _("Call us; we look into it with the bank."))


@dataclass(frozen=True, slots=True)
class ReturnReason:
    """One code: the scheme's own title, what it means in plain words, and what the payer can do."""

    code: str
    title: str
    words: Promise
    next_step: Promise


def return_reason(scheme: str, code: str) -> ReturnReason:
    """The reason behind a scheme's code (`ach`, `sepa`, `bacs`); an unknown code gets words that promise nothing."""
    title, cause = _table().get((scheme, code.upper()), ("", ""))
    words, next_step = _WORDS.get(cause, _UNKNOWN)
    return ReturnReason(code=code, title=title, words=words, next_step=next_step)


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], tuple[str, str]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {
            (row["scheme"], row["code"].upper()): (row["title"], row["cause"]) for row in csv.DictReader(file)
        }
