"""Paying by card with a real browser: out to the processor's page by a link, and back to the receipt by itself."""

import re
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings
from playwright.sync_api import expect

from accounts.tenancy import tenant
from payments.actions.methods import allow_cards
from payments.models import Payment
from payments.sandbox_bank.book import Book
from payments.sandbox_bank.cards import CardBook
from payments.sandbox_bank.server import BankServer
from payments.tasks import move_payment
from tests.browser.conftest import Visitor
from tests.cast import Cast
from tests.payments.staging import make_stage

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sound(visitor: Visitor, name: str) -> None:
    visitor.picture(name)
    assert visitor.barriers() == []
    assert not visitor.overflows()
    assert visitor.complaints == []


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "phone"])
def test_a_card_is_entered_at_the_processor_and_the_receipt_is_met_again(
    cast: Cast, visitor_of: Callable[..., Visitor], live_server: Any, tmp_path: Path, narrow: bool
) -> None:
    size = "phone" if narrow else "wide"
    with tenant(cast.lender.pk):
        make_stage(cast.lender, cast.dealership)
        allow_cards(dealership=cast.dealership, actor=cast.finance)
    cards = CardBook(tmp_path / "cards.json", settle_after=3600)
    server = BankServer(
        0,
        Book(tmp_path / "bank.json", settle_after=3600),
        settings.BANK_GATEWAY_SECRET,
        cards=cards,
        card_secret=settings.CARD_GATEWAY_SECRET,
    )
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    visitor = visitor_of(cast.owner, narrow=narrow)
    port = live_server.url.rsplit(":", 1)[1]
    with override_settings(
        CARD_GATEWAY_URL=f"http://127.0.0.1:{server.server_port}", PUBLIC_SCHEME="http", PUBLIC_PORT=port
    ):
        page = visitor.open("/payments/new/?due=all")
        page.get_by_role("radio", name="Card on the processor's page").check()
        page.get_by_role("button", name=re.compile("^Check")).click()
        page.get_by_role("heading", name="Check your payment").wait_for()
        sound(visitor, f"card-check-{size}")
        page.get_by_role("button", name="Continue to card page – $80.00").click()
        page.get_by_text("We are asking the card processor for its page").wait_for()
        sound(visitor, f"card-opening-{size}")
        with tenant(cast.lender.pk):
            payment = Payment.objects.get()
        assert move_payment(cast.lender.pk, payment.pk) == "submitted"
        # The receipt finds the link by itself.
        link = page.get_by_role("link", name="Continue to card page – $80.00")
        link.wait_for()
        sound(visitor, f"card-open-{size}")
        link.click()
        page.get_by_label("Card number").fill("4242 4242 4242 4242")
        page.get_by_label("Valid until").fill("12/40")
        page.get_by_label("Security code").fill("123")
        sound(visitor, f"card-processor-{size}")
        page.get_by_role("button", name="Pay 80.00 USD").click()
        page.get_by_role("link", name="Back to summit").wait_for()
        # Back by itself, still signed in.
        page.wait_for_url(f"**/payments/{payment.public_id}/")
        cards.settle(str(payment.public_id))
        with tenant(cast.lender.pk):
            Payment.objects.update(next_step_at=payment.submitted_at)
        assert move_payment(cast.lender.pk, payment.pk) == "settled"
        expect(page.get_by_text("Card ending in 4242")).to_be_visible()
        sound(visitor, f"card-settled-{size}")
    server.shutdown()
    server.server_close()
    thread.join()
