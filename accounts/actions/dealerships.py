"""Dealerships: taking one on, and keeping its address right."""

from collections.abc import Mapping
from typing import Final

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Dealership, User

#: What may be changed later. The number stays: people quote it, and lines are named after it.
CHANGEABLE: Final = (
    "kind",
    "name",
    "street",
    "postal_code",
    "town",
    "region",
    "country",
    "phone",
    "email",
    "is_active",
)


def create_dealership(
    *, actor: User | None, number: str, name: str, fields: Mapping[str, object]
) -> Dealership:
    """Take a dealership on; `fields` are others of CHANGEABLE. Raises ValidationError, keyed by field."""
    known = {key: value for key, value in fields.items() if key in CHANGEABLE}
    dealership = Dealership(number=number.strip(), name=name.strip(), **known)
    try:
        with transaction.atomic():
            dealership.save()
    except IntegrityError as error:
        raise ValidationError({"number": _("There is a dealership with this number already.")}) from error
    record(
        "dealership.created",
        actor=actor,
        subject=f"dealership:{dealership.number}",
        dealership=dealership,
        details={"name": dealership.name},
    )
    return dealership


def change_dealership(
    *, actor: User | None, dealership: Dealership, fields: Mapping[str, object], reason: str
) -> Dealership:
    """Change some of CHANGEABLE; the entry names old and new. Without a difference nothing is written.

    A dealership that is switched off is no longer shown to its people, who have nothing to see then; its debt stays.
    """
    if not reason.strip():
        raise ValidationError(_("Say why this changes."))
    with transaction.atomic():
        locked = Dealership.objects.select_for_update().get(pk=dealership.pk)
        changes: dict[str, list[str]] = {}
        for key in CHANGEABLE:
            if key in fields and getattr(locked, key) != fields[key]:
                changes[key] = [str(getattr(locked, key)), str(fields[key])]
                setattr(locked, key, fields[key])
        if changes:
            locked.save(update_fields=list(changes))
            record(
                "dealership.changed",
                actor=actor,
                subject=f"dealership:{locked.number}",
                dealership=locked,
                reason=reason,
                details=changes,
            )
    return locked
