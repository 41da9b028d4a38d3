"""What a password must not be, beyond Django's length and common-password rules. No composition rules, on purpose."""

import re
import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Lender, Membership
from accounts.tenancy import scope_or_none

PRODUCT_WORDS = ("forecourt",)
# Words of company names that say nothing about the company.
_COMMON_WORDS = frozenset(
    {"auto", "autos", "cars", "capital", "company", "dealer", "finance", "group", "motor", "motors"}
)
_SHORTEST_WORD = 4
# What must remain of a password once the words known from context are taken out of it.
_REMAINDER = 8


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


class ContextWordValidator:
    """Refuses passwords that are little more than a name everybody here knows.

    The lender, the person's dealerships, the user name, the person's name and the product: a password may contain such
    a word, but without all of them at least eight other characters must remain.
    """

    def validate(self, password: str, user: Any = None) -> None:
        remaining = _folded(password)
        found = []
        for word in sorted(self._words(user), key=len, reverse=True):
            if word in remaining:
                found.append(word)
                remaining = remaining.replace(word, "")
        # One character repeated adds nothing: "summit!!!!!!!!" is still the lender's name.
        if found and (len(remaining) < _REMAINDER or len(set(remaining)) < _REMAINDER // 2):
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
            texts += [user.username, user.email.partition("@")[0], user.full_name, user.customer_number or ""]
            if user.pk is not None and scope is not None:
                texts += Membership.objects.filter(user=user).values_list("dealership__name", flat=True)
        words: set[str] = set()
        for text in texts:
            folded = _folded(text)
            parts = re.findall(r"\w+", folded)
            words |= {part for part in parts if len(part) >= _SHORTEST_WORD and part not in _COMMON_WORDS}
            together = "".join(parts)
            if len(together) >= _SHORTEST_WORD:
                words.add(together)
        return words


def _folded(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
