"""A worker killed between sending to the bank and its answer loses nothing and doubles nothing.

Worker and bank are processes of their own; the worker dies by SIGKILL while it waits for the bank.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis
from celery import Celery
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from accounts.models import OutgoingMessage
from accounts.tenancy import tenant
from finance.models import JournalEntry
from payments.models import Payment, PaymentStep
from tests.cast import Cast, make_cast
from tests.payments.staging import due, make_stage, pay, position
from tests.processes import killed, started, waited_for, worker_process

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

# A broker database that nothing else uses, emptied first.
BROKER_DATABASE = 13


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@contextmanager
def bank_process(folder: Path) -> Iterator[tuple[str, Callable[[], list[dict[str, Any]]]]]:
    """The sandbox bank as `manage.py` runs it: its address, and a look into its book."""
    book, log = folder / "book.json", folder / "bank.log"
    process = started(
        ["manage.py", "run_sandbox_bank", "--port", "0", "--settle-after", "1", "--book", str(book)],
        log,
        PYTHONUNBUFFERED="1",
    )

    def debits() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(book.read_text())["debits"] if book.exists() else []
        return found

    try:
        url = waited_for(lambda: re.search(r"http://127\.0\.0\.1:[0-9]+", log.read_text()))[0]
        yield url, debits
    finally:
        killed(process)


# The first takes the debit and never answers, the second takes its time.
@pytest.mark.parametrize("account_number", ["000000000300", "000000000600"])
def test_a_worker_killed_while_the_bank_is_silent_loses_and_doubles_nothing(
    cast: Cast, tmp_path: Path, account_number: str
) -> None:
    broker = re.sub(r"/[0-9]+$", f"/{BROKER_DATABASE}", settings.REDIS_URL)
    with redis.Redis.from_url(broker) as store:
        store.flushdb()
    queue = Celery(broker=broker)
    with bank_process(tmp_path) as (bank_url, debits), override_settings(BANK_GATEWAY_URL=bank_url):
        with tenant(cast.lender.pk):
            stage = make_stage(cast.lender, cast.dealership, account_number=account_number)
            payment = pay(stage, cast.owner, uuid4(), due(stage.first))

        def now(what: str) -> Any:
            with tenant(cast.lender.pk):
                return getattr(Payment.objects.get(pk=payment.pk), what)

        def time_passes() -> None:
            with tenant(cast.lender.pk):
                Payment.objects.filter(pk=payment.pk).update(
                    next_step_at=timezone.now() - timedelta(seconds=1)
                )

        with worker_process(tmp_path, broker, BANK_GATEWAY_URL=bank_url) as worker:
            queue.send_task("payments.tasks.move_payment", args=[cast.lender.pk, payment.pk])
            waited_for(debits)
            killed(worker)
        assert now("state") == "submitted"
        assert now("sending_since") is not None

        waited_for(lambda: debits()[0]["state"] == "settled")
        with worker_process(tmp_path, broker, BANK_GATEWAY_URL=bank_url):
            # Its claim has not run out: the sweep leaves it alone. Then it has.
            queue.send_task("payments.tasks.sweep_payments")
            time_passes()
            queue.send_task("payments.tasks.sweep_payments")
            waited_for(lambda: now("state") == "settled")

        assert [debit["number"] for debit in debits()] == [payment.number]
        with tenant(cast.lender.pk):
            assert [step.state for step in PaymentStep.objects.all()] == [
                *("submitted", "checking", "processing", "settled"),
            ]
            assert JournalEntry.objects.filter(source="payment").count() == 1
            assert OutgoingMessage.objects.filter(template="payment-receipt").count() == 1
            assert position(stage.first).fees == 0
    queue.close()
