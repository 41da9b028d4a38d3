"""Redis away: people sign in, ask and read as before; what was ordered waits in its row."""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.test import Client
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from accounts.tenancy import tenant
from payments.models import Payment, PaymentReceipt
from tests.cast import PASSWORD, Cast, anonymous
from tests.payments.staging import make_stage

pytestmark = pytest.mark.django_db
NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def redis_is_away(settings: Any) -> Iterator[None]:
    """Neither the cache nor the broker answers."""
    settings.REDIS_URL = NOWHERE
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": NOWHERE}}
    kept = current_app.conf.broker_url
    point_broker_at(NOWHERE)
    yield
    point_broker_at(kept)


def point_broker_at(url: str) -> None:
    """A pool keeps the address it was made with, so the next hint makes a new one."""
    current_app.conf.update(broker_url=url)
    app = current_app._get_current_object()
    app._pool = app.amqp._producer_pool = None


def test_signing_in_works_without_redis(
    cast: Cast, redis_is_away: None, django_capture_on_commit_callbacks: Any
) -> None:
    began = time.monotonic()
    browser = anonymous(cast.lender)
    assert browser.get("/account/sign-in/").status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post("/account/sign-in/", {"login": "owen", "password": PASSWORD})
    assert answer.status_code == 302
    assert browser.get(answer["Location"]).status_code == 200
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.get(user=cast.owner)
    assert message.state == OutgoingMessage.State.WAITING
    assert time.monotonic() - began < 20


def test_a_ticket_is_opened_without_redis(
    cast: Cast,
    client_of: Callable[[User], Client],
    redis_is_away: None,
    django_capture_on_commit_callbacks: Any,
) -> None:
    browser = client_of(cast.owner)
    with django_capture_on_commit_callbacks(execute=True):
        answer = browser.post(
            "/support/tickets/new/",
            {"topic": "other", "subject": "Anybody there", "message": "A question.", "token": str(uuid4())},
        )
    assert answer.status_code == 302, answer.content.decode()[:2000]
    with tenant(cast.lender.pk):
        states = set(OutgoingMessage.objects.values_list("state", flat=True))
    assert states == {OutgoingMessage.State.WAITING}


@pytest.mark.parametrize("path", ["/", "/units/", "/payments/", "/statements/", "/support/tickets/"])
def test_pages_are_read_without_redis(
    cast: Cast, client_of: Callable[[User], Client], redis_is_away: None, path: str
) -> None:
    assert client_of(cast.owner).get(path).status_code == 200


def test_a_payment_is_sent_without_redis_and_its_receipt_waits_in_its_row(
    cast: Cast,
    client_of: Callable[[User], Client],
    redis_is_away: None,
    django_capture_on_commit_callbacks: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership)
    browser = client_of(cast.owner)
    picked = stage.first.public_id
    began = time.monotonic()
    with django_capture_on_commit_callbacks(execute=True):
        checked = browser.post(
            "/payments/new/",
            {"account": str(picked), f"way_{picked.hex}": "due", "method": str(stage.method.public_id)},
        )
        html = browser.get(checked["Location"]).content.decode()
        fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', html))
        answer = browser.post("/payments/submit/", fields)
    assert answer.status_code == 302
    assert "The money is on its way" in browser.get(answer["Location"]).content.decode()
    assert time.monotonic() - began < 20
    assert "The broker did not take the hint; the sweep will" in caplog.text
    with tenant(cast.lender.pk):
        payment = Payment.objects.get()
        message = OutgoingMessage.objects.get(template="payment-receipt")
        printed = PaymentReceipt.objects.get()
    assert (payment.state, message.state, printed.state) == ("submitted", "waiting", "waiting")
    # What the sweep looks for when the broker is back.
    assert payment.next_step_at <= timezone.now()
    assert printed.next_attempt_at <= timezone.now()
