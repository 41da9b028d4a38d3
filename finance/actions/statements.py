"""Statements: ordered, claimed, assembled, stored; once per dealership and month however often it is asked for.

The row is the job: `waiting` until a worker has stored its PDF, `failed` with a reason when nobody could. A worker
claims it for a while (`LEASE`); one that dies leaves it to the sweep. What is printed is kept as data first, so that a
second try, or a second worker, prints the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import audit
from accounts.actions.numbers import next_numbers
from accounts.actions.outbox import order_message
from accounts.models import Dealership, Lender, Membership, NumberSequence, User
from accounts.tenancy import current_lender_id
from accounts.tenant_tasks import hint_by_name
from finance.actions.refusals import RefusedError
from finance.models import Statement, StatementBatch
from finance.queries.statements.assembly import assemble
from finance.queries.statements.content import StatementContent
from finance.queries.statements.kept import as_json, from_json
from finance.queries.statements.listing import dealerships_of_month

State = Statement.State

LEASE: Final = timedelta(minutes=5)
"""How long a claimed statement is left to its worker; a second worker after that prints the same, and one stores it."""

RETRIES: Final = (timedelta(seconds=30), timedelta(minutes=2), timedelta(minutes=10))
"""When to try again after something unforeseen; after the last one finance staff decide."""

_READERS: Final = (Membership.Role.OWNER, Membership.Role.PAYER, Membership.Role.ACCOUNTANT)
_ORDER_LOCK: Final = 4102
_HINTED_AT_ONCE: Final = 500


# --- ordering ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def order_statement(
    *, dealership: Dealership, period_end: date, business_date: date, actor: User | None
) -> Statement:
    """Order one dealership's statement of the month that `period_end` ends; the same month again is the same statement.

    A failed one is tried again. Raises RefusedError for a month that is not over on `business_date`.
    """
    period_start = _month(period_end, business_date)
    _order_alone()
    created = _order([dealership.pk], period_start, period_end, batch=None)
    statement = Statement.objects.get(dealership=dealership, period_end=period_end)
    if created:
        audit.record(
            "statement.ordered",
            actor=actor,
            subject=f"statement:{statement.number}",
            dealership=dealership,
            details={"period_end": period_end.isoformat()},
        )
    elif statement.state == State.FAILED:
        retry_statement(statement=statement, actor=actor)
        statement.refresh_from_db()
    return statement


@transaction.atomic
def order_statement_batch(*, period_end: date, business_date: date, actor: User | None) -> StatementBatch:
    """Order the statements of all dealerships that owed or moved anything in the month.

    The same month again is the same batch; what was ordered by itself before joins it. Raises RefusedError for a month
    that is not over on `business_date`, or in which nothing was owed.
    """
    period_start = _month(period_end, business_date)
    _order_alone()
    wanted = dealerships_of_month(period_start, period_end)
    if not wanted:
        raise RefusedError(
            _("No dealership owed or moved anything in that month, so there is nothing to print.")
        )
    batch, is_new = StatementBatch.objects.get_or_create(
        period_end=period_end, defaults={"period_start": period_start, "ordered_by": actor}
    )
    ordered = _order(wanted, period_start, period_end, batch=batch)
    if is_new or ordered:
        waiting = Statement.objects.filter(batch=batch, state=State.WAITING).exists()
        batch.total = Statement.objects.filter(period_end=period_end, dealership_id__in=wanted).count()
        batch.state = StatementBatch.State.RUNNING if waiting else StatementBatch.State.DONE
        batch.finished_at = None if waiting else Now()
        batch.save(update_fields=["total", "state", "finished_at"])
        audit.record(
            "statement-batch.ordered",
            actor=actor,
            subject=f"statement-batch:{period_end:%Y-%m}",
            details={"period_end": period_end.isoformat(), "ordered": len(ordered), "total": batch.total},
        )
    return batch


def order_month_statements(*, business_date: date) -> int:
    """The step of the end of day: the statements of the month before `business_date`, as one batch.

    Returns how many statements the batch holds; 0 when nothing was owed. Twice is once. Making them is the worker's.
    """
    period_end = business_date.replace(day=1) - timedelta(days=1)
    try:
        return order_statement_batch(period_end=period_end, business_date=business_date, actor=None).total
    except RefusedError:
        return 0


@transaction.atomic
def retry_statement(*, statement: Statement, actor: User | None) -> bool:
    """Let a failed statement be made anew from the books of now; False when it is not failed (any more)."""
    locked = Statement.objects.select_for_update().get(pk=statement.pk)
    if locked.state != State.FAILED:
        return False
    _wait_again([locked])
    audit.record(
        "statement.retried",
        actor=actor,
        subject=f"statement:{locked.number}",
        dealership=locked.dealership_id,
        details={"failure": locked.failure},
    )
    return True


@transaction.atomic
def retry_batch(*, batch: StatementBatch, actor: User | None) -> int:
    """Let every failed statement of a batch be made anew; returns how many."""
    failed = list(
        Statement.objects.select_for_update().filter(batch=batch, state=State.FAILED).order_by("pk")
    )
    if failed:
        _wait_again(failed)
        audit.record(
            "statement-batch.retried",
            actor=actor,
            subject=f"statement-batch:{batch.period_end:%Y-%m}",
            details={"statements": len(failed)},
        )
    return len(failed)


def _month(period_end: date, business_date: date) -> date:
    """The first day of the month that `period_end` ends."""
    if (period_end + timedelta(days=1)).day != 1:
        raise RefusedError(_("A statement covers a calendar month; choose the month's last day."))
    if period_end >= business_date:
        raise RefusedError(
            _("That month is not over yet. Its statement can be made from the first day after it.")
        )
    return period_end.replace(day=1)


def _order_alone() -> None:
    """Let one transaction per lender order statements at a time, so that no number is drawn in vain."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_ORDER_LOCK, current_lender_id()])


def _order(
    dealership_ids: Sequence[int], period_start: date, period_end: date, *, batch: StatementBatch | None
) -> list[int]:
    """Add the rows that are missing and put those without a batch into `batch`; return the dealerships added."""
    existing = Statement.objects.filter(period_end=period_end, dealership_id__in=dealership_ids)
    if batch is not None:
        # A printed statement never changes, not even in which batch it counts.
        existing.filter(batch=None).exclude(state=State.READY).update(batch=batch)
    known = set(existing.values_list("dealership_id", flat=True))
    missing = [key for key in dealership_ids if key not in known]
    if not missing:
        return []
    numbers = next_numbers(NumberSequence.Kind.STATEMENT, prefix="S", count=len(missing))
    rows = Statement.objects.bulk_create(
        [
            Statement(
                lender_id=current_lender_id(),
                dealership_id=key,
                batch=batch,
                number=number,
                period_start=period_start,
                period_end=period_end,
                next_attempt_at=Now(),
            )
            for key, number in zip(missing, numbers, strict=True)
        ],
        batch_size=1000,
    )
    _hint([row.pk for row in rows])
    return missing


def _wait_again(statements: Iterable[Statement]) -> None:
    rows = list(statements)
    Statement.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=State.WAITING, attempts=0, failure="", content={}, next_attempt_at=Now()
    )
    StatementBatch.objects.filter(pk__in={row.batch_id for row in rows if row.batch_id}).update(
        state=StatementBatch.State.RUNNING, finished_at=None
    )
    _hint([row.pk for row in rows])


def _hint(statement_ids: Sequence[int]) -> None:
    """Tell the workers after commit; what is beyond the first handful, or lost, the sweep finds."""
    lender_id = current_lender_id()

    def tell() -> None:
        for key in statement_ids[:_HINTED_AT_ONCE]:
            hint_by_name("finance.tasks.produce_statement", lender_id, key)

    transaction.on_commit(tell, robust=True)


# --- making -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement that is ours for a while."""

    statement_id: int
    attempt: int


@transaction.atomic
def claim_statement(*, statement_id: int, now: datetime) -> Claim | None:
    """Take a waiting statement upon oneself; None when it is made, failed, or somebody else's.

    One whose workers died as often as it may be tried is failed here.
    """
    waiting = Statement.objects.filter(pk=statement_id, state=State.WAITING, next_attempt_at__lte=now)
    if not waiting.update(attempts=F("attempts") + 1, next_attempt_at=now + LEASE):
        return None
    attempt = Statement.objects.values_list("attempts", flat=True).get(pk=statement_id)
    if attempt > len(RETRIES) + 1:
        fail_statement(
            statement_id=statement_id,
            reason="The worker stopped each time before the PDF was stored.",
            now=now,
        )
        return None
    return Claim(statement_id, attempt)


@transaction.atomic
def assemble_statement(*, statement_id: int, now: datetime) -> StatementContent | None:
    """The content of a claimed statement: kept from an earlier try, or assembled now and kept.

    None when the statement is no longer waiting. Raises UnprovenStatementError where the books do not allow one.
    """
    statement = (
        Statement.objects.select_for_update(of=("self",)).select_related("dealership").get(pk=statement_id)
    )
    if statement.state != State.WAITING:
        return None
    if statement.content:
        return from_json(statement.content)
    lender = Lender.objects.get(pk=current_lender_id())
    content = assemble(
        lender=lender,
        dealership=statement.dealership,
        number=statement.number,
        period_start=statement.period_start,
        period_end=statement.period_end,
        made_on=lender.business_date(now),
    )
    statement.content = as_json(content)
    statement.due_on = content.due_on
    statement.opening = content.opening.total
    statement.charges = content.charges.total
    statement.payments = content.payments.total
    statement.closing = content.closing.total
    statement.amount_due = content.amount_due
    statement.save(
        update_fields=["content", "due_on", "opening", "charges", "payments", "closing", "amount_due"]
    )
    return content


@transaction.atomic
def store_statement(*, statement_id: int, file_name: str, sha256: str, now: datetime) -> bool:
    """Make a statement ready with its stored PDF and tell the dealership; False when somebody else did already."""
    statement = (
        Statement.objects.select_for_update(of=("self",)).select_related("dealership").get(pk=statement_id)
    )
    if statement.state != State.WAITING:
        return False
    statement.pdf.name = file_name
    statement.pdf_sha256 = sha256
    statement.state = State.READY
    statement.produced_at = now
    statement.next_attempt_at = None
    statement.failure = ""
    statement.save(update_fields=["pdf", "pdf_sha256", "state", "produced_at", "next_attempt_at", "failure"])
    audit.record(
        "statement.produced",
        actor=None,
        subject=f"statement:{statement.number}",
        dealership=statement.dealership,
        details={"period_end": statement.period_end.isoformat(), "sha256": sha256},
    )
    _tell_dealership(statement)
    _finish_batch(statement.batch_id, now)
    return True


@transaction.atomic
def put_off_statement(*, statement_id: int, reason: str, now: datetime) -> None:
    """Try a statement again later after something unforeseen; after the last try it is failed."""
    statement = Statement.objects.select_for_update().get(pk=statement_id)
    if statement.state != State.WAITING:
        return
    if statement.attempts > len(RETRIES):
        fail_statement(statement_id=statement_id, reason=reason, now=now)
        return
    statement.failure = reason[:300]
    statement.next_attempt_at = now + RETRIES[max(statement.attempts, 1) - 1]
    statement.save(update_fields=["failure", "next_attempt_at"])


@transaction.atomic
def fail_statement(*, statement_id: int, reason: str, now: datetime) -> None:
    """Give a waiting statement up with a reason, until somebody asks for it again."""
    statement = Statement.objects.select_for_update().get(pk=statement_id)
    if statement.state != State.WAITING:
        return
    statement.state = State.FAILED
    statement.failure = reason[:300]
    statement.next_attempt_at = None
    statement.save(update_fields=["state", "failure", "next_attempt_at"])
    audit.record(
        "statement.failed",
        actor=None,
        subject=f"statement:{statement.number}",
        dealership=statement.dealership_id,
        reason=reason[:300],
    )
    _finish_batch(statement.batch_id, now)


def finish_batches(*, now: datetime) -> int:
    """Close the running batches in which nothing waits any more; returns how many. For the sweep."""
    running = StatementBatch.objects.filter(state=StatementBatch.State.RUNNING).values_list("pk", flat=True)
    return sum(_finish_batch(key, now) for key in list(running))


@transaction.atomic
def _finish_batch(batch_id: int | None, now: datetime) -> bool:
    """Close a batch with its last statement. The batch's lock makes one of two last ones see the other."""
    if batch_id is None:
        return False
    batch = StatementBatch.objects.select_for_update().get(pk=batch_id)
    statements = Statement.objects.filter(batch=batch)
    if batch.state != StatementBatch.State.RUNNING or statements.filter(state=State.WAITING).exists():
        return False
    failed = statements.filter(state=State.FAILED).exists()
    batch.state = StatementBatch.State.FAILED if failed else StatementBatch.State.DONE
    batch.finished_at = now
    batch.save(update_fields=["state", "finished_at"])
    return True


def _tell_dealership(statement: Statement) -> None:
    """Write to the people who pay and keep the books."""
    memberships = Membership.objects.filter(
        dealership=statement.dealership, role__in=_READERS, user__is_active=True
    ).select_related("user")
    for membership in memberships.order_by("pk"):
        order_message(
            key=f"statement-ready:{statement.number}:{membership.user_id}",
            template="statement-ready",
            recipient=membership.user.email,
            context={
                "number": statement.number,
                "month_date": statement.period_end.isoformat(),
                "closing": str(statement.closing),
                "amount_due": str(statement.amount_due),
                "due_on": statement.due_on.isoformat() if statement.due_on else None,
                "name": membership.user.get_full_name(),
                "action_path": reverse("finance:statement-detail", args=[statement.public_id]),
            },
            user=membership.user,
            dealership=statement.dealership,
        )
