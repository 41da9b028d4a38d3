"""The gateway's care with addresses, and the sandbox's card page."""

from decimal import Decimal
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import override_settings

from payments.gateways.card_page import CardPageGateway
from payments.models import Payment
from payments.queries.debits import Answer, Outcome
from payments.sandbox_bank.cards import CardBook
from tests.cast import Cast
from tests.payments.cards.acts import GOOD, SECRET, Processor, fresh, step


@pytest.mark.parametrize(
    "page",
    [
        "",
        "javascript:alert(1)",
        "http://elsewhere.example/pay",
        "//elsewhere.example/pay",
        "https:///pay",
        "https://pay.example/" + "x" * 500,
        "https://pay.example/\u202e",
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_safe(page: str) -> None:
    gateway = CardPageGateway("https://api.example", SECRET)
    said = {"state": "open", "page": page, "reference": "x", "amount": "1.00", "currency": "USD"}
    with pytest.raises(ValueError, match="no address"):
        gateway.read(said)


def test_a_page_over_tls_may_be_at_another_host() -> None:
    gateway = CardPageGateway("https://api.example", SECRET)
    said = {
        "state": "open",
        "page": "https://pay.example/s/1",
        "reference": "x",
        "amount": "1.00",
        "currency": "USD",
    }
    assert gateway.read(said) == Answer(
        Outcome.OPENED, reference="x", amount=Decimal("1.00"), currency="USD", page="https://pay.example/s/1"
    )


def test_the_sandbox_page_asks_again_for_what_cannot_be_a_card(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    page = fresh(cast, payment).processor_page
    for typed in (
        {"number": "4242424242424241"},
        {"number": "1"},
        {"expiry": "01/20"},
        {"expiry": "13/40"},
        {"expiry": "soon"},
        {"code": "12"},
    ):
        status, html = processor.enter(page, **typed)
        assert status == 422
        assert 'role="alert"' in html
        assert "4242424242424241" not in html
    assert processor.session(payment).state == "open"
    assert processor.enter(page, number=GOOD)[0] == 200
    assert processor.browse(f"{processor.url}/cards/nobody")[0] == 404
    assert processor.enter(f"{processor.url}/cards/nobody")[0] == 409
    assert processor.enter(f"{processor.url}/cards/nobody", "1")[0] == 404
    assert "····4242" in processor.browse(f"{processor.url}/cards/")[1]
    assert processor.browse(page, {"number": GOOD}, **{"Sec-Fetch-Site": "cross-site"})[0] == 403


def test_the_sandbox_keeps_its_sessions_and_asks_for_the_card_secret(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    again = CardBook(processor.cards.path, settle_after=5)
    assert again.sessions.keys() == processor.cards.sessions.keys()
    with_bank_secret = CardPageGateway(processor.url, settings.BANK_GATEWAY_SECRET)
    assert with_bank_secret.look_up(payment.public_id).outcome == Outcome.UNCLEAR
    gateway = CardPageGateway(processor.url, SECRET)
    assert gateway.look_up(payment.public_id).outcome == Outcome.OPENED
    assert gateway.look_up(uuid4()).outcome == Outcome.NOT_FOUND


def test_the_command_runs_bank_and_card_processor_in_the_demo_only() -> None:
    from django.core.management.base import CommandError

    with override_settings(DEMO=False), pytest.raises(CommandError):
        call_command("run_sandbox_bank")
