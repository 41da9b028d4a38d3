"""Second factors: who has which, and who must have one."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from accounts.models import (
    AuthenticatorFactor,
    EmailCodeFactor,
    Lender,
    RecoveryCode,
    RecoveryCodeFactor,
    User,
)

AnyFactor = AuthenticatorFactor | EmailCodeFactor | RecoveryCodeFactor
FACTOR_MODELS: tuple[type[AnyFactor], ...] = (AuthenticatorFactor, EmailCodeFactor, RecoveryCodeFactor)


@dataclass(frozen=True, slots=True)
class FactorPolicy:
    """What the lender's rule means for one person now. Staff always need a factor; grace is for dealers only."""

    offered: bool
    required: bool
    grace_until: datetime | None = None


def factor_policy(person: User, lender: Lender, now: datetime) -> FactorPolicy:
    """Whether `person` must show a second factor at `now`."""
    if person.kind != User.Kind.DEALER:
        return FactorPolicy(offered=True, required=True)
    rule = lender.dealer_factor_rule
    if rule == Lender.FactorRule.OFF:
        return FactorPolicy(offered=False, required=False)
    if rule == Lender.FactorRule.OPTIONAL:
        return FactorPolicy(offered=True, required=False)
    grace = person.factor_grace_until
    if grace is not None and grace > now:
        return FactorPolicy(offered=True, required=False, grace_until=grace)
    return FactorPolicy(offered=True, required=True)


def factors_of(person: User) -> list[AnyFactor]:
    """The confirmed factors of a person, strongest first; recovery codes last and only while some are unused."""
    factors: list[AnyFactor] = []
    for model in FACTOR_MODELS:
        factors += model.objects.filter(user=person, confirmed=True).order_by("pk")
    if any(isinstance(factor, RecoveryCodeFactor) for factor in factors) and not codes_left(person):
        factors = [factor for factor in factors if not isinstance(factor, RecoveryCodeFactor)]
    return factors


def main_factors_of(person: User) -> list[AnyFactor]:
    """The factors that stand on their own: everything but recovery codes."""
    return [factor for factor in factors_of(person) if not isinstance(factor, RecoveryCodeFactor)]


def factor_of(person: User, public_id: uuid.UUID | str) -> AnyFactor | None:
    """The person's confirmed factor of that id; None for anybody else's."""
    return next((factor for factor in factors_of(person) if str(factor.public_id) == str(public_id)), None)


def codes_left(person: User) -> int:
    """How many recovery codes a person has not used yet."""
    return RecoveryCode.objects.filter(user=person, used_at__isnull=True).count()
