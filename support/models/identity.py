"""Proof that a caller is who they say, judged by the machine."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import TenantForeignKey, TenantManager, TenantModel, User


class IdentityCheck(TenantModel):
    """A one-time code sent to a person's registered contact, read back by the caller and typed by the agent.

    The agent never sees the code: it is stored as a keyed hash. Ten minutes, three tries, one use.
    """

    class State(models.TextChoices):
        SENT = "sent", _("Code sent")
        PASSED = "passed", _("Passed")
        FAILED = "failed", _("Failed")
        USED = "used", _("Used")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    person = TenantForeignKey(User, related_name="identity_checks", verbose_name=_("person"))
    agent = TenantForeignKey(User, related_name="+", verbose_name=_("agent"))
    contact = models.CharField(_("sent to"), max_length=120)
    code_hash = models.CharField(max_length=64)
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.SENT)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    sent_at = models.DateTimeField(_("sent"))
    expires_at = models.DateTimeField(_("valid until"))
    passed_at = models.DateTimeField(_("passed"), null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("identity check")
        verbose_name_plural = _("identity checks")
        indexes = [models.Index(fields=["lender", "person", "-sent_at"], name="support_identity_person")]
