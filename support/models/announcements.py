"""News of a lender to its dealers."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import TenantManager, TenantModel


class Announcement(TenantModel):
    """A dated notice that every dealer of the lender sees between two days."""

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    title = models.CharField(_("title"), max_length=120)
    body = models.TextField(_("text"))
    shown_from = models.DateField(_("shown from"))
    shown_until = models.DateField(_("shown until"))

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("announcement")
        verbose_name_plural = _("announcements")
        ordering = ["-shown_from", "-id"]

    def __str__(self) -> str:
        return self.title
