"""Indices, their fixings, rate plans, and one row per plan and day."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import TenantForeignKey, TenantManager, TenantModel
from finance.models.columns import parts_field, rate_field


class RateIndex(TenantModel):
    """A published rate, such as the prime rate."""

    code = models.SlugField(_("code"), max_length=30)
    name = models.CharField(_("name"), max_length=80)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("rate index")
        verbose_name_plural = _("rate indices")
        constraints = [models.UniqueConstraint(fields=["lender", "code"], name="finance_rateindex_code")]

    def __str__(self) -> str:
        return self.name


class IndexFixing(TenantModel):
    """The index from one day on, until the next fixing: steps leave neither gap nor overlap. Append-only."""

    index = TenantForeignKey(RateIndex, related_name="fixings", verbose_name=_("index"))
    effective_from = models.DateField(_("effective from"))
    annual_rate = rate_field(_("annual rate"))
    source = models.CharField(_("source"), max_length=200)
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("fixing")
        verbose_name_plural = _("fixings")
        ordering = ["-effective_from"]
        constraints = [
            models.UniqueConstraint(
                fields=["lender", "index", "effective_from"], name="finance_indexfixing_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.effective_from:%Y-%m-%d}"


class RatePlan(TenantModel):
    """Index plus margin within floor and ceiling, with a day count: yields one annual rate per calendar day."""

    class DayCount(models.TextChoices):
        ACTUAL_360 = "actual/360", _("actual/360")
        ACTUAL_365 = "actual/365", _("actual/365")
        ACTUAL_ACTUAL = "actual/actual", _("actual/actual")
        THIRTY_360 = "30/360", _("30/360")

    class Compounding(models.TextChoices):
        SIMPLE = "simple", _("simple")
        DAILY = "daily", _("compounded daily")

    code = models.SlugField(_("code"), max_length=30)
    name = models.CharField(_("name"), max_length=80)
    index = TenantForeignKey(RateIndex, null=True, blank=True, related_name="plans", verbose_name=_("index"))
    margin = rate_field(_("margin, or the fixed rate"))
    floor = rate_field(_("floor"), null=True, blank=True)
    ceiling = rate_field(_("ceiling"), null=True, blank=True)
    day_count = models.CharField(_("day count"), max_length=14, choices=DayCount)
    compounding = models.CharField(
        _("compounding"), max_length=8, choices=Compounding, default=Compounding.SIMPLE
    )
    starts_on = models.DateField(_("first day"))

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("rate plan")
        verbose_name_plural = _("rate plans")
        constraints = [models.UniqueConstraint(fields=["lender", "code"], name="finance_rateplan_code")]

    def __str__(self) -> str:
        return self.name


class RatePlanDay(TenantModel):
    """One plan on one day: the rate valid that day, and the sums over all days before it (`finance.interest`)."""

    plan = TenantForeignKey(RatePlan, related_name="days", on_delete=models.CASCADE)
    day = models.DateField()
    annual_rate = rate_field(_("annual rate"))
    cumulative = parts_field(_("cumulative"))
    growth = models.DecimalField(max_digits=60, decimal_places=40)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["lender", "plan", "day"], name="finance_rateplanday_day")
        ]
