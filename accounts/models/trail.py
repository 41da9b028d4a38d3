"""The trail: what was done, by whom, and what rows looked like before and after."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.dealerships import Dealership
from accounts.models.people import User
from accounts.models.tenant import TenantForeignKey, TenantManager, TenantModel


class AuditEntry(TenantModel):
    """One act. Append-only; the database refuses UPDATE and DELETE.

    `code` is a dotted name (`payment.submitted`), `subject` names the row it was done to (`payment:P-1042`), `details`
    holds old and new values as text. `entrance` says how it came in: web, admin, task, command.
    """

    recorded_at = models.DateTimeField(_("when"), auto_now_add=True)
    code = models.CharField(_("what"), max_length=60)
    subject = models.CharField(_("on what"), max_length=120, blank=True)
    actor = TenantForeignKey(User, null=True, related_name="+", on_delete=models.PROTECT)
    actor_name = models.CharField(_("who"), max_length=100)
    dealership = TenantForeignKey(Dealership, null=True, related_name="+", on_delete=models.PROTECT)
    address = models.GenericIPAddressField(_("from where"), null=True)
    entrance = models.CharField(_("entrance"), max_length=12)
    reference = models.CharField(_("request reference"), max_length=20, blank=True)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    details = models.JSONField(_("details"), default=dict, blank=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit trail")
        indexes = [
            models.Index(fields=["lender", "dealership", "-id"], name="accounts_audit_dealership"),
            models.Index(fields=["lender", "subject", "-id"], name="accounts_audit_subject"),
            models.Index(fields=["lender", "-id"], name="accounts_audit_latest"),
        ]


class RowChange(TenantModel):
    """How a row of a watched table changed, written by a database trigger, so raw SQL is caught as well."""

    recorded_at = models.DateTimeField(_("when"), auto_now_add=True)
    table_name = models.CharField(_("table"), max_length=63)
    row_key = models.BigIntegerField(_("row"))
    operation = models.CharField(_("operation"), max_length=6)
    user_id = models.BigIntegerField(_("user"), null=True)
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("change")
        verbose_name_plural = _("history of changes")
        indexes = [
            models.Index(fields=["lender", "table_name", "row_key", "-id"], name="accounts_rowchange_row")
        ]
