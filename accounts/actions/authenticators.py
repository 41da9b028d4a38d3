"""Authenticator apps (RFC 6238): setting one up, accepting its codes."""

import base64
import hmac
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from django.db import transaction
from django_otp.oath import hotp

from accounts.actions.notices import tell_person
from accounts.actions.recovery_codes import issue_recovery_codes
from accounts.audit import record
from accounts.encryption import decrypt, encrypt
from accounts.models import AuthenticatorFactor, Lender, RecoveryCodeFactor, User

STEP_SECONDS = 30
DIGITS = 6
# A clock may be one step off either way; each step is accepted once all the same.
TOLERANCE_STEPS = 1
_KEY_BYTES = 20


def start_authenticator(*, person: User) -> AuthenticatorFactor:
    """A new, unconfirmed authenticator of `person`; an earlier unfinished one is dropped."""
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        AuthenticatorFactor.objects.filter(user=person, confirmed=False).delete()
        return AuthenticatorFactor.objects.create(
            user=person,
            name="Authenticator app",
            confirmed=False,
            encrypted_key=encrypt(secrets.token_bytes(_KEY_BYTES)),
        )


def confirm_authenticator(
    *, actor: User, factor: AuthenticatorFactor, code: str, name: str, now: datetime
) -> list[str] | None:
    """Switch an authenticator on once it has shown a right code; None when the code is wrong.

    Returns the person's new recovery codes, in clear for the only time, or an empty list where the person has some.
    """
    with transaction.atomic():
        locked = AuthenticatorFactor.objects.select_for_update().filter(pk=factor.pk, confirmed=False).first()
        if locked is None or not accept_authenticator_code(locked, code, now=now):
            return None
        locked.confirmed = True
        locked.name = name.strip()[:64] or locked.name
        locked.last_used_at = now
        locked.save(update_fields=["confirmed", "name", "last_used_at"])
        person = locked.user
        record(
            "factor.added", actor=actor, subject=f"user:{person.username}", details={"factor": locked.name}
        )
        tell_person(person, "factor_added", detail=locked.name)
        if RecoveryCodeFactor.objects.filter(user=person).exists():
            return []
        return issue_recovery_codes(actor=actor, person=person)


def accept_authenticator_code(factor: AuthenticatorFactor, code: str, *, now: datetime) -> bool:
    """Whether `code` is right at `now` and its time step was never accepted before.

    The caller holds the lock on `factor`'s row.
    """
    typed = "".join(code.split())
    if len(typed) != DIGITS or not typed.isascii() or not typed.isdigit():
        return False
    key = decrypt(factor.encrypted_key)
    current = int(now.timestamp()) // STEP_SECONDS
    accepted = None
    for step in range(current - TOLERANCE_STEPS, current + TOLERANCE_STEPS + 1):
        right = hmac.compare_digest(f"{hotp(key, step, DIGITS):0{DIGITS}d}", typed)
        if right and step > factor.last_step:
            accepted = step
    if accepted is None:
        return False
    factor.last_step = accepted
    factor.save(update_fields=["last_step"])
    return True


def typed_key(factor: AuthenticatorFactor) -> str:
    """The key as people type it into an app: base32 in groups of four."""
    text = base64.b32encode(decrypt(factor.encrypted_key)).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


def key_uri(factor: AuthenticatorFactor, lender: Lender) -> str:
    """What the QR code holds."""
    secret = base64.b32encode(decrypt(factor.encrypted_key)).decode()
    label = quote(f"{lender.name}:{factor.user.username}", safe="")
    return f"otpauth://totp/{label}?{urlencode({'secret': secret, 'issuer': lender.name}, quote_via=quote)}"
