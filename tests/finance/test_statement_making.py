"""Statements as jobs: ordered once, made once, whatever dies or is asked for again."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection, transaction
from django.test import override_settings
from django.utils import timezone

from accounts.emails import write_mail
from accounts.models import AuditEntry, Dealership, OutgoingMessage
from accounts.tenancy import tenant
from finance.actions.billing import bill_interest
from finance.actions.days import close_day
from finance.actions.receipts import payoff_split
from finance.actions.refusals import RefusedError
from finance.actions.statements import (
    LEASE,
    RETRIES,
    assemble_statement,
    claim_statement,
    order_month_statements,
    order_statement,
    order_statement_batch,
    retry_batch,
    retry_statement,
    store_statement,
)
from finance.models import Statement, StatementBatch
from finance.pdf import statement_pdf
from finance.queries.statements.kept import from_json
from finance.queries.statements.listing import dealerships_of_month, progress_of
from finance.tasks import statements as tasks
from finance.tasks.statements import produce_statement, sweep_statement_batches
from tests.cast import Cast
from tests.finance.books import D, make_line
from tests.finance.march import APRIL, FEBRUARY, MARCH, advance, march, order, pay

pytestmark = pytest.mark.django_db

State = Statement.State
FIRST_OF_APRIL = date(2025, 4, 1)


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> Any:
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        yield tmp_path


@pytest.fixture
def quick_pdf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the picture on the paper does not matter."""
    monkeypatch.setattr(tasks, "statement_pdf", lambda content, *, lender: content.number.encode())


def stored(files: Path) -> list[Path]:
    return [path for path in files.rglob("*") if path.is_file()]


def state_of(statement: Statement) -> str:
    statement.refresh_from_db()
    return statement.state


# --- one statement ----------------------------------------------------------------------------------------------------


def test_a_month_ordered_twice_is_one_statement(inside: Cast) -> None:
    march(inside.dealership)
    first, second = order(inside.dealership), order(inside.dealership)
    assert first == second
    assert first.state == State.WAITING
    assert AuditEntry.objects.filter(code="statement.ordered").count() == 1
    assert order(inside.stranger_dealership).number == "S-100002"


@pytest.mark.parametrize(
    ("period_end", "reason"),
    [(date(2025, 4, 30), "not over yet"), (date(2025, 3, 30), "calendar month")],
)
def test_a_month_that_is_not_over_or_not_whole_is_refused(
    inside: Cast, period_end: date, reason: str
) -> None:
    march(inside.dealership)
    with pytest.raises(RefusedError, match=reason):
        order_statement(
            dealership=inside.dealership, period_end=period_end, business_date=date(2025, 4, 30), actor=None
        )
    assert not Statement.objects.exists()


def test_a_statement_is_made_and_kept_with_its_sum(inside: Cast, files: Path) -> None:
    march(inside.dealership)
    statement = order(inside.dealership)
    assert produce_statement(inside.lender.pk, statement.pk)
    assert state_of(statement) == State.READY
    (path,) = stored(files)
    pdf = path.read_bytes()
    assert pdf.startswith(b"%PDF")
    assert hashlib.sha256(pdf).hexdigest() == statement.pdf_sha256
    assert statement.number not in path.name
    assert (statement.opening, statement.charges, statement.payments, statement.closing) == (
        D("51805.72"),
        D("14657.37"),
        D("33963.66"),
        D("32499.43"),
    )
    assert (statement.due_on, statement.amount_due) == (date(2025, 4, 10), D("249.43"))
    assert (
        AuditEntry.objects.filter(code="statement.produced", subject=f"statement:{statement.number}").count()
        == 1
    )


def test_making_it_again_changes_nothing(inside: Cast, files: Path, quick_pdf: None) -> None:
    march(inside.dealership)
    statement = order(inside.dealership)
    assert produce_statement(inside.lender.pk, statement.pk)
    before = Statement.objects.filter(pk=statement.pk).values().get()
    assert not produce_statement(inside.lender.pk, statement.pk)
    assert order(inside.dealership) == statement
    assert Statement.objects.filter(pk=statement.pk).values().get() == before
    assert len(stored(files)) == 1


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE finance_statement SET closing = closing + 0.01",
        "UPDATE finance_statement SET content = '{}'",
        "UPDATE finance_statement SET state = 'waiting'",
        "DELETE FROM finance_statement",
    ],
)
def test_a_printed_statement_is_never_changed(inside: Cast, quick_pdf: None, change: str) -> None:
    march(inside.dealership)
    statement = order(inside.dealership)
    produce_statement(inside.lender.pk, statement.pk)
    before = Statement.objects.filter(pk=statement.pk).values().get()
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert Statement.objects.filter(pk=statement.pk).values().get() == before


def test_the_people_who_pay_and_keep_books_are_told_once(inside: Cast, quick_pdf: None) -> None:
    march(inside.dealership)
    statement = order(inside.dealership)
    produce_statement(inside.lender.pk, statement.pk)
    produce_statement(inside.lender.pk, statement.pk)
    messages = OutgoingMessage.objects.filter(template="statement-ready").order_by("recipient")
    assert [message.recipient for message in messages] == ["owen@people.example", "paula@people.example"]
    mail = write_mail(messages[0])
    assert mail.subject == "Statement March 2025 is ready"
    for text in ("$32,499.43", "$249.43", "April 10, 2025", f"/statements/{statement.public_id}/"):
        assert text in mail.body
        assert text in mail.alternatives[0][0]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_worker_killed_before_the_file_is_stored_leaves_it_to_the_sweep(
    cast: Cast, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant(cast.lender.pk):
        march(cast.dealership)
        statement = order(cast.dealership)

    class Killed(BaseException):
        """Like SIGKILL: nothing of ours runs afterwards."""

    def die(*_: object, **__: object) -> bytes:
        raise Killed

    monkeypatch.setattr(tasks, "statement_pdf", die)
    with pytest.raises(Killed):
        produce_statement(cast.lender.pk, statement.pk)
    monkeypatch.setattr(tasks, "statement_pdf", statement_pdf)
    hinted: list[tuple[Any, ...]] = []
    monkeypatch.setattr(produce_statement, "hint", lambda *given: hinted.append(given))

    with tenant(cast.lender.pk):
        assert state_of(statement) == State.WAITING
        kept = statement.content
        assert kept
    assert not produce_statement(cast.lender.pk, statement.pk), "claimed, and the claim has not run out"
    sweep_statement_batches()
    assert hinted == []

    with tenant(cast.lender.pk):
        # Between the two the books moved on; what was kept is what is printed.
        bill_interest(period_end=APRIL)
        Statement.objects.filter(pk=statement.pk).update(next_attempt_at=timezone.now())
    sweep_statement_batches()
    assert hinted == [(cast.lender.pk, statement.pk)]
    assert produce_statement(*hinted[0])
    with tenant(cast.lender.pk):
        assert state_of(statement) == State.READY
        assert statement.content == kept
        assert Statement.objects.count() == 1
    (path,) = stored(files)
    assert path.read_bytes() == statement_pdf(from_json(kept), lender=cast.lender)


def test_of_two_workers_at_one_statement_one_stores_it(inside: Cast, files: Path, quick_pdf: None) -> None:
    march(inside.dealership)
    statement = order(inside.dealership)
    now = timezone.now()
    assert claim_statement(statement_id=statement.pk, now=now)
    assert claim_statement(statement_id=statement.pk, now=now) is None
    assert claim_statement(statement_id=statement.pk, now=now + LEASE), "the first one's time has run out"
    assert tasks._make(inside.lender.pk, statement.pk)
    before = Statement.objects.filter(pk=statement.pk).values().get()
    assert not tasks._make(inside.lender.pk, statement.pk)
    assert not store_statement(statement_id=statement.pk, file_name="x", sha256="y", now=now)
    assert Statement.objects.filter(pk=statement.pk).values().get() == before
    assert [path.name for path in stored(files)] == [Path(statement_file(statement)).name]


def statement_file(statement: Statement) -> str:
    statement.refresh_from_db()
    return str(statement.pdf.name)


def test_a_file_that_nobody_took_is_removed(
    inside: Cast, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    march(inside.dealership)
    statement = order(inside.dealership)

    def overtaken(content: Any, *, lender: Any) -> bytes:
        name = default_storage.save("statements/other.pdf", ContentFile(b"first"))
        assert store_statement(statement_id=statement.pk, file_name=name, sha256="1", now=timezone.now())
        return b"second"

    monkeypatch.setattr(tasks, "statement_pdf", overtaken)
    assert not produce_statement(inside.lender.pk, statement.pk)
    assert [path.read_bytes() for path in stored(files)] == [b"first"]


def test_something_unforeseen_is_tried_again_and_then_failed_with_its_reason(
    inside: Cast, monkeypatch: pytest.MonkeyPatch, files: Path
) -> None:
    march(inside.dealership)
    statement = order(inside.dealership)

    def broken(*_: object, **__: object) -> bytes:
        raise OSError("no space left on the device")

    monkeypatch.setattr(tasks, "statement_pdf", broken)
    for attempt in range(len(RETRIES) + 1):
        assert state_of(statement) == State.WAITING
        Statement.objects.filter(pk=statement.pk).update(next_attempt_at=timezone.now())
        before = timezone.now()
        assert not produce_statement(inside.lender.pk, statement.pk)
        statement.refresh_from_db()
        if attempt < len(RETRIES):
            assert statement.next_attempt_at is not None
            assert (
                timedelta(0) <= statement.next_attempt_at - before - RETRIES[attempt] < timedelta(seconds=30)
            )
        assert statement.failure == "OSError: no space left on the device"
    assert state_of(statement) == State.FAILED
    assert AuditEntry.objects.filter(code="statement.failed").count() == 1
    assert stored(files) == []
    assert not OutgoingMessage.objects.filter(template="statement-ready").exists()

    monkeypatch.setattr(tasks, "statement_pdf", lambda content, *, lender: b"made")
    assert not produce_statement(inside.lender.pk, statement.pk), "a failed one waits for a person"
    assert retry_statement(statement=statement, actor=inside.finance)
    assert not retry_statement(statement=statement, actor=inside.finance)
    assert produce_statement(inside.lender.pk, statement.pk)
    assert state_of(statement) == State.READY
    assert statement.failure == ""


def test_a_statement_that_kills_its_workers_is_failed_and_not_tried_for_ever(inside: Cast) -> None:
    march(inside.dealership)
    statement = order(inside.dealership)
    now = timezone.now()
    for _attempt in range(len(RETRIES) + 1):
        assert claim_statement(statement_id=statement.pk, now=now)
        now += LEASE
    assert claim_statement(statement_id=statement.pk, now=now) is None
    assert state_of(statement) == State.FAILED
    assert "stopped each time" in statement.failure


def test_a_month_without_its_interest_fails_at_once_and_is_made_when_it_is_billed(
    inside: Cast, quick_pdf: None
) -> None:
    month = march(inside.dealership)
    pay("P-9", date(2025, 4, 10), (month.first.pk, "due", "156.22"))
    statement = order(inside.dealership, APRIL)
    assert not produce_statement(inside.lender.pk, statement.pk)
    assert state_of(statement) == State.FAILED
    assert "not billed yet" in statement.failure
    assert statement.content == {}
    bill_interest(period_end=APRIL)
    assert order(inside.dealership, APRIL).state == State.WAITING, "to order a failed one is to try it again"
    assert produce_statement(inside.lender.pk, statement.pk)
    assert state_of(statement) == State.READY


def test_a_lost_broker_loses_no_statement(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise OSError("connection refused")

    monkeypatch.setattr("accounts.tenant_tasks.current_app.send_task", gone)
    with django_capture_on_commit_callbacks(execute=True), tenant(cast.lender.pk):
        march(cast.dealership)
        statement = order(cast.dealership)
    hinted: list[tuple[Any, ...]] = []
    monkeypatch.setattr(produce_statement, "hint", lambda *given: hinted.append(given))
    assert sweep_statement_batches() == 1
    assert hinted == [(cast.lender.pk, statement.pk)]


# --- batches ----------------------------------------------------------------------------------------------------------


def two_dealerships(cast: Cast) -> Dealership:
    """The worked month, a second dealership that only has a fee-bearing unit, and a third without anything."""
    month = march(cast.dealership)
    line = make_line(cast.stranger_dealership, month.books.plan)
    advance(line, "9000.00", date(2025, 4, 2))
    bill_interest(period_end=APRIL)
    return Dealership.objects.create(name="Empty Lot", number="10009", town="Denver", country="US")


def test_a_batch_holds_everybody_who_owed_or_moved_anything(inside: Cast) -> None:
    two_dealerships(inside)
    assert dealerships_of_month(date(2025, 3, 1), MARCH) == [inside.dealership.pk]
    assert dealerships_of_month(date(2025, 4, 1), APRIL) == sorted(
        [inside.dealership.pk, inside.stranger_dealership.pk]
    )
    assert dealerships_of_month(date(2024, 12, 1), date(2024, 12, 31)) == []


def test_a_dealership_that_paid_everything_before_the_month_is_left_out(inside: Cast) -> None:
    month = march(inside.dealership)
    for unit in (month.first, month.third):
        pay(
            f"P-{unit.pk}",
            date(2025, 4, 10),
            (unit.pk, "payoff", str(payoff_split(unit.pk, date(2025, 4, 10)).total)),
        )
    assert dealerships_of_month(date(2025, 4, 1), APRIL) == [inside.dealership.pk]
    assert dealerships_of_month(date(2025, 5, 1), date(2025, 5, 31)) == []


def test_a_batch_started_twice_is_one(inside: Cast, quick_pdf: None) -> None:
    two_dealerships(inside)
    first = order_statement_batch(period_end=APRIL, business_date=date(2025, 5, 1), actor=inside.finance)
    second = order_statement_batch(period_end=APRIL, business_date=date(2025, 5, 1), actor=inside.finance)
    assert first == second
    assert (first.total, first.state, first.ordered_by) == (2, StatementBatch.State.RUNNING, inside.finance)
    assert Statement.objects.count() == 2
    assert AuditEntry.objects.filter(code="statement-batch.ordered").count() == 1
    for statement in Statement.objects.all():
        assert produce_statement(inside.lender.pk, statement.pk)
    first.refresh_from_db()
    assert first.state == StatementBatch.State.DONE
    assert first.finished_at is not None
    third = order_statement_batch(period_end=APRIL, business_date=date(2025, 5, 1), actor=inside.finance)
    assert (third.state, third.finished_at) == (first.state, first.finished_at)


def test_what_was_ordered_alone_counts_in_the_batch(inside: Cast, quick_pdf: None) -> None:
    two_dealerships(inside)
    alone = order(inside.dealership, APRIL)
    produce_statement(inside.lender.pk, alone.pk)
    batch = order_statement_batch(period_end=APRIL, business_date=date(2025, 5, 1), actor=None)
    (progress,) = progress_of([batch])
    assert (progress.ready, progress.waiting, progress.failed, progress.total) == (1, 1, 0, 2)


def test_a_failure_stops_nobody_else_and_is_tried_again(
    inside: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_dealerships(inside)
    batch = order_statement_batch(period_end=APRIL, business_date=date(2025, 5, 1), actor=inside.finance)
    bad, good = Statement.objects.order_by("pk")

    def sometimes(content: Any, *, lender: Any) -> bytes:
        if content.number == bad.number:
            raise ValueError("a picture that is none")
        return b"made"

    monkeypatch.setattr(tasks, "statement_pdf", sometimes)
    for _attempt in range(len(RETRIES) + 1):
        Statement.objects.filter(state=State.WAITING).update(next_attempt_at=timezone.now())
        for statement in (bad, good):
            produce_statement(inside.lender.pk, statement.pk)
    batch.refresh_from_db()
    assert (state_of(bad), state_of(good), batch.state) == (
        State.FAILED,
        State.READY,
        StatementBatch.State.FAILED,
    )
    monkeypatch.setattr(tasks, "statement_pdf", lambda content, *, lender: b"made")
    assert retry_batch(batch=batch, actor=inside.finance) == 1
    assert retry_batch(batch=batch, actor=inside.finance) == 0
    batch.refresh_from_db()
    assert (batch.state, batch.finished_at) == (StatementBatch.State.RUNNING, None)
    assert produce_statement(inside.lender.pk, bad.pk)
    batch.refresh_from_db()
    assert batch.state == StatementBatch.State.DONE


def test_an_unfinished_batch_with_nothing_left_to_do_is_finished_by_the_sweep(
    inside: Cast, quick_pdf: None
) -> None:
    march(inside.dealership)
    batch = order_statement_batch(period_end=MARCH, business_date=FIRST_OF_APRIL, actor=None)
    (statement,) = Statement.objects.all()
    produce_statement(inside.lender.pk, statement.pk)
    StatementBatch.objects.filter(pk=batch.pk).update(state=StatementBatch.State.RUNNING, finished_at=None)
    sweep_statement_batches()
    batch.refresh_from_db()
    assert batch.state == StatementBatch.State.DONE


def test_a_month_in_which_nothing_was_owed_has_no_batch(inside: Cast) -> None:
    march(inside.dealership)
    with pytest.raises(RefusedError, match="nothing to print"):
        order_statement_batch(period_end=date(2024, 12, 31), business_date=FIRST_OF_APRIL, actor=None)
    assert order_month_statements(business_date=date(2025, 1, 5)) == 0
    assert not StatementBatch.objects.exists()


def test_the_end_of_the_month_orders_its_statements(cast: Cast, quick_pdf: None) -> None:
    with tenant(cast.lender.pk):
        month = march(cast.dealership)
        pay("P-9", date(2025, 4, 10), (month.first.pk, "due", "156.22"))
    for _run in range(2):
        close_day(lender_id=cast.lender.pk, business_date=APRIL, now=datetime(2025, 5, 1, 8, tzinfo=UTC))
    with tenant(cast.lender.pk):
        (batch,) = StatementBatch.objects.all()
        (statement,) = Statement.objects.all()
        assert (batch.period_end, batch.ordered_by, statement.period_end) == (APRIL, None, APRIL)
    assert produce_statement(cast.lender.pk, statement.pk)
    with tenant(cast.lender.pk):
        assert state_of(statement) == State.READY
    with tenant(cast.other_lender.pk):
        assert not Statement.objects.exists()


def test_opening_is_previous_closing_over_a_year_of_printed_months(inside: Cast, quick_pdf: None) -> None:
    march(inside.dealership)
    ends = [FEBRUARY, MARCH]
    for month in range(5, 10):
        end = date(2025, month, 1) - timedelta(days=1)
        bill_interest(period_end=end)
        ends.append(end)
    statements = [order(inside.dealership, end) for end in ends]
    for statement in statements:
        assert produce_statement(inside.lender.pk, statement.pk)
    made = list(Statement.objects.order_by("period_end"))
    for earlier, later in pairwise(made):
        assert later.opening == earlier.closing
        assert from_json(later.content).previous == earlier.number


# --- at once ----------------------------------------------------------------------------------------------------------


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_ten_people_starting_the_same_month_start_it_once(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        two_dealerships(cast)
    barrier = threading.Barrier(10)
    found: list[int] = []

    def start() -> None:
        barrier.wait()
        try:
            with tenant(cast.lender.pk):
                batch = order_statement_batch(
                    period_end=APRIL, business_date=date(2025, 5, 1), actor=cast.finance
                )
                found.append(batch.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=start) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tenant(cast.lender.pk):
        assert len(found) == 10
        assert set(found) == set(StatementBatch.objects.values_list("pk", flat=True))
        assert sorted(Statement.objects.values_list("number", flat=True)) == ["S-100001", "S-100002"]


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_the_last_two_statements_of_a_batch_finish_it_together(cast: Cast, quick_pdf: None) -> None:
    with tenant(cast.lender.pk):
        two_dealerships(cast)
        batch = order_statement_batch(period_end=APRIL, business_date=date(2025, 5, 1), actor=None)
        keys = list(Statement.objects.values_list("pk", flat=True))
        for key in keys:
            claim_statement(statement_id=key, now=timezone.now())
            assemble_statement(statement_id=key, now=timezone.now())
    barrier = threading.Barrier(len(keys))

    def store(key: int) -> None:
        try:
            with tenant(cast.lender.pk):
                barrier.wait()
                store_statement(statement_id=key, file_name=f"{key}.pdf", sha256="0", now=timezone.now())
        finally:
            connection.close()

    threads = [threading.Thread(target=store, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with tenant(cast.lender.pk):
        batch.refresh_from_db()
        assert batch.state == StatementBatch.State.DONE
