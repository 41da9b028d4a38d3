"""Lenders: the tenants of the portal, their hosts, their counters."""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.tenant import TenantManager, TenantModel


class Lender(models.Model):
    """A finance company. The reserved lender of kind `platform` holds the operators of the installation.

    `currency` is the ISO 4217 code of every amount of this lender; `time_zone` decides which calendar day it is;
    `payment_cut_off` is the local time after which a payment counts from the next business day of `calendar`.
    """

    class Kind(models.TextChoices):
        LENDER = "lender", _("Lender")
        PLATFORM = "platform", _("Platform")

    class Calendar(models.TextChoices):
        FEDERAL_RESERVE = "federal-reserve", _("Federal Reserve (United States)")
        TARGET = "target", _("TARGET (euro area)")
        UNITED_KINGDOM = "united-kingdom", _("England and Wales")

    class FactorRule(models.TextChoices):
        OFF = "off", _("Off")
        OPTIONAL = "optional", _("Optional")
        REQUIRED = "required", _("Required")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind, default=Kind.LENDER)
    slug = models.SlugField(_("short name"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    currency = models.CharField(_("currency"), max_length=3)
    locale = models.CharField(_("locale"), max_length=8, default="en_US")
    time_zone = models.CharField(_("time zone"), max_length=40)
    calendar = models.CharField(_("business-day calendar"), max_length=16, choices=Calendar)
    payment_cut_off = models.TimeField(_("payment cut-off"), default=time(17, 0))
    accent_colour = models.CharField(
        _("accent colour"),
        max_length=7,
        validators=[RegexValidator(r"^#[0-9a-f]{6}$", _("Write it as #rrggbb."))],
    )
    logo_svg = models.TextField(_("logo (SVG)"), blank=True)
    support_phone = models.CharField(_("support phone"), max_length=40)
    support_email = models.EmailField(_("support e-mail"))
    support_hours = models.CharField(_("support hours"), max_length=200)
    mail_sender = models.EmailField(_("sender of mails"))
    dealer_factor_rule = models.CharField(
        _("second factor of dealers"), max_length=8, choices=FactorRule, default=FactorRule.REQUIRED
    )

    class Meta:
        verbose_name = _("lender")
        verbose_name_plural = _("lenders")

    def __str__(self) -> str:
        return self.name

    @property
    def language(self) -> str:
        """The language of this lender's mails and papers: its locale's if the portal has the words, else English."""
        language = self.locale.partition("_")[0]
        return language if language in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE

    @property
    def language_tag(self) -> str:
        """The same for readers aloud (BCP 47), with the region whose way of writing figures it has: `en-FR`."""
        return f"{self.language}-{self.locale.partition('_')[2]}"

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which this lender's calendar days begin and end."""
        return ZoneInfo(self.time_zone)

    def local_time(self, moment: datetime) -> datetime:
        """`moment` (aware) on this lender's clock."""
        return moment.astimezone(self.zone)

    def business_date(self, moment: datetime) -> date:
        """The lender's calendar day at `moment` (aware)."""
        return self.local_time(moment).date()


class LenderHost(models.Model):
    """A host name under which a lender is reached; links in mails use the primary one.

    Read before the lender is known, so this table carries no wall and nothing but names.
    """

    host = models.CharField(_("host name"), max_length=253, primary_key=True)
    lender = models.ForeignKey(Lender, on_delete=models.CASCADE, related_name="hosts")
    is_primary = models.BooleanField(_("primary"), default=False)

    class Meta:
        verbose_name = _("host name")
        verbose_name_plural = _("host names")
        constraints = [
            models.UniqueConstraint(
                fields=["lender"], condition=models.Q(is_primary=True), name="accounts_lenderhost_one_primary"
            ),
        ]

    def __str__(self) -> str:
        return self.host


class NumberSequence(TenantModel):
    """A counter per lender for numbers that people quote; shared sequences would show another lender's activity."""

    class Kind(models.TextChoices):
        PAYMENT = "payment", _("Payment")
        STATEMENT = "statement", _("Statement")
        TICKET = "ticket", _("Ticket")
        LOAN = "loan", _("Loan")
        UNIT = "unit", _("Unit")
        ENTRY = "entry", _("Journal entry")

    kind = models.CharField(max_length=12, choices=Kind)
    last = models.BigIntegerField(default=0)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        constraints = [
            models.UniqueConstraint(fields=["lender", "kind"], name="accounts_numbersequence_one_kind")
        ]
