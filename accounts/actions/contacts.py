"""A person's own data as staff keep it: the name, the ways to reach them, and whether the login works at all."""

from typing import Final

from allauth.usersessions.models import UserSession
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.actions.outbox import order_message
from accounts.actions.sessions import end_sessions
from accounts.audit import current_origin, record
from accounts.models import User

_FIELDS: Final = ("full_name", "email", "phone")


def change_contact(*, actor: User, person: User, full_name: str, email: str, phone: str, reason: str) -> User:
    """Change a person's name, e-mail or mobile phone. Raises ValidationError, keyed by field where one is to blame.

    Who holds the address holds the mailed codes and the way to a new password. So a new address goes into the record,
    starts the age of the contact again (the unlock desk trusts old contacts only), ends every session, and is told to
    the old address as well as to the new one. Nobody changes their own this way.
    """
    if actor.pk == person.pk:
        raise ValidationError(_("Ask a colleague: nobody changes their own contact here."))
    if not reason.strip():
        raise ValidationError(_("Say why this changes."))
    address = email.strip().lower()
    try:
        validate_email(address)
    except ValidationError as error:
        raise ValidationError({"email": _("Write an e-mail address such as name@example.com.")}) from error
    with transaction.atomic():
        locked: User = User.objects.select_for_update().get(pk=person.pk)
        values = {"full_name": full_name.strip(), "email": address, "phone": phone.strip()}
        changes = {
            key: [getattr(locked, key), values[key]] for key in _FIELDS if getattr(locked, key) != values[key]
        }
        if not changes:
            return locked
        old_address = locked.email
        for key in changes:
            setattr(locked, key, values[key])
        fields = list(changes)
        if changes.keys() & {"email", "phone"}:
            locked.contact_changed_at = timezone.now()
            fields.append("contact_changed_at")
        try:
            with transaction.atomic():
                locked.save(update_fields=fields)
        except IntegrityError as error:
            raise ValidationError({"email": _("Somebody here already has this e-mail address.")}) from error
        record(
            "user.contact-changed",
            actor=actor,
            subject=f"user:{locked.username}",
            reason=reason,
            details=changes,
        )
        if "email" in changes:
            end_sessions(actor=actor, person=locked, sessions=list(UserSession.objects.filter(user=locked)))
            _tell(locked, {old_address, address})
    return locked


def switch_login(*, actor: User, person: User, works: bool, reason: str) -> User:
    """Switch a person's login off, which ends every session at once, or on again. Raises ValidationError."""
    if actor.pk == person.pk:
        raise ValidationError(_("Ask a colleague: nobody switches their own login."))
    if not reason.strip():
        raise ValidationError(_("Say why."))
    with transaction.atomic():
        locked: User = User.objects.select_for_update().get(pk=person.pk)
        if locked.is_active == works:
            raise ValidationError(
                _("This login works already.") if works else _("This login is off already.")
            )
        locked.is_active = works
        locked.save(update_fields=["is_active"])
        record(
            "user.switched-on" if works else "user.switched-off",
            actor=actor,
            subject=f"user:{locked.username}",
            reason=reason,
        )
        if not works:
            end_sessions(actor=actor, person=locked, sessions=list(UserSession.objects.filter(user=locked)))
    return locked


def _tell(person: User, addresses: set[str]) -> None:
    now = timezone.now()
    for address in sorted(addresses):
        order_message(
            key=f"contact-changed:{person.pk}:{now.timestamp():.6f}:{address}"[:120],
            template="contact-changed",
            recipient=address,
            context={
                "moment": now.isoformat(),
                "address": current_origin().address,
                "new_email": person.email,
            },
            user=person,
        )
