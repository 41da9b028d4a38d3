"""How quickly a lender's agents answer."""

from datetime import datetime, time, timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender, TenantManager, TenantModel
from finance.calendars import calendar_named


class SupportRule(TenantModel):
    """The hours in which agents work, and how many of those hours an answer may take.

    Days are the business days of the lender's calendar. A lender without a row of its own works by the defaults.
    """

    opens_at = models.TimeField(_("opens"), default=time(8, 0))
    closes_at = models.TimeField(_("closes"), default=time(18, 0))
    answer_hours = models.PositiveSmallIntegerField(
        _("working hours to the answer"), default=4, validators=[MinValueValidator(1), MaxValueValidator(80)]
    )

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("support rule")
        verbose_name_plural = _("support rules")
        constraints = [
            models.UniqueConstraint(fields=["lender"], name="support_supportrule_one"),
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opens_at")), name="support_supportrule_hours"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.opens_at:%H:%M}–{self.closes_at:%H:%M}"

    def answer_due_at(self, asked_at: datetime, lender: Lender) -> datetime:
        """When an answer to a question of `asked_at` (aware) is due: so many working hours later.

        Hours are counted on the lender's clock; what is left when the day closes goes on at the next opening.
        """
        calendar = calendar_named(lender.calendar)
        local = lender.local_time(asked_at)
        left = timedelta(hours=self.answer_hours)
        day = local.date()
        while True:
            if calendar.is_business_day(day):
                opening = datetime.combine(day, self.opens_at, lender.zone)
                closing = datetime.combine(day, self.closes_at, lender.zone)
                start = max(local, opening)
                if start + left <= closing:
                    return start + left
                left -= max(closing - start, timedelta(0))
            day += timedelta(days=1)
