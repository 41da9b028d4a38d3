"""The processor's messages: forged, foreign, out of order and twice."""

import time
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.tenancy import tenant
from finance.models import JournalEntry
from payments.models import GatewayEvent, Payment
from payments.sandbox_bank.messages import signature
from payments.tasks import process_gateway_event
from tests.cast import Cast, anonymous
from tests.payments.cards.acts import SECRET, event, fees, fresh, post, take_in
from tests.payments.staging import Stage


def test_forged_messages_are_refused_and_leave_nothing(cast: Cast, payment: Payment) -> None:
    client = anonymous(cast.lender)
    body = event(payment, "settled")
    now = int(time.time())
    for header in (
        "",
        "nonsense",
        signature("another secret", now, body),
        # The bank's secret signs nothing here.
        signature(settings.BANK_GATEWAY_SECRET, now, body),
        signature(SECRET, now - 301, body),
        signature(SECRET, now, body + b" "),
    ):
        assert post(client, body, header=header) == 401
    with override_settings(CARD_GATEWAY_SECRET=""):
        assert post(client, body, header=signature("", now, body)) == 401
    with override_settings(CARD_GATEWAY_URL=""):
        assert post(client, body) == 404
    with tenant(cast.lender.pk):
        assert GatewayEvent.objects.count() == 0
    assert fresh(cast, payment).state == "submitted"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": "0.80"}, "The bank says 0.80 USD"),
        ({"currency": "EUR"}, "The bank says 80.00 EUR"),
        ({"client": "coast"}, "No payment of this lender"),
        ({"key": str(uuid4())}, "No payment of this lender"),
        ({"key": "no key"}, "cannot be read"),
    ],
)
def test_a_message_that_does_not_fit_books_nothing(
    cast: Cast, stage: Stage, payment: Payment, changes: dict[str, Any], words: str
) -> None:
    assert post(anonymous(cast.lender), event(payment, "settled", **changes)) == 202
    assert words in take_in(cast)[0]
    assert fresh(cast, payment).state == "submitted"
    assert fees(cast, stage) == Decimal("80.00")


def test_another_lenders_and_the_banks_messages_move_no_card_payment(cast: Cast, payment: Payment) -> None:
    assert post(anonymous(cast.other_lender), event(payment, "settled")) == 202
    with tenant(cast.other_lender.pk):
        stored = GatewayEvent.objects.get()
    assert "No payment" in process_gateway_event(cast.other_lender.pk, stored.pk)
    body = event(payment, "settled")
    header = signature(settings.BANK_GATEWAY_SECRET, int(time.time()), body)
    bank = "/payments/gateway/bank-debit/events/"
    assert post(anonymous(cast.lender), body, header=header, path=bank) == 202
    assert "No payment" in take_in(cast)[0]
    assert fresh(cast, payment).state == "submitted"


def test_messages_in_any_order_and_twice_count_once(cast: Cast, stage: Stage, payment: Payment) -> None:
    client = anonymous(cast.lender)
    for kind in ("settled", "accepted", "settled"):
        assert post(client, event(payment, kind, name=f"evt_{kind}_{uuid4().hex[:6]}")) == 202
        assert take_in(cast) == [""]
    assert fresh(cast, payment).state == "settled"
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 1


@pytest.mark.parametrize("four", ["42424242", "abcd", "", "٤٢٤٢"])
def test_what_is_no_last_four_is_not_kept(cast: Cast, payment: Payment, four: str) -> None:
    post(anonymous(cast.lender), event(payment, "accepted", last_four=four))
    take_in(cast)
    assert fresh(cast, payment).card_last_four == ""
