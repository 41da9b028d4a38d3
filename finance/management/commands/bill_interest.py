"""Billing interest by hand."""

from datetime import date, timedelta

from accounts.models import Lender
from accounts.tenancy import tenant
from finance.actions.billing import bill_instalments, bill_interest
from finance.management.dated import DatedCommand


class Command(DatedCommand):
    help = (
        "Bill the interest of instalments due by a date and, where it is the last day of a month, of all units. "
        "What is billed already stays as it is."
    )

    def work(self, lender: Lender, day: date) -> bool:
        next_day = day + timedelta(days=1)
        with tenant(lender.pk):
            billed = bill_instalments(through=next_day, business_date=day)
            if next_day.day == 1:
                billed.add(bill_interest(period_end=day))
        self.say(lender, f"{day}: {billed.accounts} accounts, {billed.amount} {lender.currency}")
        for failure in billed.failures:
            self.say(lender, f"    account {failure['account']}: {failure['reason']}")
        return not billed.failures
