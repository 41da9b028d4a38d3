"""Printed receipts."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel
from payments.models.payments import Payment


def private_path(receipt: "PaymentReceipt", name: str) -> str:
    """Below the files that only authorising views hand out."""
    return f"receipts/{receipt.lender_id}/{name}"


class PaymentReceipt(TenantModel):
    """The PDF of a payment in one of its states, ordered with the change of state and printed by the worker.

    `file` has the split per unit or loan; beside it, under `total_name`, lies the same with one total.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    payment = TenantForeignKey(Payment, related_name="receipts")
    dealership = TenantForeignKey(Dealership, related_name="+")
    payment_state = models.CharField(_("state of the payment"), max_length=10, choices=Payment.State)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    file = models.FileField(upload_to=private_path, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    ordered_at = models.DateTimeField(auto_now_add=True)
    printed_at = models.DateTimeField(null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("printed receipt")
        verbose_name_plural = _("printed receipts")
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "payment", "payment_state"], name="payments_receipt_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["lender", "next_attempt_at"],
                condition=models.Q(state="waiting"),
                name="payments_receipt_waiting",
            ),
        ]

    @property
    def total_name(self) -> str:
        """The name under which the storage keeps the receipt with one total."""
        return f"{(self.file.name or '').removesuffix('.pdf')}-total.pdf"
