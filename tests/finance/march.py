"""The worked month of the trade: March 2025 on a line of 75,000, with three units, through the actions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from accounts.models import Dealership, Lender
from accounts.tenancy import current_lender_id
from finance.actions.billing import bill_interest
from finance.actions.lines import set_line_terms
from finance.actions.receipts import PostedPayment, Share, post_payment
from finance.actions.statements import order_statement
from finance.actions.units import approve_advance, fund_advance, request_advance
from finance.models import CreditLine, Statement, Unit
from finance.queries.statements.assembly import assemble
from finance.queries.statements.content import StatementContent
from tests.finance.books import Books, D, next_vin, open_books

FEBRUARY = date(2025, 2, 28)
MARCH = date(2025, 3, 31)
APRIL = date(2025, 4, 30)


@dataclass
class March:
    """The books after March, and the three units of the example."""

    books: Books
    first: Unit
    second: Unit
    third: Unit


def pay(
    key: str, on: date, *shares: tuple[int, str, str], business_date: date | None = None
) -> PostedPayment:
    """A payment over accounts: (account, purpose, amount)."""
    return post_payment(
        key=key,
        shares=[Share(account, purpose, D(amount)) for account, purpose, amount in shares],  # type: ignore[arg-type]
        value_date=on,
        business_date=business_date or on,
        description=f"Payment {key}",
        actor=None,
    )


def advance(line: CreditLine, amount: str, on: date, *, name: str = "Civic", fund: bool = True) -> Unit:
    """A unit approved on a day and, unless told otherwise, funded on it."""
    noon = datetime(on.year, on.month, on.day, 19, tzinfo=UTC)
    unit = request_advance(
        line=line,
        vin=next_vin(),
        model_year=2024,
        make="Honda",
        model=name,
        advance_amount=D(amount),
        requested_at=noon,
        actor=None,
    )
    approve_advance(unit=unit, approved_at=noon, actor=None)
    if fund:
        fund_advance(unit=unit, funded_on=on, business_date=on, actor=None)
    unit.refresh_from_db()
    return unit


def play_until_february(dealership: Dealership) -> March:
    """January and February, billed: two units on the line."""
    books = open_books(dealership)
    first = advance(books.line, "20000.00", date(2025, 1, 17))
    bill_interest(period_end=date(2025, 1, 31))
    pay("P-1", date(2025, 2, 10), (first.pk, "due", "79.17"))
    second = advance(books.line, "31500.00", date(2025, 2, 10), name="Pilot")
    bill_interest(period_end=FEBRUARY)
    return March(books, first, second, first)


def play_march(month: March) -> None:
    """March itself, billed: payment, advance with its fee, curtailment, payoff, a promise not yet funded."""
    line = month.books.line
    set_line_terms(
        line=line,
        effective_from=date(2025, 3, 1),
        rate_plan=month.books.plan,
        programme=line.terms.get().programme,
        document_fee=D("18.00"),
        actor=None,
    )
    pay("P-2", date(2025, 3, 10), (month.first.pk, "due", "147.78"), (month.second.pk, "due", "157.94"))
    month.third = advance(line, "14250.00", date(2025, 3, 12), name="Fit")
    pay("P-3", date(2025, 3, 18), (month.first.pk, "due", "2000.00"))
    pay("P-4", date(2025, 3, 20), (month.second.pk, "payoff", "31657.94"))
    advance(line, "12000.00", date(2025, 3, 28), name="Odyssey", fund=False)
    bill_interest(period_end=MARCH)


def march(dealership: Dealership) -> March:
    """The whole example."""
    month = play_until_february(dealership)
    play_march(month)
    return month


def content_of(dealership: Dealership, period_end: date = MARCH, *, number: str = "S-1") -> StatementContent:
    """The statement of a month as it would be made on the day after it."""
    return assemble(
        lender=Lender.objects.get(pk=current_lender_id()),
        dealership=dealership,
        number=number,
        period_start=period_end.replace(day=1),
        period_end=period_end,
        made_on=date.fromordinal(period_end.toordinal() + 1),
    )


def order(dealership: Dealership, period_end: date = MARCH) -> Statement:
    """Order a month's statement on the day after it."""
    return order_statement(
        dealership=dealership,
        period_end=period_end,
        business_date=date.fromordinal(period_end.toordinal() + 1),
        actor=None,
    )
