"""What the tests of cards do: a processor in a thread, its messages, a worker's steps."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.test import Client
from django.utils import timezone

from accounts.models import User
from accounts.tenancy import tenant
from payments.models import GatewayEvent, Payment, PaymentStep
from payments.sandbox_bank.book import Book
from payments.sandbox_bank.cards import CardBook
from payments.sandbox_bank.messages import signature
from payments.tasks import move_payment, process_gateway_event
from tests.cast import Cast
from tests.payments.staging import Stage, position

PATH = "/payments/gateway/card-page/events/"
SECRET = "demo-card-secret"
GOOD = "4242 4242 4242 4242"
ClientOf = Callable[[User], Client]


@dataclass
class Processor:
    """The sandbox's card processor in a thread; its clock of sessions can be turned forward."""

    cards: CardBook
    bank: Book
    url: str
    ahead: list[float]

    def session(self, payment: Payment) -> Any:
        return self.cards.sessions[str(payment.public_id)]

    def browse(self, address: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """A page as the payer's browser asks for it."""
        body = None if fields is None else urllib.parse.urlencode(fields).encode()
        try:
            with urllib.request.urlopen(
                urllib.request.Request(address, data=body, headers=headers), timeout=10
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def enter(
        self, page: str, number: str = GOOD, expiry: str = "12/40", code: str = "123"
    ) -> tuple[int, str]:
        """Type a card into the processor's page."""
        return self.browse(page, {"number": number, "expiry": expiry, "security_code": code})


def step(cast: Cast, payment: Payment) -> str:
    """One step of the worker, as if its time had come."""
    with tenant(cast.lender.pk):
        Payment.objects.filter(pk=payment.pk).update(next_step_at=timezone.now() - timedelta(seconds=1))
    return str(move_payment(cast.lender.pk, payment.pk))


def fresh(cast: Cast, payment: Payment) -> Payment:
    with tenant(cast.lender.pk):
        return Payment.objects.select_related("method").get(pk=payment.pk)


def states(cast: Cast, payment: Payment) -> list[str]:
    with tenant(cast.lender.pk):
        return [row.state for row in PaymentStep.objects.filter(payment=payment)]


def fees(cast: Cast, stage: Stage) -> Decimal:
    with tenant(cast.lender.pk):
        return Decimal(position(stage.first).fees)


def began(cast: Cast, payment: Payment, ago: timedelta) -> None:
    """As if it had been submitted earlier. The database lets this field alone for tests as for staff."""
    with tenant(cast.lender.pk):
        Payment.objects.filter(pk=payment.pk).update(submitted_at=timezone.now() - ago)


def deliver(processor: Processor, client: Client) -> list[int]:
    """Hand every message that the processor owes to the portal."""
    answers = []
    for message in processor.cards.due_messages():
        answers.append(post(client, message.body.encode()))
        processor.cards.note_attempt(message, delivered=True)
    return answers


def post(client: Client, body: bytes, *, header: str | None = None, path: str = PATH) -> int:
    signed = header if header is not None else signature(SECRET, int(time.time()), body)
    answer = client.post(path, data=body, content_type="application/json", headers={"Bank-Signature": signed})
    return answer.status_code


def take_in(cast: Cast) -> list[str]:
    with tenant(cast.lender.pk):
        waiting = list(
            GatewayEvent.objects.filter(processed_at=None).order_by("pk").values_list("pk", flat=True)
        )
    return [process_gateway_event(cast.lender.pk, key) for key in waiting]


def event(payment: Payment, kind: str, *, name: str = "", **changes: Any) -> bytes:
    session = {
        "key": str(payment.public_id),
        "client": "summit",
        "reference": "SC1",
        "amount": str(payment.amount),
        "currency": "USD",
        "code": "",
        "last_four": "4242",
    } | changes
    return json.dumps({"id": name or f"evt_{kind}", "kind": f"session.{kind}", "session": session}).encode()
