"""Monthly statements, and batches of them."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel, User
from finance.models.columns import amount_field


class StatementBatch(TenantModel):
    """A run over all dealerships of a lender for one month, with its progress."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Finished with failures")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.WAITING)
    total = models.PositiveIntegerField(_("statements"), default=0)
    ordered_by = TenantForeignKey(User, null=True, related_name="+")
    created_at = models.DateTimeField(_("ordered"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("statement batch")
        verbose_name_plural = _("statement batches")
        ordering = ["-created_at"]
        constraints = [
            # Starting the same month twice is one batch.
            models.UniqueConstraint(fields=["lender", "period_end"], name="finance_statementbatch_period"),
        ]


class Statement(TenantModel):
    """One dealership's month: `content` is what was printed, as data; the PDF and its hash never change."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    dealership = TenantForeignKey(Dealership, related_name="statements", verbose_name=_("dealership"))
    batch = TenantForeignKey(StatementBatch, null=True, blank=True, related_name="statements")
    number = models.CharField(_("number"), max_length=20)
    period_start = models.DateField(_("from"))
    period_end = models.DateField(_("to"))
    due_on = models.DateField(_("due"), null=True)
    opening = amount_field(_("opening"), default=0)
    charges = amount_field(_("charges"), default=0)
    payments = amount_field(_("payments"), default=0)
    closing = amount_field(_("closing"), default=0)
    amount_due = amount_field(_("amount due"), default=0)
    content = models.JSONField(default=dict)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.WAITING)
    failure = models.CharField(_("failure"), max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Nobody takes a waiting statement up before this: it is claimed by moving it ahead.
    next_attempt_at = models.DateTimeField(_("next attempt"), null=True)
    pdf = models.FileField(_("PDF"), upload_to="statements/", blank=True)
    pdf_sha256 = models.CharField(_("SHA-256 of the PDF"), max_length=64, blank=True)
    created_at = models.DateTimeField(_("ordered"), auto_now_add=True)
    produced_at = models.DateTimeField(_("produced"), null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("statement")
        verbose_name_plural = _("statements")
        ordering = ["-period_end", "number"]
        constraints = [
            models.UniqueConstraint(fields=["lender", "number"], name="finance_statement_number"),
            models.UniqueConstraint(
                fields=["lender", "dealership", "period_end"], name="finance_statement_period"
            ),
        ]
        indexes = [
            models.Index(
                fields=["lender", "next_attempt_at"],
                condition=models.Q(state="waiting"),
                name="finance_statement_waiting",
            ),
            models.Index(fields=["lender", "batch", "state"], name="finance_statement_batch"),
        ]
