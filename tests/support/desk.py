"""Steps at the unlock desk that several tests take."""

from django.urls import reverse
from django.utils import timezone

from accounts.models import (
    AuditEntry,
    OutgoingMessage,
    SignInAttempt,
    SignInGuard,
    User,
)
from accounts.tenancy import tenant
from support.actions.identity import (
    Judgement,
    judge_identity_code,
    send_identity_code,
)
from support.actions.unlock import unlock_person
from support.models import IdentityCheck

SEARCH = "/support/unlock/"


def page_of(person: User) -> str:
    return reverse("support:unlock-person", args=[person.public_id])


def mailed_code(cast, person: User) -> str:
    """What stands in the person's latest mail."""
    with tenant(cast.lender.pk):
        mail = OutgoingMessage.objects.filter(template="identity-code", recipient=person.email).latest("pk")
    return mail.context["code"]


def passed_check(cast, person: User, agent: User | None = None) -> IdentityCheck:
    agent = agent or cast.support
    with tenant(cast.lender.pk):
        check = send_identity_code(person=person, agent=agent, now=timezone.now())
        code = mailed_code(cast, person)
        verdict = judge_identity_code(person=person, agent=agent, typed=code, now=timezone.now())
    assert verdict == Judgement.PASSED
    return check


def unlocking(cast, person: User, agent: User | None = None, **changes):
    with tenant(cast.lender.pk):
        return unlock_person(
            **{
                "person": person,
                "agent": agent or cast.support,
                "reason": "Mistyped the new password.",
                "lender": cast.lender,
                "now": timezone.now(),
                **changes,
            }
        )


def snapshot(cast):
    with tenant(cast.lender.pk):
        return (
            list(SignInGuard.objects.order_by("pk").values()),
            list(IdentityCheck.objects.order_by("pk").values()),
            SignInAttempt.objects.count(),
            OutgoingMessage.objects.count(),
            AuditEntry.objects.count(),
        )


def is_locked(cast, person: User) -> bool:
    with tenant(cast.lender.pk):
        return SignInGuard.objects.filter(user=person, locked_until__gt=timezone.now()).exists()
