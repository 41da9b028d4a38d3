"""Sign-in: the lock record, the attempts, and the second factors."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_otp.models import Device, DeviceManager

from accounts.models.people import User
from accounts.models.tenant import TenantForeignKey, TenantManager, TenantModel
from accounts.tenancy import current_lender_id, default_lender_id


class SignInGuard(TenantModel):
    """Failures of one account and one kind of proof; the row lock serialises parallel guesses.

    `key` is `user:<id>` for any identifier that resolves to a person, else `typed:<hash>`, so that one account has one
    counter under every spelling and unknown names behave alike.
    """

    class Proof(models.TextChoices):
        PASSWORD = "password", _("Password")
        FACTOR = "factor", _("Second factor")

    key = models.CharField(max_length=80)
    user = TenantForeignKey(User, null=True, related_name="guards", on_delete=models.CASCADE)
    proof = models.CharField(max_length=8, choices=Proof)
    failures = models.PositiveIntegerField(default=0)
    consecutive_failures = models.PositiveIntegerField(default=0)
    window_started_at = models.DateTimeField()
    last_attempt_at = models.DateTimeField()
    locked_until = models.DateTimeField(null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["lender", "key", "proof"], name="accounts_signinguard_one_key"),
        ]
        indexes = [models.Index(fields=["lender", "user"], name="accounts_signinguard_user")]


class SignInAttempt(TenantModel):
    """One try to sign in, kept for ever: who was tried, from where, what came of it."""

    class Outcome(models.TextChoices):
        SIGNED_IN = "signed_in", _("Signed in")
        PASSWORD_PASSED = "password_passed", _("Password right, second factor asked")
        WRONG_PASSWORD = "wrong_password", _("Wrong password")
        WRONG_CODE = "wrong_code", _("Wrong code")
        LOCKED = "locked", _("Refused while locked")
        INACTIVE = "inactive", _("Account is off")
        UNKNOWN = "unknown", _("Unknown name")
        SIGNED_OUT = "signed_out", _("Signed out")
        PASSWORD_RESET = "password_reset", _("Password was reset")
        UNLOCKED = "unlocked", _("Unlocked by support")

    key = models.CharField(max_length=80)
    user = TenantForeignKey(User, null=True, related_name="attempts", on_delete=models.CASCADE)
    outcome = models.CharField(_("outcome"), max_length=16, choices=Outcome)
    address = models.GenericIPAddressField(_("address"), null=True)
    user_agent = models.CharField(_("browser"), max_length=300, blank=True)
    recorded_at = models.DateTimeField(_("when"), auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        indexes = [
            models.Index(fields=["lender", "user", "-recorded_at"], name="accounts_attempt_user"),
            models.Index(fields=["lender", "address", "-recorded_at"], name="accounts_attempt_address"),
        ]


class FactorManager(DeviceManager.from_queryset(models.QuerySet)):
    """django-otp's manager, narrowed to the running block's lender."""

    def get_queryset(self) -> models.QuerySet[models.Model]:
        return super().get_queryset().filter(lender_id=current_lender_id())


class Factor(Device):
    """A second factor of one person; a django-otp device whose user key stays inside the lender."""

    lender = models.ForeignKey(
        "accounts.Lender",
        on_delete=models.PROTECT,
        default=default_lender_id,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    user = TenantForeignKey(User, related_name="+", on_delete=models.CASCADE)
    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)

    objects = FactorManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class AuthenticatorFactor(Factor):
    """An authenticator app (RFC 6238, 30 s, 6 digits); the key is encrypted with a key outside the database."""

    encrypted_key = models.BinaryField()
    # The last accepted time step: a code is accepted once, in every process (RFC 6238 section 5.2).
    last_step = models.BigIntegerField(default=-1)

    class Meta(Factor.Meta):
        verbose_name = _("authenticator app")
        verbose_name_plural = _("authenticator apps")
        indexes = [models.Index(fields=["lender", "user"], name="accounts_authenticator_user")]


class EmailCodeFactor(Factor):
    """A code mailed to the address on file: six digits, ten minutes, one use; stored as a keyed hash."""

    code_hash = models.CharField(max_length=64, blank=True)
    code_expires_at = models.DateTimeField(null=True)
    code_sent_at = models.DateTimeField(null=True)

    class Meta(Factor.Meta):
        verbose_name = _("e-mailed code")
        verbose_name_plural = _("e-mailed codes")
        indexes = [models.Index(fields=["lender", "user"], name="accounts_emailcode_user")]


class RecoveryCodeFactor(Factor):
    """The set of recovery codes of one person."""

    class Meta(Factor.Meta):
        verbose_name = _("recovery codes")
        verbose_name_plural = _("recovery codes")
        indexes = [models.Index(fields=["lender", "user"], name="accounts_recovery_user")]


class RecoveryCode(TenantModel):
    """One single-use code (64 random bits), stored as a keyed hash."""

    factor = TenantForeignKey(RecoveryCodeFactor, related_name="codes", on_delete=models.CASCADE)
    user = TenantForeignKey(User, related_name="+", on_delete=models.CASCADE)
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "factor", "code_hash"], name="accounts_recoverycode_once"
            ),
        ]
