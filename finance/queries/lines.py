"""Credit lines: what is used, promised and free, and the rules in force."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final
from uuid import UUID

from django.db import connection

from accounts.tenancy import current_lender_id
from finance.models import CreditLine, IndexFixing, LineTerms, RatePlan
from finance.queries.availability import AT_SUBMISSION, EXPECTED, FREED

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class LineFigures:
    """One line: limit = used + approved but not yet funded - freed + free. `free` is negative above the limit.

    `expected` is principal on its way; it is freed before it has settled where the line's terms say so
    (`at_submission`). A frozen or closed line lends nothing, so nothing of it is free.
    """

    line_id: int
    public_id: UUID
    number: str
    name: str
    kind: str
    state: str
    currency: str
    limit: Decimal
    limit_is_hard: bool
    opened_on: date
    used: Decimal
    approved: Decimal
    expected: Decimal
    at_submission: bool
    accounts: int
    approved_units: int

    @property
    def freed(self) -> Decimal:
        """Principal that is owed still and free already."""
        return self.expected if self.at_submission else ZERO

    @property
    def awaited(self) -> Decimal:
        """Principal on its way that is not free before it has settled."""
        return self.expected - self.freed

    @property
    def room(self) -> Decimal:
        """What the limit leaves, whether the line is open or not."""
        return self.limit - self.used - self.approved + self.freed

    @property
    def free(self) -> Decimal:
        """What may still be drawn."""
        return self.room if self.state == CreditLine.State.OPEN else ZERO

    @property
    def taken(self) -> Decimal:
        """What of the limit is used, as the calculation of what is free deducts it."""
        return -self.used

    @property
    def promised(self) -> Decimal:
        """What is approved but not yet funded, as the calculation of what is free deducts it."""
        return -self.approved

    @property
    def withheld(self) -> Decimal:
        """What a line that is not open keeps back."""
        return self.free - self.room

    @property
    def share_used(self) -> Decimal:
        """Used, as a fraction of the limit, to a tenth of a per cent."""
        return (self.used / self.limit).quantize(Decimal("0.001")) if self.limit else ZERO

    @property
    def is_floor_plan(self) -> bool:
        """Whether it is a revolving floor-plan line."""
        return self.kind == CreditLine.Kind.FLOOR_PLAN


_FIGURES = f"""
SELECT l.id, l.public_id, l.number, l.name, l.kind, l.state, l.currency, l."limit", l.limit_is_hard, l.opened_on,
       coalesce(sum(p.principal), 0), coalesce(sum(u.advance_amount), 0),
       coalesce(sum({FREED}), 0), {AT_SUBMISSION},
       count(a.id) FILTER (WHERE a.state = 'open'), count(u.account_id)
FROM finance_creditline l
LEFT JOIN finance_account a ON a.lender_id = l.lender_id AND a.line_id = l.id AND a.state IN ('open', 'pending')
LEFT JOIN finance_accountposition p ON p.lender_id = a.lender_id AND p.account_id = a.id
LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id AND u.state = 'approved'
LEFT JOIN {EXPECTED} x ON true
WHERE l.lender_id = %(lender)s AND l.dealership_id = %(dealership)s
GROUP BY l.id
ORDER BY l.kind, l.number
"""  # noqa: S608 - joined from constants; every value is a parameter


def lines_of(dealership_id: int, *, as_of: date) -> list[LineFigures]:
    """Every line of the dealership with its figures as of now, by its terms on the lender's day `as_of`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, {"lender": current_lender_id(), "dealership": dealership_id, "as_of": as_of})
        return [LineFigures(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class RateStep:
    """The rate of a line from one day on, with what it is made of and where the index was read."""

    effective_from: date
    annual_rate: Decimal
    index_name: str
    index_rate: Decimal | None
    margin: Decimal
    bound: str
    source: str


@dataclass(frozen=True, slots=True)
class LineTermsInForce:
    """The rules of a line, latest first, and the rates they gave, latest first."""

    terms: tuple[LineTerms, ...]
    rates: tuple[RateStep, ...]


def terms_of(line_id: int, *, opened_on: date, as_of: date) -> LineTermsInForce:
    """The rules of a line and its rate history since it was opened, the steps to come included. Two queries."""
    terms = tuple(
        LineTerms.objects.filter(line_id=line_id)
        .select_related("rate_plan__index", "programme")
        .order_by("-effective_from")
    )
    index_ids = {row.rate_plan.index_id for row in terms if row.rate_plan.index_id}
    fixings = list(IndexFixing.objects.filter(index_id__in=index_ids).order_by("index_id", "effective_from"))
    return LineTermsInForce(terms, tuple(reversed(_rate_steps(terms, fixings, opened_on))))


def _rate_steps(
    terms: Sequence[LineTerms], fixings: Sequence[IndexFixing], opened_on: date
) -> list[RateStep]:
    """Join the plans of the terms, each over its own span, into one history."""
    ordered = sorted(terms, key=lambda row: row.effective_from)
    ends = [later.effective_from for _, later in pairwise(ordered)] + [date.max]
    steps: list[RateStep] = []
    for row, end in zip(ordered, ends, strict=True):
        start = max(row.effective_from, opened_on)
        for step in _plan_steps(row.rate_plan, fixings, start, end):
            unchanged = steps and (steps[-1].annual_rate, steps[-1].margin) == (step.annual_rate, step.margin)
            if not (unchanged and steps[-1].source == step.source):
                steps.append(step)
    return steps


def _plan_steps(plan: RatePlan, fixings: Sequence[IndexFixing], start: date, end: date) -> list[RateStep]:
    if plan.index is None:
        return [RateStep(start, plan.margin, "", None, plan.margin, "", "")] if start < end else []
    of_index = [fixing for fixing in fixings if fixing.index_id == plan.index_id]
    ends = [later.effective_from for _, later in pairwise(of_index)] + [date.max]
    steps = []
    for fixing, valid_until in zip(of_index, ends, strict=True):
        valid_from = max(fixing.effective_from, start)
        if valid_from >= min(valid_until, end):
            continue
        rate, bound = _bounded(plan, fixing.annual_rate + plan.margin)
        steps.append(
            RateStep(valid_from, rate, plan.index.name, fixing.annual_rate, plan.margin, bound, fixing.source)
        )
    return steps


def _bounded(plan: RatePlan, rate: Decimal) -> tuple[Decimal, str]:
    """Keep a rate between the plan's floor and ceiling, and say which one bit; the floor has the last word."""
    bound = ""
    if plan.ceiling is not None and rate > plan.ceiling:
        rate, bound = plan.ceiling, "ceiling"
    if plan.floor is not None and rate < plan.floor:
        rate, bound = plan.floor, "floor"
    return rate, bound
