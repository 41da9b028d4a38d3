"""Run the sandbox bank."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from payments.sandbox_bank.book import Book
from payments.sandbox_bank.cards import CardBook
from payments.sandbox_bank.server import BankServer


class Command(BaseCommand):
    help = (
        "Run a bank and a card processor that move no money, with pages of their own, for the demo and tests."
    )
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8010)
        parser.add_argument("--settle-after", type=float, default=20.0, help="seconds until a debit settles")
        parser.add_argument("--book", type=Path, help="the file that keeps what the bank knows")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("The sandbox bank runs in the demo only.")
        path = options["book"] or Path(settings.DATA_DIR) / "sandbox-bank.json"
        book = Book(path, settle_after=options["settle_after"])
        cards = CardBook(path.with_name(f"{path.stem}-cards.json"), settle_after=options["settle_after"])
        try:
            server = BankServer(
                options["port"],
                book,
                settings.BANK_GATEWAY_SECRET,
                cards=cards,
                card_secret=settings.CARD_GATEWAY_SECRET,
            )
        except OSError as problem:
            raise CommandError(
                f"The sandbox bank cannot listen on port {options['port']}: {problem}"
            ) from problem
        server.start_clock()
        self.stdout.write(f"Sandbox bank: http://127.0.0.1:{server.server_port}/ (Ctrl-C stops it)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            pass
        finally:
            server.server_close()
