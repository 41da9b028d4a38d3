"""`manage.py demo_info`: where the demo is and who can sign in."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from portal.demo.cast import LENDERS


class Command(BaseCommand):
    help = "Print the demo's addresses and logins; --json for programs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("There is no demo under these settings.")
        facts = [_facts(lender) for lender in LENDERS]
        if options["json"]:
            self.stdout.write(json.dumps({"lenders": facts, "bank": settings.BANK_GATEWAY_URL}, indent=2))
            return
        for lender in facts:
            self.stdout.write(f"\n{lender['name']}  {lender['address']}  ({lender['currency']})")
            for person in lender["people"]:
                self.stdout.write(f"  {person['username']:<10} {person['password']:<24} {person['does']}")
        self.stdout.write(f"\nSandbox bank  {settings.BANK_GATEWAY_URL}")
        self.stdout.write(
            "The code asked after the password lands in the mailbox linked from every sign-in page."
        )


def _facts(lender: Any) -> dict[str, Any]:
    port = f":{settings.PUBLIC_PORT}" if settings.PUBLIC_PORT else ""
    address = f"{settings.PUBLIC_SCHEME}://{lender.host}{port}/"
    names = {site.number: site.name for site in lender.sites}
    return {
        "slug": lender.slug,
        "name": lender.name,
        "address": address,
        "mailbox": f"{address}demo/mailbox/",
        "currency": lender.currency,
        "people": [
            {
                "username": person.username,
                "customer_number": person.customer_number,
                "password": person.password,
                "kind": str(person.kind),
                "role": str(person.role),
                "dealership": names.get(person.dealership, ""),
                "does": f"{person.role or person.kind}"
                + (f" of {names[person.dealership]}" if person.dealership else ""),
            }
            for person in lender.people
        ],
    }
