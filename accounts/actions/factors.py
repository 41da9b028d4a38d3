"""Showing a second factor, and taking one away."""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.actions.authenticators import accept_authenticator_code
from accounts.actions.email_codes import accept_email_code
from accounts.actions.notices import tell_person
from accounts.actions.recovery_codes import accept_recovery_code
from accounts.actions.sign_in_guard import (
    Reservation,
    note_attempt,
    note_failure,
    reserve_attempt,
    take_back,
)
from accounts.audit import record
from accounts.models import (
    AuthenticatorFactor,
    EmailCodeFactor,
    RecoveryCodeFactor,
    SignInAttempt,
    SignInGuard,
    User,
)
from accounts.queries.factors import FACTOR_MODELS, AnyFactor, FactorPolicy, main_factors_of


@dataclass(frozen=True, slots=True)
class FactorShown:
    """What came of a code: the factor that accepted it, or None and the counter's answer."""

    factor: AnyFactor | None
    attempt: Reservation


def show_factor(
    *,
    person: User,
    public_id: str,
    code: str,
    now: datetime,
    user_agent: str = "",
    unconfirmed_email: bool = False,
) -> FactorShown:
    """Check a code against one named factor of `person`; every other factor stays untouched.

    The attempt is counted before the code is looked at. Someone else's factor counts as a wrong code. With
    `unconfirmed_email` a mailed code is accepted while mailed codes are not switched on yet: it proves the mailbox
    during enrolment.
    """
    with transaction.atomic():
        attempt = reserve_attempt(person=person, typed="", proof=SignInGuard.Proof.FACTOR, now=now)
        if attempt.refused:
            note_attempt(
                person=person, key=attempt.key, outcome=SignInAttempt.Outcome.LOCKED, user_agent=user_agent
            )
            return FactorShown(None, attempt)
        factor = _locked(person, public_id, unconfirmed_email=unconfirmed_email)
        if factor is None or not _accepts(factor, code, now):
            note_failure(attempt, outcome=SignInAttempt.Outcome.WRONG_CODE, user_agent=user_agent, now=now)
            return FactorShown(None, attempt)
        take_back(attempt)
        factor.last_used_at = now
        factor.save(update_fields=["last_used_at"])
        return FactorShown(factor, attempt)


def remove_factor(*, actor: User, person: User, factor: AnyFactor, policy: FactorPolicy) -> None:
    """Take a factor away. Raises ValidationError when it is the last one of somebody who must have one."""
    with transaction.atomic():
        # The person's row serialises two removals, so that the last two factors cannot go at once.
        User.objects.select_for_update().get(pk=person.pk)
        rest = [one for one in main_factors_of(person) if one.public_id != factor.public_id]
        if isinstance(factor, RecoveryCodeFactor):
            raise ValidationError(_("Recovery codes are replaced, not removed."))
        if not rest and policy.required:
            raise ValidationError(_("This is your only second step. Add another one first."))
        factor.delete()
        if not rest:
            # Recovery codes stand in for a factor; without one they would be a factor of their own.
            RecoveryCodeFactor.objects.filter(user=person).delete()
        record(
            "factor.removed", actor=actor, subject=f"user:{person.username}", details={"factor": factor.name}
        )
        tell_person(person, "factor_removed", detail=factor.name)


def _locked(person: User, public_id: str, *, unconfirmed_email: bool) -> AnyFactor | None:
    for model in FACTOR_MODELS:
        rows = model.objects.select_for_update().filter(user=person)
        if not (unconfirmed_email and model is EmailCodeFactor):
            rows = rows.filter(confirmed=True)
        for factor in rows:
            if str(factor.public_id) == public_id:
                return factor
    return None


def _accepts(factor: AnyFactor, code: str, now: datetime) -> bool:
    if isinstance(factor, AuthenticatorFactor):
        return accept_authenticator_code(factor, code, now=now)
    if isinstance(factor, EmailCodeFactor):
        return accept_email_code(factor, code, now=now)
    return accept_recovery_code(factor, code, now=now)
