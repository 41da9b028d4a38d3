"""Extending rate plans by hand."""

from datetime import date

from accounts.models import Lender
from accounts.tenancy import tenant
from finance.actions.rates import extend_rate_plans
from finance.management.dated import DatedCommand


class Command(DatedCommand):
    help = "Give every rate plan its rows for a business date and the days ahead."

    def work(self, lender: Lender, day: date) -> None:
        with tenant(lender.pk):
            added = extend_rate_plans(business_date=day)
        self.say(lender, f"{day}: {added} rows added")
