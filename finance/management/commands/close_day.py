"""Closing a business date by hand."""

from datetime import date

from django.utils import timezone

from accounts.models import Lender
from finance.actions.days import close_day
from finance.management.dated import DatedCommand
from finance.models import DayStep


class Command(DatedCommand):
    help = "Close a business date: rates, billing, statements, alerts, proof. Twice is once. By default yesterday's."
    days_back = 1

    def work(self, lender: Lender, day: date) -> bool:
        steps = close_day(lender_id=lender.pk, business_date=day, now=timezone.now())
        for step in steps:
            self.say(lender, f"{day} {step.step}: {step.state}, {step.done} done, {step.failed} failed")
            for failure in step.failures:
                self.say(lender, f"    {failure.get('number', '')} {failure['reason']}")
        return all(step.state == DayStep.State.DONE for step in steps)
