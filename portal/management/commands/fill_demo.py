"""`manage.py fill_demo`: four lenders with living data relative to today."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Lender
from accounts.tenancy import platform
from finance.actions.days import close_day
from portal.demo import cast, floor_plan, help_desk, term_loans
from portal.demo.registry import enter_lender, open_doors, order_statements, put_aside


class Command(BaseCommand):
    help = (
        "Fill an empty database with the demo's four lenders; a lender that is there already is left alone."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        part = parser.add_mutually_exclusive_group()
        part.add_argument("--first", action="store_true", help="fill only the first lender, the largest")
        part.add_argument("--others", action="store_true", help="fill all but the first, beside the former")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("These settings are not the demo's.")
        first, *others = cast.LENDERS
        for demo in [first] if options["first"] else others if options["others"] else cast.LENDERS:
            with platform():
                known = Lender.objects.filter(slug=demo.slug).first()
            if known is not None:
                if known.hosts.exists():
                    self.stdout.write(f"{demo.name}: there already")
                    continue
                put_aside(known)
            started = timezone.now()
            lender = enter_lender(demo)
            if demo is cast.SUMMIT:
                count = floor_plan.fill(lender, now=started, say=self.stdout.write)
            else:
                count = term_loans.fill(lender, demo, now=started, say=self.stdout.write)
            help_desk.fill(lender, demo, now=started)
            order_statements(lender, now=started)
            # Last: a filling that is cut short leaves no lender that anybody could reach.
            open_doors(lender, demo)
            yesterday = lender.business_date(started) - timedelta(days=1)
            close_day(lender_id=lender.pk, business_date=yesterday, now=started)
            seconds = (timezone.now() - started).total_seconds()
            self.stdout.write(f"{demo.name}: {count} accounts in {seconds:.0f} s")
