"""Recovery codes: ten single-use codes of 64 bits for the day the phone is gone."""

import secrets
from datetime import datetime

from django.db import transaction

from accounts.actions.notices import tell_person
from accounts.audit import record
from accounts.encryption import keyed_hash, possible_hashes
from accounts.models import RecoveryCode, RecoveryCodeFactor, User

HOW_MANY = 10
WARN_AT = 3
# Crockford's base 32: nothing in it is mistaken for anything else. 13 letters hold 65 bits.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 13
_MISREAD = str.maketrans({"O": "0", "I": "1", "L": "1"})


def issue_recovery_codes(*, actor: User, person: User) -> list[str]:
    """Ten new codes, returned in clear for the only time; every earlier code is dead at once."""
    codes = ["".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)) for _ in range(HOW_MANY)]
    with transaction.atomic():
        User.objects.select_for_update().get(pk=person.pk)
        renewed = RecoveryCodeFactor.objects.filter(user=person).exists()
        RecoveryCode.objects.filter(user=person).delete()
        RecoveryCodeFactor.objects.filter(user=person).delete()
        factor = RecoveryCodeFactor.objects.create(user=person, name="Recovery codes", confirmed=True)
        RecoveryCode.objects.bulk_create(
            RecoveryCode(factor=factor, user=person, code_hash=keyed_hash(_purpose(factor), code))
            for code in codes
        )
        record(
            "recovery_codes.renewed" if renewed else "recovery_codes.issued",
            actor=actor,
            subject=f"user:{person.username}",
        )
        if renewed:
            tell_person(person, "recovery_codes_renewed")
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def accept_recovery_code(factor: RecoveryCodeFactor, code: str, *, now: datetime) -> bool:
    """Use a code up; False when it is wrong or used. The person is told of each use, with the number left."""
    typed = "".join(letter for letter in code.upper() if letter.isalnum()).translate(_MISREAD)
    used = RecoveryCode.objects.filter(
        factor=factor, code_hash__in=possible_hashes(_purpose(factor), typed), used_at__isnull=True
    ).update(used_at=now)
    if used != 1:
        return False
    person = factor.user
    left = RecoveryCode.objects.filter(factor=factor, used_at__isnull=True).count()
    record("recovery_code.used", actor=person, subject=f"user:{person.username}", details={"left": left})
    tell_person(person, "recovery_code_used", left=left)
    return True


def _purpose(factor: RecoveryCodeFactor) -> str:
    return f"recovery code {factor.pk}"
