"""Codes by e-mail: the weakest factor, there for those without an app."""

import secrets
from datetime import datetime, timedelta

from django.db import transaction

from accounts.actions.notices import tell_person
from accounts.actions.outbox import order_message
from accounts.actions.recovery_codes import issue_recovery_codes
from accounts.audit import record
from accounts.encryption import keyed_hash, matches
from accounts.models import EmailCodeFactor, RecoveryCodeFactor, User

LIFE = timedelta(minutes=10)
# The next code may be asked for after this; an impatient finger must not fill a mailbox.
PAUSE = timedelta(seconds=60)


def email_factor_of(person: User) -> EmailCodeFactor:
    """The person's mailed-code factor; made unconfirmed when there is none, for the proof of the mailbox."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        factor = EmailCodeFactor.objects.filter(user=person).order_by("-confirmed", "pk").first()
        return factor or EmailCodeFactor.objects.create(user=person, name="E-mail", confirmed=False)


def send_email_code(*, factor: EmailCodeFactor, now: datetime) -> datetime:
    """Mail a fresh code, unless the last one left less than a minute ago; returns when the next may be asked for.

    A fresh code replaces the one before.
    """
    with transaction.atomic():
        locked = EmailCodeFactor.objects.select_for_update().get(pk=factor.pk)
        if locked.code_sent_at is not None and locked.code_sent_at + PAUSE > now and locked.code_hash:
            return locked.code_sent_at + PAUSE
        code = f"{secrets.randbelow(1_000_000):06d}"
        locked.code_hash = keyed_hash(_purpose(locked), code)
        locked.code_expires_at = now + LIFE
        locked.code_sent_at = now
        locked.save(update_fields=["code_hash", "code_expires_at", "code_sent_at"])
        person = locked.user
        order_message(
            key=f"factor-code:{locked.pk}:{now.timestamp():.6f}",
            template="factor-code",
            recipient=person.email,
            context={"code": code, "expires_at": locked.code_expires_at.isoformat()},
            user=person,
            is_secret=True,
        )
    return now + PAUSE


def accept_email_code(factor: EmailCodeFactor, code: str, *, now: datetime) -> bool:
    """Whether `code` is the one mailed last, still alive and never used; `factor` is locked by the caller."""
    typed = "".join(code.split())
    alive = bool(factor.code_hash) and factor.code_expires_at is not None and now < factor.code_expires_at
    if not alive or not matches(_purpose(factor), typed, factor.code_hash):
        return False
    factor.code_hash = ""
    factor.code_expires_at = None
    factor.save(update_fields=["code_hash", "code_expires_at"])
    return True


def activate_email_codes(*, actor: User, person: User) -> list[str]:
    """Make mailed codes a factor of `person`, who has just proven the mailbox.

    Returns new recovery codes in clear for the only time, or an empty list where the person has some.
    """
    with transaction.atomic():
        factor = email_factor_of(person)
        if not factor.confirmed:
            factor.confirmed = True
            factor.save(update_fields=["confirmed"])
            record(
                "factor.added",
                actor=actor,
                subject=f"user:{person.username}",
                details={"factor": factor.name},
            )
            tell_person(person, "factor_added", detail=factor.name)
        if RecoveryCodeFactor.objects.filter(user=person).exists():
            return []
        return issue_recovery_codes(actor=actor, person=person)


def masked(email: str) -> str:
    """An address that its owner recognises and nobody else can use: `o…n@people.example`."""
    name, _, domain = email.partition("@")
    hidden = f"{name[0]}…{name[-1]}" if len(name) > 2 else f"{name[:1]}…"
    return f"{hidden}@{domain}"


def _purpose(factor: EmailCodeFactor) -> str:
    return f"mailed code {factor.pk}"
