"""What a password must not be, beyond Django's length and common-password rules. No composition rules, on purpose.

Django's list of common passwords has next to none of twelve characters and more; what people make of a common word when
length is asked for (repeat it, count on, add the year) is recognised here instead.
"""

import re
import unicodedata
from functools import cache
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Lender, Membership
from accounts.tenancy import scope_or_none

PRODUCT_WORDS = ("forecourt",)
# Words of company names that point to no company in particular: they make a password no worse by themselves.
_COMPANY_WORDS = frozenset(
    {
        "auto",
        "autos",
        "automotive",
        "capital",
        "cars",
        "company",
        "credit",
        "dealer",
        "dealers",
        "finance",
        "group",
    }
    | {"motor", "motors", "programs", "sales", "trucks"}
)
# Words of the trade that everybody here thinks of first.
_TRADE_WORDS = frozenset(
    {
        "curtailment",
        "dealership",
        "dealerships",
        "financing",
        "floorplan",
        "inventory",
        "showroom",
        "usedcars",
    }
    | {"wholesale", "automobile", "carfinance", "newcars", "passphrase"}
)
_SHORTEST_WORD = 4
# What must remain of a password once the words known from context are taken out of it.
_REMAINDER = 8
_RUNS = ("0123456789" * 3, "abcdefghijklmnopqrstuvwxyz", "qwertyuiop", "asdfghjkl", "zxcvbnm", "azertyuiop")
_SHORTEST_RUN = 3


class MaximumLengthValidator:
    """Longer passwords only cost the server time; 128 characters hold any passphrase."""

    def __init__(self, max_length: int = 128) -> None:
        self.max_length = max_length

    def validate(self, password: str, user: object = None) -> None:
        if len(password) > self.max_length:
            raise ValidationError(
                ngettext(
                    "This password is too long. Use at most %(max_length)d character.",
                    "This password is too long. Use at most %(max_length)d characters.",
                    self.max_length,
                ),
                code="password_too_long",
                params={"max_length": self.max_length},
            )

    def get_help_text(self) -> str:
        return _("At most %(max_length)d characters.") % {"max_length": self.max_length}


class PredictableValidator:
    """Refuses a common word made long: repeated, counted on, or with a year behind it; and rows of keys."""

    def validate(self, password: str, user: object = None) -> None:
        folded = _folded(password)
        core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
        unit = _smallest_unit(folded)
        core_unit = _smallest_unit(core)
        too_simple = (
            len(unit) < _SHORTEST_WORD + 1
            or _is_known(unit)
            or _is_known(core_unit)
            or _is_made_of_runs(folded)
            or (len(folded) - len(core) > 0 and _is_made_of_runs(core))
        )
        if too_simple:
            raise ValidationError(
                _(
                    "This password is easy to guess: a common word or row of keys made longer. Use unrelated words."
                ),
                code="password_predictable",
            )

    def get_help_text(self) -> str:
        return _("Not a common word with something added, and not the same over and over.")


class ContextWordValidator:
    """Refuses passwords that are little more than a name everybody here knows.

    The lender, the person's dealerships, the user name, the person's name and the product: a password may contain such
    a word, but without all of them at least eight other letters and digits must remain.
    """

    def validate(self, password: str, user: Any = None) -> None:
        remaining = _folded(password)
        words = self._words(user)
        found = []
        for word in sorted(words | _COMPANY_WORDS, key=len, reverse=True):
            if word in remaining:
                found += [word] if word in words else []
                remaining = remaining.replace(word, " ")
        rest = re.sub(r"[\W_]", "", remaining)
        # One character over and over adds nothing: "summit11111111" is still the lender's name.
        if found and (len(rest) < _REMAINDER or len(set(rest)) < _REMAINDER // 2):
            raise ValidationError(
                _(
                    "This password is built on “%(word)s”, which is easy to guess here. Add more of your own words."
                ),
                code="password_from_context",
                params={"word": found[0]},
            )

    def get_help_text(self) -> str:
        return _("Not built on the name of the lender, of your dealership or your own.")

    def _words(self, user: Any) -> set[str]:
        texts = list(PRODUCT_WORDS)
        scope = scope_or_none()
        if scope is not None:
            texts += Lender.objects.filter(pk=scope.lender_id).values_list("name", flat=True)
        if user is not None:
            texts += [user.username, user.email, user.full_name, user.customer_number or ""]
            if user.pk is not None and scope is not None:
                texts += Membership.objects.filter(user=user).values_list("dealership__name", flat=True)
        words: set[str] = set()
        for text in texts:
            parts = re.findall(r"\w+", _folded(text))
            words |= {part for part in parts if len(part) >= _SHORTEST_WORD}
            together = "".join(parts)
            if len(together) >= _SHORTEST_WORD:
                words.add(together)
        return words - _COMPANY_WORDS


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _common_passwords() -> frozenset[str]:
    return frozenset(CommonPasswordValidator().passwords)


def _is_known(word: str) -> bool:
    return word in _TRADE_WORDS or (len(word) >= _SHORTEST_WORD and word in _common_passwords())


def _smallest_unit(text: str) -> str:
    """The shortest string that `text` is a whole number of repetitions of: "abab" is "ab" twice."""
    if not text:
        return text
    return text[: (text + text).index(text, 1)]


def _is_made_of_runs(text: str) -> bool:
    """Whether `text` is nothing but rows of keys or letters or digits, forwards or backwards."""
    if not text:
        return False
    rows = _RUNS + tuple(row[::-1] for row in _RUNS)
    position = 0
    while position < len(text):
        longest = max(_shared_prefix(text[position:], row) for row in rows)
        if longest < _SHORTEST_RUN:
            return False
        position += longest
    return True


def _shared_prefix(text: str, row: str) -> int:
    length = 0
    while length < len(text) and text[: length + 1] in row:
        length += 1
    return length
