"""The outbox: mails and text messages that leave after the transaction that ordered them."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.dealerships import Dealership
from accounts.models.people import User
from accounts.models.tenant import TenantForeignKey, TenantManager, TenantModel


class OutgoingMessage(TenantModel):
    """A message to a person, written with the change that causes it and sent by the worker afterwards.

    `key` is unique per lender: ordering the same message twice makes one row. `context` holds what the template
    needs; it is emptied after sending when `is_secret` (codes, links), so that no dump shows a live one.
    """

    class Channel(models.TextChoices):
        EMAIL = "email", _("E-mail")
        SMS = "sms", _("Text message")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        FAILED = "failed", _("Given up")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    key = models.CharField(max_length=120)
    channel = models.CharField(_("channel"), max_length=5, choices=Channel, default=Channel.EMAIL)
    template = models.CharField(_("template"), max_length=80)
    recipient = models.CharField(_("to"), max_length=254)
    user = TenantForeignKey(User, null=True, related_name="+", on_delete=models.CASCADE)
    dealership = TenantForeignKey(Dealership, null=True, related_name="+", on_delete=models.CASCADE)
    context = models.JSONField(default=dict, blank=True)
    is_secret = models.BooleanField(default=False)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"))
    last_error = models.CharField(_("last error"), max_length=300, blank=True)
    created_at = models.DateTimeField(_("ordered"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent"), null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("outgoing message")
        verbose_name_plural = _("outgoing messages")
        constraints = [models.UniqueConstraint(fields=["lender", "key"], name="accounts_outgoingmessage_key")]
        indexes = [
            models.Index(
                fields=["lender", "next_attempt_at"],
                condition=models.Q(state__in=["waiting", "sending"]),
                name="accounts_outgoing_due",
            ),
        ]
