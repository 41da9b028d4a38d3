"""Messages from the bank: forged, replayed, reordered, doubled, wrong."""

import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.utils import timezone

from accounts.models import AuditEntry
from accounts.tenancy import tenant
from finance.models import JournalEntry
from payments.actions.states import cancel_payment
from payments.models import GatewayEvent, Payment, PaymentStep
from payments.sandbox_bank.messages import signature
from payments.tasks import move_payment, process_gateway_event
from tests.cast import Cast, anonymous
from tests.payments.staging import Bank, Stage, due, pay, payoff, position, post_event

PATH = "/payments/gateway/bank-debit/events/"


def event(payment: Payment, kind: str, *, name: str = "", **changes: Any) -> bytes:
    """A message about the payment, true but for the changes."""
    debit = {
        "key": str(payment.public_id),
        "client": "summit",
        "reference": "SB1",
        "state": kind,
        "amount": str(payment.amount),
        "currency": "USD",
        "code": "R01" if kind == "returned" else "",
        "reason": "",
    } | changes
    return json.dumps({"id": name or f"evt_{kind}", "kind": f"debit.{kind}", "debit": debit}).encode()


def take_in(cast: Cast) -> list[str]:
    """Carry out every stored message in its order; the problems."""
    with tenant(cast.lender.pk):
        waiting = list(
            GatewayEvent.objects.filter(processed_at=None).order_by("pk").values_list("pk", flat=True)
        )
    return [process_gateway_event(cast.lender.pk, key) for key in waiting]


@pytest.fixture
def payment(cast: Cast, stage: Stage) -> Payment:
    with tenant(cast.lender.pk):
        return pay(stage, cast.owner, uuid4(), due(stage.first))


def state_of(cast: Cast, payment: Payment) -> str:
    with tenant(cast.lender.pk):
        return str(Payment.objects.get(pk=payment.pk).state)


def test_a_true_message_is_kept_answered_and_carried_out(cast: Cast, stage: Stage, payment: Payment) -> None:
    client = anonymous(cast.lender)
    assert post_event(client, PATH, event(payment, "settled")) == 202
    assert state_of(cast, payment) == "submitted"
    assert take_in(cast) == [""]
    assert state_of(cast, payment) == "settled"
    with tenant(cast.lender.pk):
        assert position(stage.first).fees == 0


def test_forged_messages_are_refused_and_leave_nothing(cast: Cast, payment: Payment) -> None:
    client = anonymous(cast.lender)
    body = event(payment, "settled")
    now = int(time.time())
    true = signature(settings.BANK_GATEWAY_SECRET, now, body)
    for header in (
        "",
        "t=,v1=",
        "nonsense",
        signature("another secret", now, body),
        signature(settings.BANK_GATEWAY_SECRET, now - 301, body),
        # Far enough ahead to be so when it arrives, too.
        signature(settings.BANK_GATEWAY_SECRET, now + 400, body),
        true.replace(f"t={now}", f"t={now + 1}"),
        true + ",v1=" + "0" * 64,
        signature(settings.BANK_GATEWAY_SECRET, now, body + b" "),
    ):
        assert post_event(client, PATH, body, header=header) == 401
    with override_settings(BANK_GATEWAY_SECRET=""):
        assert post_event(client, PATH, body, header=signature("", now, body)) == 401
    assert client.get(PATH).status_code == 405
    assert post_event(client, "/payments/gateway/another/events/", body) == 404
    with tenant(cast.lender.pk):
        assert GatewayEvent.objects.count() == 0
    assert state_of(cast, payment) == "submitted"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b'{"id": 1, "kind": "debit.settled"}',
        b'{"id": "", "kind": "debit.settled"}',
        b'{"id": "e", "kind": "debit.settled", "debit": NaN}',
        b'{"id": "e", "kind": "debit.settled", "debit": "\\u0000"}',
        b'{"id": "' + b"x" * 81 + b'", "kind": "debit.settled"}',
        b'{"id": "e", "kind": "debit.settled", "debit": 1e999}',
        b'{"id": "e", "kind": "debit.settled", "debit": -1e999}',
        b'{"id": "e", "kind": "debit.settled", "debit": "\\ud800"}',
        b'{"id": "e", "kind": "debit.settled", "debit": ' + b"9" * 5000 + b"}",
        b"[" * 5000,
        b"\xff\xfe",
    ],
)
def test_signed_nonsense_is_refused_in_words(cast: Cast, db: None, body: bytes) -> None:
    assert post_event(anonymous(cast.lender), PATH, body) == 400
    assert post_event(anonymous(cast.lender), PATH, b"x" * 70_000) == 413


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": "80.01"}, "The bank says 80.01 USD"),
        ({"amount": "0.80"}, "The bank says 0.80 USD"),
        ({"currency": "EUR"}, "The bank says 80.00 EUR"),
        ({"client": "coast"}, "No payment of this lender"),
        ({"key": str(uuid4())}, "No payment of this lender"),
        ({"key": "no key"}, "cannot be read"),
        ({"amount": "much"}, "cannot be read"),
        ({"amount": "NaN"}, "The bank says NaN"),
        ({"amount": None}, "cannot be read"),
        ({"amount": "1e999999"}, "The bank says 1E+999999"),
        ({"amount": ["80.00"]}, "cannot be read"),
        ({"amount": "sNaN"}, "cannot be read"),
        ({"code": "R01\n\x1b[31m"}, "cannot be read"),
        ({"reference": "SB\x7f"}, "cannot be read"),
    ],
)
def test_a_message_that_does_not_fit_is_kept_with_its_problem_and_not_booked(
    cast: Cast, payment: Payment, changes: dict[str, Any], words: str
) -> None:
    assert post_event(anonymous(cast.lender), PATH, event(payment, "settled", **changes)) == 202
    problems = take_in(cast)
    assert words in problems[0]
    with tenant(cast.lender.pk):
        assert GatewayEvent.objects.get().processed_at is not None
        assert JournalEntry.objects.filter(source="payment").count() == 0
    assert state_of(cast, payment) == "submitted"


def test_a_wrong_amount_is_in_the_trail(cast: Cast, payment: Payment) -> None:
    post_event(anonymous(cast.lender), PATH, event(payment, "settled", amount="1.00"))
    take_in(cast)
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.get(code="payment.event-refused").details["said"] == "1.00 USD"


def test_another_lenders_message_moves_nothing(cast: Cast, payment: Payment) -> None:
    body = event(payment, "settled")
    assert post_event(anonymous(cast.other_lender), PATH, body) == 202
    with tenant(cast.other_lender.pk):
        stored = GatewayEvent.objects.get()
    assert "No payment" in process_gateway_event(cast.other_lender.pk, stored.pk)
    with tenant(cast.lender.pk):
        assert GatewayEvent.objects.count() == 0
    assert state_of(cast, payment) == "submitted"


def test_a_replayed_or_doubled_message_counts_once(cast: Cast, payment: Payment) -> None:
    client = anonymous(cast.lender)
    body = event(payment, "settled")
    assert [post_event(client, PATH, body) for _time in range(3)] == [202, 202, 202]
    assert take_in(cast) == [""]
    assert post_event(client, PATH, event(payment, "settled", name="evt_again")) == 202
    assert take_in(cast) == [""]
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 1
        assert [row.state for row in PaymentStep.objects.all()] == ["submitted", "processing", "settled"]


@pytest.mark.parametrize(
    "order",
    [
        ["accepted", "settled", "returned"],
        ["returned", "settled", "accepted"],
        ["settled", "returned", "accepted"],
    ],
)
def test_any_order_of_messages_ends_in_the_same_state_and_balance(
    cast: Cast, stage: Stage, payment: Payment, order: list[str]
) -> None:
    client = anonymous(cast.lender)
    for kind in order:
        assert post_event(client, PATH, event(payment, kind)) == 202
        take_in(cast)
    assert state_of(cast, payment) == "returned"
    with tenant(cast.lender.pk):
        assert position(stage.first).fees == Decimal("105.00")
        assert position(stage.first).principal == Decimal("20000.00")
        assert owed_twice() == []


def owed_twice() -> list[int]:
    """Payments with more than one posting."""
    keys = list(JournalEntry.objects.filter(source="payment").values_list("key", flat=True))
    return [key for key in keys if keys.count(key) > 1]


def test_a_cancelled_payment_that_the_bank_settles_is_a_matter_for_people(
    cast: Cast, payment: Payment
) -> None:
    with tenant(cast.lender.pk):
        cancel_payment(payment=payment, actor=cast.owner, now=timezone.now())
    post_event(anonymous(cast.lender), PATH, event(payment, "settled"))
    assert take_in(cast) == ["The payment is cancelled; the bank says settled."]
    assert state_of(cast, payment) == "cancelled"


def test_a_signed_in_browser_posts_a_message_no_differently(
    cast: Cast, payment: Payment, client_of: Callable[..., Client]
) -> None:
    assert post_event(client_of(cast.owner), PATH, event(payment, "settled")) == 202
    assert take_in(cast) == [""]


def test_the_banks_own_messages_arrive_over_http_and_settle(
    cast: Cast, stage: Stage, bank: Bank, client_of: Callable[..., Client]
) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second))
    assert move_payment(cast.lender.pk, payment.pk) == "processing"
    bank.book.settle(str(payment.public_id))
    bank.book.send_back(str(payment.public_id), "not authorised")
    assert bank.deliver(anonymous(cast.lender)) == [202, 202]
    assert take_in(cast) == ["", ""]
    with tenant(cast.lender.pk):
        payment.refresh_from_db()
        assert (payment.state, payment.return_code) == ("returned", "R10")
        assert position(stage.second).principal == Decimal("12000.00")
