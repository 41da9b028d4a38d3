"""What people may do for dealerships: changed and ended here, begun in `people.add_membership`."""

from datetime import date
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Membership, User


def change_membership(
    *,
    actor: User | None,
    membership: Membership,
    role: Membership.Role,
    payment_limit: Decimal | None,
    expires_on: date | None,
    reason: str,
) -> Membership:
    """Give a membership another role, limit or last day. Raises ValidationError without a reason.

    It counts from the person's next request on.
    """
    if not reason.strip():
        raise ValidationError(_("Say why this changes."))
    with transaction.atomic():
        locked: Membership = (
            Membership.objects.select_related("user", "dealership")
            .select_for_update(of=("self",))
            .get(pk=membership.pk)
        )
        before = [str(locked.role), str(locked.payment_limit), str(locked.expires_on)]
        after = [str(role), str(payment_limit), str(expires_on)]
        if before == after:
            return locked
        locked.role, locked.payment_limit, locked.expires_on = role, payment_limit, expires_on
        locked.save(update_fields=["role", "payment_limit", "expires_on"])
        record(
            "membership.changed",
            actor=actor,
            subject=f"user:{locked.user.username}",
            dealership=locked.dealership_id,
            reason=reason,
            details={
                key: [old, new]
                for key, old, new in zip(("role", "payment_limit", "expires_on"), before, after, strict=True)
                if old != new
            },
        )
    return locked


def end_membership(*, actor: User | None, membership: Membership, reason: str) -> None:
    """Take a person's rights at a dealership away, from the next request on; the trail keeps what they were."""
    if not reason.strip():
        raise ValidationError(_("Say why this ends."))
    with transaction.atomic():
        locked: Membership | None = (
            Membership.objects.select_related("user")
            .select_for_update(of=("self",))
            .filter(pk=membership.pk)
            .first()
        )
        if locked is None:
            raise ValidationError(_("This membership has ended already."))
        record(
            "membership.ended",
            actor=actor,
            subject=f"user:{locked.user.username}",
            dealership=locked.dealership_id,
            reason=reason,
            details={"role": locked.role},
        )
        locked.delete()
