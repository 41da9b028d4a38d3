"""Why a bank sent a debit back, or a card was declined: codes in plain words with what to do next.

`payments/data/return_codes.csv` holds the schemes' published codes and `card_decline_codes.csv` those of card
processors, each with its source and the cause it stands for.
"""

import csv
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_DATA = Path(__file__).resolve().parent.parent / "data"
_TABLE = _DATA / "return_codes.csv"
_CARD_TABLE = _DATA / "card_decline_codes.csv"

CARD_SCHEME = "card"
# The payer left the processor's page, or its time was over.
ABANDONED = "abandoned"
# Shown instead of a code that would tell a thief what the card's bank knows.
_DISCREET = "generic_decline"

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
_WORDS |= {
    "card_abandoned": (
        _("No card was used: the card page was left, or its 30 minutes were over."),
        _("Pay again when your card is at hand."),
    ),
    "card_funds": (
        _("The card's bank did not pay: there was not enough money or credit on the card."),
        _("Pay with another card or from another account."),
    ),
    "card_limit": (
        _("The card has reached its limit on how often or how much it may pay."),
        _("Pay later, with another card or from another account."),
    ),
    "card_later": (
        _("The card's bank could not answer just now."),
        _("Pay again in a few minutes."),
    ),
    "card_bank": (
        _("The card's bank declined the payment and does not tell us why."),
        _("Ask the bank that issued the card, or pay with another card."),
    ),
    "card_proof": (
        _("The card's bank wanted a confirmation from you and did not get it."),
        _("Pay again and confirm it with your bank when asked."),
    ),
    "card_expired": (_("The card has expired."), _("Pay with another card.")),
    "card_typed": (
        _("The card's number, date, security code or post code was not right."),
        _("Pay again and check what you type against the card."),
    ),
    "card_unfit": (_("This card cannot be used for this payment."), _("Pay with another card.")),
    "card_duplicate": (
        _("The card processor took this for a repetition of another payment."),
        _("Look through your payments first. If this one is missing there, call us."),
    ),
    "card_fault": (
        _("The card processor could not carry the payment out."),
        _("Call us; we look into it with the processor."),
    ),
    "card_disputed": (
        _("The card's holder told the card's bank that this payment was not theirs."),
        _("Call us before you pay by card again."),
    ),
}
_UNKNOWN_CARD = (
    _("The card processor gave no reason that we know."),
    _("Ask the bank that issued the card, or pay with another card."),
)
_UNKNOWN = (_("The bank gave no reason that we know."), _("Call us; we look into it with the bank."))


@dataclass(frozen=True, slots=True)
class ReturnReason:
    """One code: the scheme's own title, what it means in plain words, and what the payer can do.

    `code` may be shown to the payer; it is another than the one asked for where that must stay secret.
    """

    code: str
    title: str
    words: Promise
    next_step: Promise


def return_reason(scheme: str, code: str) -> ReturnReason:
    """The reason behind a scheme's code (`ach`, `sepa`, `bacs`, `card`).

    An unknown code gets words that promise nothing.
    """
    title, cause = _table().get((scheme, code.upper()), ("", ""))
    if cause == "card_secret":
        return return_reason(scheme, _DISCREET)
    words, next_step = _WORDS.get(cause, _UNKNOWN_CARD if scheme == CARD_SCHEME else _UNKNOWN)
    return ReturnReason(code=code, title=title, words=words, next_step=next_step)


@lru_cache(maxsize=1)
def _table() -> dict[tuple[str, str], tuple[str, str]]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        schemes = {
            (row["scheme"], row["code"].upper()): (row["title"], row["cause"]) for row in csv.DictReader(file)
        }
    with _CARD_TABLE.open(encoding="utf-8", newline="") as file:
        cards = {
            (CARD_SCHEME, row["decline_code"].upper()): (row["handling"], row["cause"])
            for row in csv.DictReader(file)
        }
    return schemes | cards
