"""The end of day: each step of a lender's business date, done once."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import TenantManager, TenantModel


class DayStep(TenantModel):
    """One step of one business date; the unique key makes running it twice, or by two schedulers, one run."""

    class Step(models.TextChoices):
        RATES = "rates", _("Extend the rate plans")
        INTEREST = "interest", _("Bill the month's interest")
        ALERTS = "alerts", _("Send due-date alerts")
        STATEMENTS = "statements", _("Produce statements")
        PROOF = "proof", _("Prove the ledger")

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    business_date = models.DateField(_("business date"))
    step = models.CharField(_("step"), max_length=10, choices=Step)
    state = models.CharField(_("state"), max_length=7, choices=State, default=State.RUNNING)
    done = models.PositiveIntegerField(_("done"), default=0)
    failed = models.PositiveIntegerField(_("failed"), default=0)
    failures = models.JSONField(_("failures"), default=list, blank=True)
    started_at = models.DateTimeField(_("started"), auto_now_add=True)
    finished_at = models.DateTimeField(_("finished"), null=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("end-of-day step")
        verbose_name_plural = _("end of day")
        ordering = ["-business_date", "id"]
        constraints = [
            models.UniqueConstraint(fields=["lender", "business_date", "step"], name="finance_daystep_once"),
        ]
