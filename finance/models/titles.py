"""The paper of a financed vehicle: who holds its title, and how that came about."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel
from finance.models.accounts import Unit


class VehicleTitle(TenantModel):
    """Where the title of a unit is now. A row begins when the unit is floored: the lender waits for the paper.

    The database allows only the ways of `WAYS` in `finance.actions.titles`; `since` is the day of the last of them.
    """

    class State(models.TextChoices):
        AWAITED = "awaited", _("Awaited")
        HELD = "held", _("Held")
        LENT = "lent", _("Lent out")
        RELEASED = "released", _("Released")
        SHIPPED = "shipped", _("Shipped")

    unit = models.OneToOneField(
        Unit, on_delete=models.PROTECT, primary_key=True, db_constraint=False, related_name="title"
    )
    dealership = TenantForeignKey(Dealership, related_name="+", verbose_name=_("dealership"))
    state = models.CharField(_("title"), max_length=8, choices=State, default=State.AWAITED)
    since = models.DateField(_("since"))
    kept_at = models.CharField(_("kept at"), max_length=60, blank=True)
    due_back_on = models.DateField(_("due back"), null=True, blank=True)
    tracking = models.CharField(_("tracking"), max_length=60, blank=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("title")
        verbose_name_plural = _("titles")
        indexes = [models.Index(fields=["lender", "state", "since"], name="finance_title_state")]

    def __str__(self) -> str:
        return str(self.unit)


class TitleEvent(TenantModel):
    """One step of a title's way, kept for ever. `kept_at` is for the lender's people, the rest for the dealer, too."""

    unit = TenantForeignKey(Unit, related_name="title_events")
    dealership = TenantForeignKey(Dealership, related_name="+")
    state = models.CharField(_("title"), max_length=8, choices=VehicleTitle.State)
    happened_on = models.DateField(_("when"))
    kept_at = models.CharField(_("kept at"), max_length=60, blank=True)
    due_back_on = models.DateField(_("due back"), null=True, blank=True)
    tracking = models.CharField(_("tracking"), max_length=60, blank=True)
    recorded_at = models.DateTimeField(_("recorded"), auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("step of a title")
        verbose_name_plural = _("steps of a title")
        ordering = ["id"]
        indexes = [models.Index(fields=["lender", "unit", "id"], name="finance_titleevent_unit")]
