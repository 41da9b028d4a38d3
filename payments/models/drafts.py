"""What a person is about to pay, between choosing and sending."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel, User
from payments.models.methods import PaymentMethod


class PaymentDraft(TenantModel):
    """The choices of one intent to pay. Nothing is sent by it and no money moves.

    `token` becomes the payment's token, so that the same intent, sent twice, is one payment. `choices` is a list of
    objects: `account` (public id), `purpose` (`due`, `payoff`, `amount`) and `amount` (text, for a chosen amount).
    """

    token = models.UUIDField(default=uuid.uuid4, editable=False)
    dealership = TenantForeignKey(Dealership, related_name="+", on_delete=models.CASCADE)
    user = TenantForeignKey(User, related_name="+", on_delete=models.CASCADE)
    method = TenantForeignKey(PaymentMethod, related_name="+", verbose_name=_("paid from"))
    choices = models.JSONField(default=list)
    changed_at = models.DateTimeField(auto_now=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("prepared payment")
        verbose_name_plural = _("prepared payments")
        constraints = [models.UniqueConstraint(fields=["lender", "token"], name="payments_draft_token")]
        indexes = [models.Index(fields=["lender", "changed_at"], name="payments_draft_age")]
