"""Bringing people in."""

import re
from datetime import date, datetime
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Dealership, Membership, User


def create_user(
    *,
    actor: User | None,
    username: str,
    email: str,
    full_name: str,
    kind: User.Kind = User.Kind.DEALER,
    password: str | None = None,
    customer_number: str | None = None,
    phone: str = "",
    contact_since: datetime | None = None,
    factor_grace_until: datetime | None = None,
) -> User:
    """A new login at the running block's lender; without a password nobody can sign in with it until a reset.

    User name and e-mail are stored in lower case; a customer number has digits only, a user name is never digits only
    and has no @, so that one identifier means one account. Raises ValidationError, keyed by field.
    """
    name, address = username.strip().lower(), email.strip().lower()
    problems: dict[str, str] = {}
    if not name or "@" in name or re.fullmatch(r"[0-9]+", name) or re.search(r"\s", name):
        problems["username"] = _("A user name has no spaces, no @, and not only digits.")
    elif User.objects.filter(username=name).exists():
        problems["username"] = _("Somebody here already has this user name.")
    try:
        validate_email(address)
    except ValidationError:
        problems["email"] = _("Write an e-mail address such as name@example.com.")
    else:
        if User.objects.filter(email=address).exists():
            problems["email"] = _("Somebody here already has this e-mail address.")
    number = (customer_number or "").strip() or None
    if number is not None and not re.fullmatch(r"[0-9]+", number):
        problems["customer_number"] = _("A customer number has digits only.")
    elif number is not None and User.objects.filter(customer_number=number).exists():
        problems["customer_number"] = _("Somebody here already has this customer number.")
    if problems:
        raise ValidationError(problems)
    with transaction.atomic():
        person = User(
            username=name,
            email=address,
            full_name=full_name.strip(),
            kind=kind,
            customer_number=number,
            phone=phone,
            contact_changed_at=contact_since or timezone.now(),
            factor_grace_until=factor_grace_until,
        )
        person.set_password(password)
        try:
            with transaction.atomic():
                person.save()
        except IntegrityError as error:
            # Somebody else entered the same between the look above and here.
            raise ValidationError(
                _("Somebody here has just been given this user name, e-mail address or customer number.")
            ) from error
        record(
            "user.created", actor=actor, subject=f"user:{name}", details={"kind": str(kind), "email": address}
        )
    return person


def add_membership(
    *,
    actor: User | None,
    person: User,
    dealership: Dealership,
    role: Membership.Role,
    payment_limit: Decimal | None = None,
    expires_on: date | None = None,
) -> Membership:
    """Let a dealer's person work for a dealership.

    Raises ValidationError for staff, and for a second membership in the same dealership.
    """
    if person.kind != User.Kind.DEALER:
        raise ValidationError(_("Staff do not belong to dealerships."))
    with transaction.atomic():
        try:
            with transaction.atomic():
                membership = Membership.objects.create(
                    user=person,
                    dealership=dealership,
                    role=role,
                    payment_limit=payment_limit,
                    expires_on=expires_on,
                )
        except IntegrityError as error:
            raise ValidationError(_("This person already belongs to this dealership.")) from error
        record(
            "membership.added",
            actor=actor,
            subject=f"user:{person.username}",
            dealership=dealership,
            details={
                "role": str(role),
                "payment_limit": None if payment_limit is None else str(payment_limit),
                "expires_on": None if expires_on is None else expires_on.isoformat(),
            },
        )
    return membership
