"""Dealerships: the customers of a lender. A fleet business or a private borrower is one, too."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.tenant import TenantManager, TenantModel


class Dealership(TenantModel):
    """One site (rooftop) of a dealer, a business customer, or a private borrower."""

    class Kind(models.TextChoices):
        DEALERSHIP = "dealership", _("Dealership")
        BUSINESS = "business", _("Business customer")
        PRIVATE = "private", _("Private borrower")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind, default=Kind.DEALERSHIP)
    number = models.CharField(_("customer number"), max_length=20)
    name = models.CharField(_("name"), max_length=120)
    street = models.CharField(_("street"), max_length=120, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=16, blank=True)
    town = models.CharField(_("town"), max_length=80, blank=True)
    region = models.CharField(_("state or region"), max_length=40, blank=True)
    country = models.CharField(_("country"), max_length=2, default="US")
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("dealership")
        verbose_name_plural = _("dealerships")
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["lender", "number"], name="accounts_dealership_number"),
        ]
        indexes = [models.Index(fields=["lender", "name"], name="accounts_dealership_name")]

    def __str__(self) -> str:
        return self.name
