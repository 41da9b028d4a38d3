"""A dealership that may pay by card, and a card processor that answers over HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.tenancy import tenant
from payments.actions.methods import allow_cards
from payments.models import Payment
from payments.sandbox_bank import server as bank_server
from payments.sandbox_bank.book import Book
from payments.sandbox_bank.cards import CardBook
from payments.sandbox_bank.server import BankServer
from tests.cast import Cast
from tests.payments.cards.acts import SECRET, Processor
from tests.payments.staging import Stage, due, make_stage, pay


@pytest.fixture
def processor(tmp_path: Path) -> Iterator[Processor]:
    ahead = [0.0]
    bank = Book(tmp_path / "bank.json", settle_after=3600)
    cards = CardBook(tmp_path / "cards.json", settle_after=3600, clock=lambda: time.time() + ahead[0])
    server = BankServer(0, bank, settings.BANK_GATEWAY_SECRET, cards=cards, card_secret=SECRET)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    with override_settings(CARD_GATEWAY_URL=url, CARD_GATEWAY_SECRET=SECRET, BANK_GATEWAY_URL=url):
        yield Processor(cards, bank, url, ahead)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal waits half a second, the processor dawdles one."""
    monkeypatch.setattr("payments.gateways.exchange.TIMEOUT", (1.0, 0.5))
    monkeypatch.setattr(bank_server, "SILENT_SECONDS", 1.0)


@pytest.fixture
def stage(cast: Cast) -> Stage:
    """Alder Motors may pay by card."""
    with tenant(cast.lender.pk):
        made = make_stage(cast.lender, cast.dealership)
        made.method = allow_cards(dealership=cast.dealership, actor=cast.finance)
    return made


@pytest.fixture
def payment(cast: Cast, stage: Stage) -> Payment:
    with tenant(cast.lender.pk):
        return pay(stage, cast.owner, uuid4(), due(stage.first))
