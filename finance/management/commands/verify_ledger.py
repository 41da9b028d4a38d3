"""Proving the books."""

from datetime import date

from accounts.models import Lender
from accounts.tenancy import tenant
from finance.management.dated import DatedCommand
from finance.queries.proof import problems, totals


class Command(DatedCommand):
    help = (
        "Prove the books: entries balance and say what their events say, control accounts equal positions, positions "
        "equal the fold of their events, due items add up. Names each row that does not, and exits with 1. "
        "With --as-of positions are folded again only for accounts with a posting on that date or later."
    )

    def work(self, lender: Lender, day: date) -> bool:
        with tenant(lender.pk):
            found = problems(since=day if self.is_dated else None)
            balances = totals()
        for problem in found:
            self.say(lender, str(problem))
        if not found:
            self.say(lender, "the books are right")
            for code, amount in balances.items():
                self.say(lender, f"    {code} {amount:>18}")
        return not found
