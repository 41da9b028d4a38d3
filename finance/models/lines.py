"""Credit lines and their terms."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel
from finance.models.columns import amount_field, rate_field
from finance.models.rates import RatePlan


class CurtailmentProgramme(TenantModel):
    """When principal of an unsold unit falls due; `shape` holds one of the shapes of `finance.curtailment` as data."""

    code = models.SlugField(_("code"), max_length=30)
    name = models.CharField(_("name"), max_length=80)
    shape = models.JSONField(_("shape"))
    grace_days = models.PositiveSmallIntegerField(_("grace days"), default=0)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("curtailment programme")
        verbose_name_plural = _("curtailment programmes")
        constraints = [models.UniqueConstraint(fields=["lender", "code"], name="finance_programme_code")]

    def __str__(self) -> str:
        return self.name


class CreditLine(TenantModel):
    """What a lender has agreed to lend to one dealership: a revolving floor-plan line, or a frame for term loans."""

    class Kind(models.TextChoices):
        FLOOR_PLAN = "floor_plan", _("Floor plan")
        TERM = "term", _("Term loans")

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        FROZEN = "frozen", _("Frozen")
        CLOSED = "closed", _("Closed")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    dealership = TenantForeignKey(Dealership, related_name="lines", verbose_name=_("dealership"))
    number = models.CharField(_("line number"), max_length=20)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    currency = models.CharField(_("currency"), max_length=3)
    limit = amount_field(_("limit"))
    limit_is_hard = models.BooleanField(_("refuse above the limit"), default=True)
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.OPEN)
    opened_on = models.DateField(_("opened"))

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("credit line")
        verbose_name_plural = _("credit lines")
        constraints = [
            models.UniqueConstraint(fields=["lender", "number"], name="finance_creditline_number"),
            models.CheckConstraint(condition=models.Q(limit__gte=0), name="finance_creditline_limit"),
        ]
        indexes = [models.Index(fields=["lender", "dealership"], name="finance_line_dealership")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class LineTerms(TenantModel):
    """The rules of a line from one day on; earlier rows stay as they were."""

    class AllocationOrder(models.TextChoices):
        FEES_INTEREST_PRINCIPAL = "fees,interest,principal", _("fees, interest, principal")
        INTEREST_PRINCIPAL_FEES = "interest,principal,fees", _("interest, principal, fees")
        INTEREST_FEES_PRINCIPAL = "interest,fees,principal", _("interest, fees, principal")

    line = TenantForeignKey(
        CreditLine, related_name="terms", on_delete=models.CASCADE, verbose_name=_("line")
    )
    effective_from = models.DateField(_("effective from"))
    rate_plan = TenantForeignKey(RatePlan, related_name="+", verbose_name=_("rate plan"))
    programme = TenantForeignKey(
        CurtailmentProgramme, null=True, blank=True, related_name="+", verbose_name=_("curtailment programme")
    )
    advance_rate = rate_field(_("advance rate"), default=1)
    term_days = models.PositiveSmallIntegerField(_("term of a unit in days"), null=True, blank=True)
    payment_day = models.PositiveSmallIntegerField(_("day of month on which a bill is due"), default=10)
    grace_days = models.PositiveSmallIntegerField(_("grace days"), default=0)
    payoff_hours_after_sale = models.PositiveSmallIntegerField(_("hours to pay after a sale"), default=48)
    document_fee = amount_field(_("document fee per advance"), default=0)
    return_fee = amount_field(_("fee for a returned payment"), default=0)
    allocation_order = models.CharField(
        _("allocation order"),
        max_length=24,
        choices=AllocationOrder,
        default=AllocationOrder.FEES_INTEREST_PRINCIPAL,
    )
    releases_credit_at = models.CharField(
        _("credit is free again"),
        max_length=10,
        choices=[
            ("submission", _("when a payment is submitted")),
            ("settlement", _("when a payment has settled")),
        ],
        default="settlement",
    )

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("terms of a line")
        verbose_name_plural = _("terms of a line")
        ordering = ["-effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "line", "effective_from"], name="finance_lineterms_day"
            ),
            models.CheckConstraint(
                condition=models.Q(payment_day__gte=1, payment_day__lte=28),
                name="finance_lineterms_payment_day",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.effective_from:%Y-%m-%d}"
