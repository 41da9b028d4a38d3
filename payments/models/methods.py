"""How a dealership pays."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel


class PaymentMethod(TenantModel):
    """A bank account that may be debited, or the standing way to pay by card on the processor's page.

    The account number is encrypted with a key outside the database; people see the last four characters. A card
    number never reaches the portal: a card row has none, and no last four, since each payment may bring another card.
    """

    class Kind(models.TextChoices):
        ACH_DEBIT = "ach_debit", _("Bank debit (ACH)")
        SEPA_DEBIT = "sepa_debit", _("Bank debit (SEPA)")
        BACS_DEBIT = "bacs_debit", _("Direct Debit (Bacs)")
        CARD = "card", _("Card")

    class State(models.TextChoices):
        ACTIVE = "active", _("Active")
        SUSPENDED = "suspended", _("Not to be used")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    dealership = TenantForeignKey(Dealership, related_name="payment_methods", verbose_name=_("dealership"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    label = models.CharField(_("name of the account"), max_length=60)
    holder = models.CharField(_("account holder"), max_length=100)
    bank_code = models.CharField(_("routing number, BIC or sort code"), max_length=20, blank=True)
    encrypted_number = models.BinaryField()
    last_four = models.CharField(_("last four characters"), max_length=4, blank=True)
    mandate_reference = models.CharField(_("mandate"), max_length=35, blank=True)
    mandate_signed_on = models.DateField(_("mandate signed"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("payment method")
        verbose_name_plural = _("payment methods")
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "dealership"], condition=Q(kind="card"), name="payments_method_one_card"
            )
        ]
        indexes = [models.Index(fields=["lender", "dealership"], name="payments_method_dealership")]

    def __str__(self) -> str:
        return f"{self.label} •••• {self.last_four}" if self.last_four else self.label
