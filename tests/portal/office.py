"""What tests of the finance office start from: a lender with something in every table, and ways to ask for pages."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.contrib import admin
from django.db.models import Model
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.actions.outbox import order_message
from accounts.audit import record
from accounts.models import OutgoingMessage
from accounts.tenancy import tenant
from finance.models import CreditLine, DayStep, Statement, StatementBatch
from payments.models import GatewayEvent, Payment
from support.models import Announcement
from tests.cast import Cast
from tests.finance.stock import Stock, add_loans, fill, open_stock, today_of
from tests.payments.staging import make_method


@dataclass
class Office:
    """Summit's books with Alder's stock, and Fiona's browser."""

    cast: Cast
    stock: Stock
    client: Client

    def __post_init__(self) -> None:
        self.lender = self.cast.lender

    def get(self, name: str, /, *args: object, **query: object) -> Any:
        """A page of the office by the name of its address."""
        return self.client.get(reverse(f"admin:{name}", args=args), query)

    def post(self, name: str, /, *args: object, **data: object) -> Any:
        """Send a form of the office."""
        return self.client.post(reverse(f"admin:{name}", args=args), data)


def make_payment(office_cast: Cast, stock: Stock, unit: Any, state: str = Payment.State.SUBMITTED) -> Payment:
    """A payment of 500 as a row, in a state that nothing has been posted for."""
    method = make_method(stock.dealership)
    now = timezone.now()
    number = f"P-{Payment.objects.count() + 500001}"
    payment = Payment.objects.create(
        token=uuid4(),
        number=number,
        dealership=stock.dealership,
        method=method,
        currency="USD",
        amount="500.00",
        state=state,
        value_date=stock.today,
        expected_on=stock.today + timedelta(days=1),
        made_by=office_cast.owner,
        made_by_name="Owen",
        submitted_at=now,
        gateway="bank_debit",
        next_step_at=now + timedelta(days=1),
    )
    payment.shares.create(
        dealership=stock.dealership,
        account_id=unit.pk,
        purpose="amount",
        amount="500.00",
        principal="500.00",
        interest="0",
        fees="0",
    )
    payment.steps.create(dealership=stock.dealership, state=state)
    return payment


def furnish(cast: Cast) -> Stock:
    """Something in every table of the office, inside the first lender."""
    with tenant(cast.lender.pk):
        stock = open_stock(cast.dealership, today_of(cast.lender))
        fill(stock, seed=7, units=6)
        add_loans(stock, seed=3)
        make_payment(cast, stock, stock.units[0], Payment.State.CHECKING)
        DayStep.objects.create(
            business_date=stock.today - timedelta(days=1),
            step=DayStep.Step.PROOF,
            state=DayStep.State.FAILED,
            failed=1,
            failures=[{"account": stock.units[0].pk, "number": "U-1", "reason": "A cent is missing."}],
        )
        batch = StatementBatch.objects.create(
            period_start=stock.today.replace(day=1),
            period_end=stock.today,
            state=StatementBatch.State.FAILED,
            total=1,
        )
        Statement.objects.create(
            dealership=cast.dealership,
            batch=batch,
            number="S-1",
            period_start=stock.today.replace(day=1),
            period_end=stock.today,
            state=Statement.State.FAILED,
            failure="The books do not add up.",
        )
        Announcement.objects.create(
            title="Closed on Friday", body="We are closed.", shown_from=stock.today, shown_until=stock.today
        )
        given_up = order_message(
            key="office-test",
            template="security-notice",
            recipient="owen@people.example",
            context={"event": "x"},
        )
        OutgoingMessage.objects.filter(pk=given_up.pk).update(state=OutgoingMessage.State.FAILED, attempts=9)
        GatewayEvent.objects.create(
            gateway="bank-debit",
            event_id="evt_1",
            kind="debit.settled",
            payload={"debit": {"key": "x", "amount": "500.01", "currency": "USD"}},
            processed_at=timezone.now(),
            problem="The bank says 500.01 USD, the payment is 500.00 USD.",
        )
        record("test.act", actor=cast.finance, subject="test", dealership=cast.dealership)
    return stock


def offices() -> Iterator[tuple[type[Model], Any]]:
    """Every table of the office with the class that shows it."""
    yield from admin.site._registry.items()


def text_of(response: Any) -> str:
    """A page's words, without markup and with single blanks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", response.content.decode()))


def token_of(response: Any) -> str:
    """The token of the form on a page."""
    found = re.search(r'name="token" value="([0-9a-f-]{36})"', response.content.decode())
    assert found, response.content.decode()[:2000]
    return found[1]


def line_of(stock: Stock) -> CreditLine:
    """The stock's line, as it is now."""
    return CreditLine.objects.get(pk=stock.line.pk)
