"""What tests of the ledger start from: a chart, a prime rate, plans, a programme and a line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import count

from accounts.models import Dealership
from finance.actions.chart import open_chart
from finance.actions.lines import open_line, set_line_terms
from finance.actions.programmes import create_programme
from finance.actions.rates import create_index, create_rate_plan, record_fixing
from finance.actions.units import approve_advance, fund_advance, request_advance
from finance.models import CreditLine, RateIndex, RatePlan, Unit
from finance.vin import make_vin

NOON = datetime(2025, 1, 2, 19, 0, tzinfo=UTC)
FIRST_DAY = date(2025, 1, 1)
LAST_DAY = date(2026, 6, 30)

_serials = count(1)


def D(text: str) -> Decimal:  # noqa: N802 - short on purpose, tests are full of amounts
    """An amount."""
    return Decimal(text)


@dataclass
class Books:
    """A lender's set-up, and one dealership's line."""

    index: RateIndex
    plan: RatePlan
    line: CreditLine

    def fund(
        self,
        amount: str,
        funded_on: date,
        *,
        line: CreditLine | None = None,
        business_date: date | None = None,
        **options: object,
    ) -> Unit:
        """A unit funded on a day."""
        unit = approved_unit(line or self.line, amount)
        fund_advance(
            unit=unit, funded_on=funded_on, business_date=business_date or funded_on, actor=None, **options
        )
        unit.refresh_from_db()
        return unit


def next_vin() -> str:
    """A valid VIN that no other test unit has."""
    return make_vin("1HG", "CV1F3", "S", "A", f"{next(_serials):06d}")


def requested_unit(line: CreditLine, amount: str) -> Unit:
    """A unit for which an advance is asked."""
    return request_advance(
        line=line,
        vin=next_vin(),
        model_year=2024,
        make="Honda",
        model="Civic",
        advance_amount=D(amount),
        requested_at=NOON,
        actor=None,
    )


def approved_unit(line: CreditLine, amount: str) -> Unit:
    """A unit whose advance is approved."""
    return approve_advance(unit=requested_unit(line, amount), approved_at=NOON, actor=None)


def make_plan(code: str, index: RateIndex | None = None, **options: object) -> RatePlan:
    """A rate plan: 2 % above the index, or 9.5 % fixed, actual/360."""
    values: dict[str, object] = {
        "name": code,
        "index": index,
        "margin": D("0.02") if index else D("0.095"),
        "day_count": "actual/360",
        "starts_on": FIRST_DAY,
        "through": LAST_DAY,
        "actor": None,
    }
    values.update(options)
    return create_rate_plan(code=code, **values)  # type: ignore[arg-type]


def make_line(
    dealership: Dealership, plan: RatePlan, *, limit: str = "75000.00", hard: bool = True, **terms: object
) -> CreditLine:
    """A floor-plan line with terms from the first day."""
    line = open_line(
        dealership=dealership,
        name="Floor plan",
        kind=str(terms.pop("kind", CreditLine.Kind.FLOOR_PLAN)),
        limit=D(limit),
        opened_on=FIRST_DAY,
        limit_is_hard=hard,
        actor=None,
    )
    set_line_terms(line=line, effective_from=FIRST_DAY, rate_plan=plan, actor=None, **terms)
    return line


def open_books(dealership: Dealership, **terms: object) -> Books:
    """A chart, prime at 7.50 %, prime + 2 % actual/360, 10 % of original every 60 days, and a line of 75,000."""
    open_chart()
    index = create_index(code="prime", name="Prime rate", actor=None)
    record_fixing(
        index=index, effective_from=date(2024, 12, 19), annual_rate=D("0.075"), source="published", actor=None
    )
    plan = make_plan("prime-plus-2", index)
    programme = create_programme(
        code="ten-percent",
        name="10 % every 60 days",
        shape={"kind": "interval", "days": 60, "fraction": "0.10", "base": "original", "times": 3},
        actor=None,
    )
    terms.setdefault("programme", programme)
    return Books(index, plan, make_line(dealership, plan, **terms))  # type: ignore[arg-type]
