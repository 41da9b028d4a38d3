"""The worked examples of the trade, to the cent, through the actions and the database."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from finance.actions.billing import bill_instalments, bill_interest
from finance.actions.loans import open_loan
from finance.actions.receipts import PostedPayment, Share, post_payment, split_due
from finance.actions.units import approve_advance
from finance.models import Account, AccountEvent, AccountPosition, DueItem, JournalLine, Loan, Unit
from finance.queries.availability import line_availability
from finance.queries.dues import amount_due
from finance.queries.payoff import payoff_quote, payoff_split
from finance.queries.positions import interest_segments, position_on
from finance.queries.proof import problems
from tests.cast import Cast
from tests.finance.books import NOON, Books, D, make_line, make_plan, open_books, requested_unit

pytestmark = pytest.mark.django_db


def pay(key: str, on: date, *shares: tuple[int, str, str]) -> PostedPayment:
    return post_payment(
        key=key,
        shares=[Share(account, purpose, D(amount)) for account, purpose, amount in shares],  # type: ignore[arg-type]
        value_date=on,
        business_date=on,
        description="Payment",
        actor=None,
    )


def billed(account_id: int) -> list[Decimal]:
    events = AccountEvent.objects.filter(account_id=account_id, kind="interest_billed").order_by("sequence")
    return [event.billed for event in events]


def owed_by(account_id: int) -> tuple[Decimal, Decimal, Decimal]:
    position = AccountPosition.objects.get(account_id=account_id)
    return position.principal, position.billed_interest, position.fees


# --- 2.1 one unit, one curtailment ------------------------------------------------------------------------------------


def test_a_unit_paid_off_after_one_curtailment(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", date(2025, 1, 17))
    curtailment = DueItem.objects.get(account=unit.account, kind="curtailment", number=1)
    assert (curtailment.due_on, curtailment.principal) == (date(2025, 3, 18), D("2000.00"))

    pay("c1", date(2025, 3, 18), (unit.pk, "due", "2000.00"))
    curtailment.refresh_from_db()
    assert curtailment.outstanding_principal == 0

    split = payoff_split(unit.pk, date(2025, 4, 30))
    assert (split.principal, split.interest, split.total) == (D("18000.00"), D("520.92"), D("18520.92"))
    segments = [
        found.segment for found in interest_segments(unit.account, date(2025, 1, 17), date(2025, 4, 30))
    ]
    assert [(segment.days, segment.principal) for segment in segments] == [
        (60, D("20000.00")),
        (43, D("18000.00")),
    ]
    assert [round(segment.interest, 6) for segment in segments] == [D("316.666667"), D("204.250000")]

    paid = pay("p1", date(2025, 4, 30), (unit.pk, "payoff", "18520.92"))
    assert paid.closed == (unit.pk,)
    assert owed_by(unit.pk) == (0, 0, 0)
    unit.refresh_from_db()
    assert unit.state == Unit.State.PAID
    assert unit.account.state == Account.State.CLOSED
    assert problems() == []


def test_the_same_unit_billed_monthly(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", date(2025, 1, 17))
    bill_interest(period_end=date(2025, 1, 31))
    bill_interest(period_end=date(2025, 2, 28))
    pay("c1", date(2025, 3, 18), (unit.pk, "amount", "2226.95"))  # with the interest billed so far
    bill_interest(period_end=date(2025, 3, 31))
    assert billed(unit.pk) == [D("79.17"), D("147.78"), D("156.22")]
    split = payoff_split(unit.pk, date(2025, 4, 30))
    assert split.interest == D("156.22") + D("137.75")
    assert sum(billed(unit.pk)) + D("137.75") == D("520.92")
    assert problems() == []


def test_interest_due_with_each_payment(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", date(2025, 1, 17))
    assert round(position_on(unit.account, date(2025, 3, 18)).accrued, 2) == D("316.67")


@pytest.mark.parametrize(
    ("day_count", "compounding", "interest"),
    [
        ("actual/360", "simple", "520.92"),
        ("actual/365", "simple", "513.78"),
        ("30/360", "simple", "521.44"),
        ("actual/360", "daily", "528.17"),
    ],
)
def test_each_convention_gives_its_own_interest(
    inside: Cast, day_count: str, compounding: str, interest: str
) -> None:
    books = open_books(inside.dealership)
    plan = make_plan("other", day_count=day_count, compounding=compounding)
    unit = books.fund("20000.00", date(2025, 1, 17), line=make_line(inside.dealership, plan))
    pay("c1", date(2025, 3, 18), (unit.pk, "amount", "2000.00"))
    assert payoff_split(unit.pk, date(2025, 4, 30)).interest == D(interest)
    pay("p1", date(2025, 4, 30), (unit.pk, "payoff", str(D("18000.00") + D(interest))))
    assert owed_by(unit.pk) == (0, 0, 0)
    assert problems() == []


# --- 2.2 a statement's month ------------------------------------------------------------------------------------------


def march(cast: Cast) -> tuple[Books, Unit, Unit, Unit]:
    """March 2025 of a line of 75,000 with three units; only the second month's interest is billed and paid."""
    books = open_books(cast.dealership, document_fee=D("0.00"))
    first = books.fund("20000.00", date(2025, 1, 17))
    bill_interest(period_end=date(2025, 1, 31))
    pay("january", date(2025, 2, 10), (first.pk, "due", "79.17"))
    second = books.fund("31500.00", date(2025, 2, 10))
    bill_interest(period_end=date(2025, 2, 28))
    pay("february", date(2025, 3, 10), (first.pk, "due", "147.78"), (second.pk, "due", "157.94"))
    fees = make_line(cast.dealership, books.plan, document_fee=D("18.00"), limit="20000.00")
    third = books.fund("14250.00", date(2025, 3, 12), line=fees)
    pay("c1", date(2025, 3, 18), (first.pk, "amount", "2000.00"))
    pay("p2", date(2025, 3, 20), (second.pk, "payoff", "31657.94"))
    bill_interest(period_end=date(2025, 3, 31))
    return books, first, second, third


def test_a_month_on_a_line(inside: Cast) -> None:
    _books, first, second, third = march(inside)
    assert owed_by(first.pk) == (D("18000.00"), D("156.22"), 0)
    assert owed_by(second.pk) == (0, 0, 0)
    assert owed_by(third.pk) == (D("14250.00"), D("75.21"), D("18.00"))
    due = amount_due(dealership=inside.dealership, on=date(2025, 4, 10))
    assert sum(item.total for item in due.values()) == D("249.43")
    assert due[third.pk].fees == D("18.00")
    assert problems() == []


def test_what_is_free_counts_promises(inside: Cast) -> None:
    books = open_books(inside.dealership)
    books.fund("18000.00", date(2025, 1, 17))
    books.fund("14250.00", date(2025, 3, 12))
    approve_advance(unit=requested_unit(books.line, "12000.00"), approved_at=NOON, actor=None)
    requested_unit(books.line, "9000.00")
    room = line_availability(books.line, as_of=date(2025, 3, 31))
    assert room.available == D("30750.00")
    assert (round(room.used, 3), round(room.used_with_approved, 3)) == (D("0.430"), D("0.590"))
    assert room.requested == D("9000.00")


# --- 2.3 a payoff quote -----------------------------------------------------------------------------------------------


def test_a_payoff_quote_binds_by_value_date(inside: Cast) -> None:
    _books, _first, _second, third = march(inside)
    pay("april", date(2025, 4, 10), (third.pk, "due", "93.21"))
    days = [date(2025, 4, 22) + timedelta(days=number) for number in range(4)]
    quote = payoff_quote(third.account, value_dates=days, business_date=date(2025, 4, 21))
    assert [figure.accrued for figure in quote.figures] == [D("78.97"), D("82.73"), D("86.49"), D("90.25")]
    assert [figure.total for figure in quote.figures] == [
        D("14328.97"),
        D("14332.73"),
        D("14336.49"),
        D("14340.25"),
    ]
    assert round(quote.per_diem, 6) == D("3.760417")
    assert round(quote.effective_cost, 6) == D("0.096319")
    pay("payoff", date(2025, 4, 25), (third.pk, "payoff", "14340.25"))
    third.account.refresh_from_db()
    assert third.account.state == Account.State.CLOSED
    assert owed_by(third.pk) == (0, 0, 0)
    assert problems() == []


# --- 2.4 a term loan --------------------------------------------------------------------------------------------------


def loan_of(cast: Cast, method: str, day_count: str) -> Loan:
    open_books(cast.dealership)
    plan = make_plan("fixed-8-40", margin=D("0.084"), day_count=day_count)
    line = make_line(cast.dealership, plan, kind="term", limit="100000.00")
    return open_loan(
        line=line,
        title="Fleet loan",
        purpose="fleet",
        method=method,
        amount=D("60000.00"),
        instalment_count=12,
        first_due_on=date(2025, 2, 1),
        funded_on=date(2025, 1, 1),
        business_date=date(2025, 1, 1),
        actor=None,
    )


SCHEDULE = """
420.00 4810.41
386.33 4844.08
352.42 4877.99
318.27 4912.14
283.89 4946.52
249.26 4981.15
214.39 5016.02
179.28 5051.13
143.92 5086.49
108.32 5122.09
72.46 5157.95
36.36 5194.03
"""


def test_an_amortising_loan_follows_its_schedule_and_ends_at_nothing(inside: Cast) -> None:
    loan = loan_of(inside, "equal_instalment", "30/360")
    assert loan.instalment == D("5230.41")
    items = list(DueItem.objects.filter(account_id=loan.pk).order_by("number"))
    expected = [tuple(D(word) for word in line.split()) for line in SCHEDULE.split("\n") if line]
    assert [(item.interest, item.principal) for item in items] == expected
    assert sum(item.principal for item in items) == D("60000.00")
    assert (items[-1].due_on, items[-1].interest + items[-1].principal) == (date(2026, 1, 1), D("5230.39"))
    for item in items:
        assert bill_instalments(through=item.due_on).accounts == 1
        due = split_due(loan.account, item.due_on)
        assert (due.interest, due.principal) == (item.interest, item.principal)
        pay(f"instalment-{item.number}", item.due_on, (loan.pk, "due", str(due.total)))
        assert problems() == []
    assert sum(billed(loan.pk)) == D("2764.90")
    loan.account.refresh_from_db()
    assert loan.account.state == Account.State.CLOSED
    cash = JournalLine.objects.filter(ledger_account__code="1000")
    assert sum(line.debit - line.credit for line in cash) == D("2764.90")


def test_a_loan_that_counts_days_feels_a_late_payment(inside: Cast) -> None:
    loan = loan_of(inside, "actual_days", "actual/365")
    balances = []
    days = [date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 6), date(2025, 5, 1)]
    for number, day in enumerate(days, start=1):
        bill_instalments(through=day)
        pay(f"instalment-{number}", day, (loan.pk, "due", "5230.41"))
        balances.append(AccountPosition.objects.get(account_id=loan.pk).principal)
        assert problems() == []
    assert balances == [D("55197.64"), D("50322.91"), D("45509.42"), D("40540.85")]
    assert billed(loan.pk) == [D("428.05"), D("355.68"), D("359.02"), D("57.90"), D("261.84")]
    assert amount_due([loan.pk], on=date(2025, 5, 1))[loan.pk].total == 0


def test_the_same_loan_paid_in_time(inside: Cast) -> None:
    loan = loan_of(inside, "actual_days", "actual/365")
    days = [date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1), date(2025, 5, 1)]
    for number, day in enumerate(days, start=1):
        bill_instalments(through=day)
        pay(f"instalment-{number}", day, (loan.pk, "due", "5230.41"))
    assert AccountPosition.objects.get(account_id=loan.pk).principal == D("40534.91")
    assert billed(loan.pk) == [D("428.05"), D("355.68"), D("359.02"), D("313.80")]
    assert problems() == []
