"""People, dealerships, lenders, and the trail they leave."""

from accounts.models.dealerships import Dealership
from accounts.models.lenders import Lender, LenderHost, NumberSequence
from accounts.models.outbox import OutgoingMessage
from accounts.models.people import Membership, User
from accounts.models.sign_in import (
    AuthenticatorFactor,
    EmailCodeFactor,
    RecoveryCode,
    RecoveryCodeFactor,
    SignInAttempt,
    SignInGuard,
)
from accounts.models.tenant import TenantForeignKey, TenantManager, TenantModel
from accounts.models.trail import AuditEntry, RowChange

__all__ = [
    "AuditEntry",
    "AuthenticatorFactor",
    "Dealership",
    "EmailCodeFactor",
    "Lender",
    "LenderHost",
    "Membership",
    "NumberSequence",
    "OutgoingMessage",
    "RecoveryCode",
    "RecoveryCodeFactor",
    "RowChange",
    "SignInAttempt",
    "SignInGuard",
    "TenantForeignKey",
    "TenantManager",
    "TenantModel",
    "User",
]
