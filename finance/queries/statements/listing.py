"""Lists of statements: a dealership's own, and how far the batches are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from django.db import connection
from django.db.models import Count, Q, QuerySet

from accounts.tenancy import current_lender_id
from finance.models import JournalEntry, Statement, StatementBatch

# Who owed something when the month ended, or moved something in it. Whoever owed then owes now or has moved since.
_OF_MONTH: Final = """
WITH candidates AS (
    SELECT dealership_id FROM finance_accountposition
    WHERE lender_id = %(lender)s AND (principal <> 0 OR billed_interest <> 0 OR fees <> 0 OR credit <> 0)
    UNION
    SELECT dealership_id FROM finance_journalentry
    WHERE lender_id = %(lender)s AND business_date >= %(start)s AND dealership_id IS NOT NULL
)
SELECT c.dealership_id FROM candidates c
WHERE EXISTS (
    SELECT 1 FROM finance_journalentry j
    WHERE j.lender_id = %(lender)s AND j.dealership_id = c.dealership_id
          AND j.business_date BETWEEN %(start)s AND %(end)s
) OR EXISTS (
    SELECT 1 FROM finance_account a
    JOIN finance_accountevent e ON e.lender_id = a.lender_id AND e.account_id = a.id
    JOIN finance_journalentry j ON j.lender_id = e.lender_id AND j.id = e.entry_id
    WHERE a.lender_id = %(lender)s AND a.dealership_id = c.dealership_id AND j.business_date < %(start)s
    GROUP BY a.id
    HAVING sum(e.principal) <> 0 OR sum(e.billed + e.interest) <> 0 OR sum(e.fees) <> 0 OR sum(e.credit) <> 0
)
ORDER BY c.dealership_id
"""


def dealerships_of_month(period_start: date, period_end: date) -> list[int]:
    """The dealerships that owed or moved anything in the month. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_MONTH, {"lender": current_lender_id(), "start": period_start, "end": period_end})
        return [row[0] for row in cursor.fetchall()]


def statements_of(dealership_id: int) -> QuerySet[Statement]:
    """A dealership's statements, newest first, without their content."""
    return (
        Statement.objects.filter(dealership_id=dealership_id).defer("content").order_by("-period_end", "-pk")
    )


def statements_of_batch(batch: StatementBatch) -> QuerySet[Statement]:
    """The statements of a batch's month by dealership, without their content."""
    return (
        Statement.objects.filter(period_end=batch.period_end)
        .select_related("dealership")
        .defer("content")
        .order_by("dealership__name", "pk")
    )


def first_business_date() -> date | None:
    """The business date of the lender's first posting; None before there is one."""
    first = JournalEntry.objects.order_by("business_date").values_list("business_date", flat=True)[:1]
    return next(iter(first), None)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a batch is."""

    batch: StatementBatch
    ready: int
    failed: int
    waiting: int

    @property
    def total(self) -> int:
        """All its statements."""
        return self.ready + self.failed + self.waiting

    @property
    def done(self) -> int:
        """Those that need no more work now."""
        return self.ready + self.failed


def progress_of(batches: Sequence[StatementBatch]) -> list[Progress]:
    """How far each batch is, in the same order. One query.

    A statement counts with its month, also when it was ordered by itself before the batch.
    """
    counts = (
        Statement.objects.filter(period_end__in={batch.period_end for batch in batches})
        .values("period_end")
        .annotate(
            ready=Count("pk", filter=Q(state=Statement.State.READY)),
            failed=Count("pk", filter=Q(state=Statement.State.FAILED)),
            waiting=Count("pk", filter=Q(state=Statement.State.WAITING)),
        )
        .order_by()
    )
    found = {row["period_end"]: row for row in counts}
    nothing = {"ready": 0, "failed": 0, "waiting": 0}
    return [
        Progress(batch, **{name: found.get(batch.period_end, nothing)[name] for name in nothing})
        for batch in batches
    ]
