"""Opening a locked account for a caller whose identity the machine has checked."""

from datetime import datetime, timedelta

from django.db import transaction

from accounts.actions.outbox import order_message
from accounts.actions.sign_in_guard import lift_lock
from accounts.audit import record
from accounts.models import Lender, Membership, User
from accounts.queries.sign_in import locks_of
from support.actions.identity import Refusal, RefusedError, require_agent
from support.models import IdentityCheck

CHECK_FRESH_FOR = timedelta(minutes=15)
"""How long a passed check may be used."""


def unlock_person(*, person: User, agent: User, reason: str, lender: Lender, now: datetime) -> IdentityCheck:
    """Lift the locks on a person's password and second factor, and use up the check that allows it.

    Raises RefusedError, with nothing changed, unless `agent` has a passed and unused check of `person` that is at most
    15 minutes old, gives a reason, is somebody else, and there is a lock to lift. Factors are never touched. The
    person and the owners of the person's dealerships get a mail.
    """
    require_agent(agent)
    if agent.pk == person.pk:
        raise RefusedError(Refusal.OWN_ACCOUNT)
    if not reason.strip():
        raise RefusedError(Refusal.NO_REASON)
    with transaction.atomic():
        locked = User.objects.select_for_update().get(pk=person.pk)
        check = (
            IdentityCheck.objects.select_for_update()
            .filter(
                person=locked,
                agent=agent,
                state=IdentityCheck.State.PASSED,
                passed_at__gt=now - CHECK_FRESH_FOR,
                passed_at__lte=now,
            )
            .order_by("-passed_at", "-pk")
            .first()
        )
        if check is None:
            raise RefusedError(Refusal.NO_CHECK)
        locks = locks_of(locked, now)
        if not locks:
            raise RefusedError(Refusal.NOT_LOCKED)
        check.state = IdentityCheck.State.USED
        check.save(update_fields=["state"])
        lift_lock(person=locked, agent=agent, reason=reason.strip())
        record(
            "person.unlocked",
            actor=agent,
            subject=f"user:{locked.username}",
            reason=reason.strip(),
            details={"check": str(check.public_id), "locks": [lock.proof.value for lock in locks]},
        )
        _tell(locked, agent, check=check, lender=lender, now=now)
        return check


def _tell(person: User, agent: User, *, check: IdentityCheck, lender: Lender, now: datetime) -> None:
    """Mail the person, and every owner of a dealership that the person belongs to."""
    context = {
        "who": person.get_full_name(),
        "agent": agent.get_full_name(),
        "contact": check.contact,
        "moment": now.isoformat(),
    }
    order_message(
        key=f"unlock-done:{check.public_id}:{person.pk}",
        template="unlock-done",
        recipient=person.email,
        user=person,
        context={**context, "name": person.get_short_name(), "is_own": True},
    )
    today = lender.business_date(now)
    dealerships = Membership.objects.filter(user=person, dealership__is_active=True).values("dealership_id")
    owners = (
        Membership.objects.filter(
            role=Membership.Role.OWNER, dealership_id__in=dealerships, user__is_active=True
        )
        .exclude(user=person)
        .exclude(expires_on__lt=today)
        .select_related("user", "dealership")
        .order_by("user_id", "dealership_id")
        .distinct("user_id")
    )
    for owner in owners:
        order_message(
            key=f"unlock-done:{check.public_id}:{owner.user_id}",
            template="unlock-done",
            recipient=owner.user.email,
            user=owner.user,
            dealership=owner.dealership,
            context={**context, "name": owner.user.get_short_name(), "is_own": False},
        )
