"""Looking people up."""

import re

from accounts.models import User


def normalised(identifier: str) -> str:
    """An identifier as it is stored and compared: no outer spaces, lower case."""
    return identifier.strip().lower()


def find_person(identifier: str) -> User | None:
    """The one person of the running block's lender whom `identifier` names, or None.

    A user name, an e-mail or a customer number; their shapes exclude each other (an e-mail has an @, a customer number
    is digits only, a user name is neither), so that one identifier can never mean two accounts. Always one query.
    """
    value = normalised(identifier)
    if "@" in value:
        matching = User.objects.filter(email=value)
    elif re.fullmatch(r"[0-9]+", value):
        matching = User.objects.filter(customer_number=value)
    else:
        matching = User.objects.filter(username=value)
    return matching.first()
