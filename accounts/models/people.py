"""People: one login each, at exactly one lender, tied to dealerships by memberships."""

import uuid
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.models.dealerships import Dealership
from accounts.models.tenant import TenantForeignKey, TenantManager, TenantModel, TenantQuerySet
from accounts.tenancy import default_lender_id


class UserManager(BaseUserManager.from_queryset(TenantQuerySet)):
    """Users of the running block's lender."""

    def get_queryset(self) -> TenantQuerySet:
        return super().get_queryset().in_scope()

    def get_by_natural_key(self, username: str | None) -> "User":
        """The user of that name at the running block's lender."""
        return self.get(username=(username or "").lower())

    def create_user(self, username: str, email: str, password: str | None = None, **fields: Any) -> "User":
        """A user of the running block's lender; name and e-mail are stored in lower case."""
        user = self.model(username=username.lower(), email=email.lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A person's login at one lender.

    User name, e-mail and customer number each identify the person inside the lender; the same values may exist at
    another lender with another password. All three are stored in lower case and compared with `=`, because only
    leakproof operators may use an index behind row security.
    """

    class Kind(models.TextChoices):
        DEALER = "dealer", _("Dealer")
        FINANCE = "finance", _("Finance staff")
        SUPPORT = "support", _("Support agent")
        OPERATOR = "operator", _("Platform operator")

    lender = models.ForeignKey(
        "accounts.Lender",
        on_delete=models.PROTECT,
        default=default_lender_id,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.DEALER)
    username = models.CharField(_("user name"), max_length=60)
    email = models.EmailField(_("e-mail"))
    # NULL for people without one: the empty text would be unique.
    customer_number = models.CharField(_("customer number"), max_length=20, null=True, blank=True)  # noqa: DJ001
    full_name = models.CharField(_("name"), max_length=100)
    phone = models.CharField(_("mobile phone"), max_length=40, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now, editable=False)
    contact_changed_at = models.DateTimeField(_("contact changed"), default=timezone.now, editable=False)
    factor_grace_until = models.DateTimeField(_("second factor required from"), null=True, blank=True)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = ["email"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        base_manager_name = "objects"
        constraints = [
            models.UniqueConstraint(fields=["lender", "username"], name="accounts_user_username"),
            models.UniqueConstraint(fields=["lender", "email"], name="accounts_user_email"),
            models.UniqueConstraint(
                fields=["lender", "customer_number"], name="accounts_user_customer_number"
            ),
            models.CheckConstraint(
                condition=models.Q(username=Lower("username")) & models.Q(email=Lower("email")),
                name="accounts_user_lower_case",
            ),
            # One identifier means one account: no user name may look like an e-mail or a customer number.
            models.CheckConstraint(
                condition=~models.Q(username__contains="@") & ~models.Q(username__regex=r"^[0-9]+$"),
                name="accounts_user_username_shape",
            ),
        ]

    def __str__(self) -> str:
        return self.full_name or self.username

    def get_full_name(self) -> str:
        """The name people see."""
        return self.full_name or self.username

    def get_short_name(self) -> str:
        """The first word of the name."""
        return self.get_full_name().split(" ")[0]

    @property
    def is_staff(self) -> bool:
        """May this person open the finance office (the Django admin)?"""
        return self.kind in {self.Kind.FINANCE, self.Kind.OPERATOR} and self.is_active

    @property
    def is_superuser(self) -> bool:
        """Nobody is: every right comes from the kind of person and the membership."""
        return False

    def has_perm(self, permission: str, obj: object = None) -> bool:
        """Admin pages ask this; finance staff may open what the admin site registers, each page narrows it."""
        return self.is_staff

    def has_perms(self, permissions: list[str], obj: object = None) -> bool:
        """As has_perm, for several."""
        return all(self.has_perm(permission, obj) for permission in permissions)

    def has_module_perms(self, app_label: str) -> bool:
        """As has_perm, for a whole app."""
        return self.is_staff


class Membership(TenantModel):
    """What one person may do for one dealership."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        PAYER = "payer", _("Payer")
        APPROVER = "approver", _("Approver")
        VIEWER = "viewer", _("Viewer")
        ACCOUNTANT = "accountant", _("Accountant")

    user = TenantForeignKey(User, related_name="memberships", on_delete=models.CASCADE)
    dealership = TenantForeignKey(Dealership, related_name="memberships", on_delete=models.CASCADE)
    role = models.CharField(_("role"), max_length=12, choices=Role)
    payment_limit = models.DecimalField(
        _("payment limit"), max_digits=14, decimal_places=2, null=True, blank=True
    )
    expires_on = models.DateField(_("expires"), null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [
            models.UniqueConstraint(fields=["lender", "user", "dealership"], name="accounts_membership_once"),
        ]
        indexes = [models.Index(fields=["lender", "dealership", "user"], name="accounts_membership_people")]
