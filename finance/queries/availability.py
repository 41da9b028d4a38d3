"""What is free on a credit line, and the terms that hold on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import connection

from accounts.tenancy import current_lender_id
from finance.models import CreditLine, LineTerms
from finance.queries.cards import ZERO


@dataclass(frozen=True, slots=True)
class Availability:
    """A line's room: `approved` is promised but not yet funded, `requested` is asked for and counts nowhere."""

    limit: Decimal
    principal: Decimal
    approved: Decimal
    requested: Decimal

    @property
    def available(self) -> Decimal:
        """Limit minus principal minus approved advances; negative when the line is over its limit."""
        return self.limit - self.principal - self.approved

    @property
    def used(self) -> Decimal:
        """Principal as a fraction of the limit."""
        return self.principal / self.limit if self.limit else ZERO

    @property
    def used_with_approved(self) -> Decimal:
        """Principal and approved advances as a fraction of the limit."""
        return (self.principal + self.approved) / self.limit if self.limit else ZERO


_ROOM = """
SELECT l.id, l."limit",
       coalesce(sum(p.principal), 0),
       coalesce(sum(u.advance_amount) FILTER (WHERE u.state = 'approved'), 0),
       coalesce(sum(u.advance_amount) FILTER (WHERE u.state = 'requested'), 0)
FROM finance_creditline l
LEFT JOIN finance_account a ON a.lender_id = l.lender_id AND a.line_id = l.id AND a.state IN ('pending', 'open')
LEFT JOIN finance_accountposition p ON p.lender_id = a.lender_id AND p.account_id = a.id
LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id AND u.state IN ('approved', 'requested')
WHERE l.lender_id = %s AND l.id = ANY(%s::bigint[])
GROUP BY l.id, l."limit"
"""


def lines_availability(lines: Iterable[CreditLine | int]) -> dict[int, Availability]:
    """The room on each line, by its id: one query."""
    ids = [line.pk if isinstance(line, CreditLine) else line for line in lines]
    with connection.cursor() as cursor:
        cursor.execute(_ROOM, [current_lender_id(), ids])
        return {row[0]: Availability(*row[1:]) for row in cursor.fetchall()}


def line_availability(line: CreditLine | int) -> Availability:
    """The room on one line."""
    key = line.pk if isinstance(line, CreditLine) else line
    return lines_availability([key])[key]


def terms_on(line_id: int, day: date) -> LineTerms:
    """The terms that hold on `day`; raises LineTerms.DoesNotExist before the first."""
    return (
        LineTerms.objects.filter(line_id=line_id, effective_from__lte=day)
        .select_related("rate_plan", "programme", "line")
        .order_by("-effective_from")[:1]
        .get()
    )
