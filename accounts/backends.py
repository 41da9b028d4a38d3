"""The one authentication backend."""

from typing import Any

from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from accounts.models import User
from accounts.queries.people import find_person


class LenderBackend:
    """A person of the running block's lender by identifier and password.

    Exactly one hash is computed whatever was typed: a dummy one for an unknown name, so that the time of the answer
    says nothing. Permissions do not come from here; see `accounts.permissions`.
    """

    def authenticate(
        self,
        request: HttpRequest | None,
        identifier: str | None = None,
        password: str | None = None,
        **_: Any,
    ) -> User | None:
        """The person, if the password is right and the account is on."""
        if identifier is None or password is None:
            return None
        person = find_person(identifier)
        if person is None:
            make_password(password)
            return None
        # An unusable password costs one hash as well.
        right = person.check_password(password)
        return person if right and person.is_active else None

    def get_user(self, user_id: int) -> User | None:
        """The person of a session: None at another lender's host, or once the account is off."""
        return User.objects.filter(pk=user_id, is_active=True).first()
