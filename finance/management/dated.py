"""What the dated commands have in common: `--as-of` and `--lender`."""

from abc import ABC, abstractmethod
from argparse import ArgumentParser
from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Lender
from accounts.tenancy import platform


class DatedCommand(BaseCommand, ABC):
    """A job of one business date, for one lender or all of them.

    Without `--as-of` each lender's own calendar decides: its today less `days_back`.
    """

    days_back = 0
    is_dated = False
    """Whether a date was given."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--as-of", metavar="YYYY-MM-DD", help="the business date; by default each lender's own"
        )
        parser.add_argument("--lender", metavar="SLUG", help="only this lender")

    def handle(self, *args: Any, **options: Any) -> None:
        as_of = _date(options["as_of"])
        self.is_dated = as_of is not None
        with platform():
            lenders = Lender.objects.filter(kind=Lender.Kind.LENDER).order_by("pk")
            if options["lender"]:
                lenders = lenders.filter(slug=options["lender"])
            found = list(lenders)
        if not found:
            raise CommandError("There is no such lender.")
        failed = False
        for lender in found:
            day = as_of or lender.business_date(timezone.now()) - timedelta(days=self.days_back)
            failed = self.work(lender, day) is False or failed
        if failed:
            raise CommandError("Not everything went well; see above.")

    @abstractmethod
    def work(self, lender: Lender, day: date) -> bool | None:
        """Do the day's work at one lender, opening its tenant block; False when something failed."""

    def say(self, lender: Lender, text: str) -> None:
        """Write a line that names the lender."""
        self.stdout.write(f"{lender.slug}: {text}")


def _date(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text!r} is not a date; write it as 2026-01-31.") from error
