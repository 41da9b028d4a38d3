"""What is free on a credit line, and the terms that hold on a day."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from django.db import connection

from accounts.tenancy import current_lender_id
from finance.models import CreditLine, LineTerms
from finance.queries.cards import ZERO

EXPECTED: Final = """
    LATERAL (SELECT sum(e.principal) AS principal FROM finance_expectedprincipal e
             WHERE e.lender_id = a.lender_id AND e.account_id = a.id)
"""
"""Principal on its way to the account `a`, read by its key, for a sum over all would read the whole lender's. Read in
one statement with the positions, since a payment that settles moves it from here to there."""

FREED: Final = "least(coalesce(x.principal, 0), p.principal)"
"""What of an account's principal on its way will come off its principal; more than it owes brings nothing."""

AT_SUBMISSION: Final = """
    coalesce((SELECT t.releases_credit_at = 'submission' FROM finance_lineterms t
              WHERE t.lender_id = l.lender_id AND t.line_id = l.id AND t.effective_from <= %(as_of)s
              ORDER BY t.effective_from DESC LIMIT 1), false)
"""
"""Whether line `l` counts principal on its way as free, by its terms of the day."""


@dataclass(frozen=True, slots=True)
class Availability:
    """A line's room: `approved` is promised but not yet funded, `requested` is asked for and counts nowhere.

    `expected` is principal on its way; it is free already where the line's terms say so (`at_submission`), and not
    before the payment has settled where they do not.
    """

    limit: Decimal
    principal: Decimal
    approved: Decimal
    requested: Decimal
    expected: Decimal
    at_submission: bool

    @property
    def freed(self) -> Decimal:
        """Principal that is owed still and free already."""
        return self.expected if self.at_submission else ZERO

    @property
    def available(self) -> Decimal:
        """Limit minus principal minus approved advances, plus what is freed; negative above the limit."""
        return self.limit - self.principal - self.approved + self.freed

    @property
    def used(self) -> Decimal:
        """Principal as a fraction of the limit."""
        return self.principal / self.limit if self.limit else ZERO

    @property
    def used_with_approved(self) -> Decimal:
        """Principal and approved advances as a fraction of the limit."""
        return (self.principal + self.approved) / self.limit if self.limit else ZERO


_ROOM = f"""
SELECT l.id, l."limit",
       coalesce(sum(p.principal), 0),
       coalesce(sum(u.advance_amount) FILTER (WHERE u.state = 'approved'), 0),
       coalesce(sum(u.advance_amount) FILTER (WHERE u.state = 'requested'), 0),
       coalesce(sum({FREED}), 0), {AT_SUBMISSION}
FROM finance_creditline l
LEFT JOIN finance_account a ON a.lender_id = l.lender_id AND a.line_id = l.id AND a.state IN ('pending', 'open')
LEFT JOIN finance_accountposition p ON p.lender_id = a.lender_id AND p.account_id = a.id
LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id AND u.state IN ('approved', 'requested')
LEFT JOIN {EXPECTED} x ON true
WHERE l.lender_id = %(lender)s AND l.id = ANY(%(lines)s::bigint[])
GROUP BY l.lender_id, l.id, l."limit"
"""  # noqa: S608 - joined from constants; every value is a parameter


def lines_availability(lines: Iterable[CreditLine | int], *, as_of: date) -> dict[int, Availability]:
    """The room on each line, by its id, by its terms on the lender's day `as_of`: one query."""
    ids = [line.pk if isinstance(line, CreditLine) else line for line in lines]
    with connection.cursor() as cursor:
        cursor.execute(_ROOM, {"lender": current_lender_id(), "lines": ids, "as_of": as_of})
        return {row[0]: Availability(*row[1:]) for row in cursor.fetchall()}


def line_availability(line: CreditLine | int, *, as_of: date) -> Availability:
    """The room on one line, by its terms on the lender's day `as_of`."""
    key = line.pk if isinstance(line, CreditLine) else line
    return lines_availability([key], as_of=as_of)[key]


def terms_on(line_id: int, day: date) -> LineTerms:
    """The terms that hold on `day`; raises LineTerms.DoesNotExist before the first."""
    return (
        LineTerms.objects.filter(line_id=line_id, effective_from__lte=day)
        .select_related("rate_plan", "programme", "line")
        .order_by("-effective_from")[:1]
        .get()
    )
