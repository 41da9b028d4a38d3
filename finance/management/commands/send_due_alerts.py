"""Ordering due-date mails by hand."""

from datetime import date

from accounts.models import Lender
from accounts.tenancy import tenant
from finance.actions.alerts import order_due_alerts
from finance.management.dated import DatedCommand


class Command(DatedCommand):
    help = "Order the mails that say what is due on a date and three days later; nobody is told twice."

    def work(self, lender: Lender, day: date) -> None:
        with tenant(lender.pk):
            told = order_due_alerts(as_of=day)
        self.say(lender, f"{day}: {told} people are told")
