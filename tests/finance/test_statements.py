"""What a statement says: the worked month to the cent, and what holds for every month of every history."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Dealership
from finance.actions.billing import bill_instalments, bill_interest
from finance.actions.fees import assess_fee
from finance.actions.loans import open_loan
from finance.actions.receipts import PostedPayment, payoff_split, reverse_payment
from finance.models import Account, AccountPosition, CreditLine, Loan, Statement
from finance.queries.dues import amount_due
from finance.queries.positions import position_on
from finance.queries.proof import problems
from finance.queries.statements.assembly import UnprovenStatementError
from finance.queries.statements.content import Amounts, StatementContent
from finance.queries.statements.due import next_month_end
from finance.queries.statements.kept import as_json, from_json
from finance.tasks.statements import produce_statement
from tests.cast import Cast
from tests.finance.books import D, make_line, make_plan, open_books
from tests.finance.march import (
    APRIL,
    FEBRUARY,
    MARCH,
    advance,
    content_of,
    march,
    order,
    pay,
    play_march,
    play_until_february,
)

pytestmark = pytest.mark.django_db


def columns(amounts: Amounts) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    return amounts.principal, amounts.interest, amounts.fees, amounts.total


def test_the_worked_month_comes_out_to_the_cent(inside: Cast) -> None:
    month = march(inside.dealership)
    content = content_of(inside.dealership)

    assert columns(content.opening) == (D("51500.00"), D("305.72"), D("0.00"), D("51805.72"))
    assert columns(content.charges) == (D("14250.00"), D("389.37"), D("18.00"), D("14657.37"))
    assert columns(content.payments) == (D("33500.00"), D("463.66"), D("0.00"), D("33963.66"))
    assert columns(content.closing) == (D("32250.00"), D("231.43"), D("18.00"), D("32499.43"))
    assert D("51805.72") + D("14268.00") + D("389.37") - D("33963.66") == content.closing.total

    assert [(row.booked_on.day, row.side, row.kind, *columns(row.change)) for row in content.postings] == [
        (10, "payment", "interest_payment", 0, D("-305.72"), 0, D("-305.72")),
        (12, "charge", "advance", D("14250.00"), 0, D("18.00"), D("14268.00")),
        (18, "payment", "curtailment", D("-2000.00"), 0, 0, D("-2000.00")),
        (20, "charge", "interest_billed", 0, D("157.94"), 0, D("157.94")),
        (20, "payment", "payoff", D("-31500.00"), D("-157.94"), 0, D("-31657.94")),
        (31, "charge", "interest_billed", 0, D("231.43"), 0, D("231.43")),
    ]

    by_number = {account.number: account for account in content.accounts}
    first, second, third = (
        by_number[unit.account.number] for unit in (month.first, month.second, month.third)
    )
    assert columns(first.closing) == (D("18000.00"), D("156.22"), D("0.00"), D("18156.22"))
    assert columns(second.closing) == (0, 0, 0, 0)
    assert columns(third.closing) == (D("14250.00"), D("75.21"), D("18.00"), D("14343.21"))

    assert (content.due_on, content.amount_due, content.overdue) == (date(2025, 4, 10), D("249.43"), 0)
    assert [(line.due_on, line.kind, line.accounts, line.total) for line in content.due_now] == [
        (date(2025, 4, 10), "fee", 1, D("18.00")),
        (date(2025, 4, 10), "interest", 2, D("231.43")),
    ]
    (use,) = content.credit_lines
    assert (use.limit, use.used, use.approved, use.available) == (
        D("75000.00"),
        D("32250.00"),
        D("12000.00"),
        D("30750.00"),
    )
    (rate,) = content.rates
    assert (rate.annual_rate, rate.index_rate, rate.margin, rate.day_count) == (
        D("0.095"),
        D("0.075"),
        D("0.02"),
        "actual/360",
    )
    assert (rate.start, rate.end, rate.source) == (date(2025, 3, 1), MARCH, "published")
    assert content.faults() == []


def test_what_was_kept_as_json_reads_back_as_it_was_written(inside: Cast) -> None:
    march(inside.dealership)
    content = content_of(inside.dealership)
    assert from_json(as_json(content)) == content
    with pytest.raises(ValueError, match="version"):
        from_json(as_json(content) | {"version": 99})


def test_the_month_before_closes_with_what_the_month_opens_with(inside: Cast) -> None:
    march(inside.dealership)
    february, third = content_of(inside.dealership, FEBRUARY), content_of(inside.dealership, MARCH)
    assert february.closing == third.opening
    by_key = {account.public_id: account.closing for account in february.accounts}
    assert {account.public_id: account.opening for account in third.accounts if account.opening} == by_key


def test_a_month_reads_the_same_whatever_happened_since(inside: Cast) -> None:
    month = march(inside.dealership)
    before = content_of(inside.dealership, MARCH)
    pay("P-9", date(2025, 4, 10), (month.first.pk, "due", "156.22"), (month.third.pk, "due", "93.21"))
    # A payment that counts in March but was booked in April belongs to April.
    pay("P-8", date(2025, 3, 30), (month.first.pk, "amount", "500.00"), business_date=date(2025, 4, 11))
    bill_interest(period_end=APRIL)
    after = content_of(inside.dealership, MARCH)
    assert (after.accounts, after.closing, after.amount_due) == (
        before.accounts,
        before.closing,
        before.amount_due,
    )
    assert content_of(inside.dealership, APRIL).opening == after.closing


def test_a_returned_payment_takes_itself_back_in_its_month(inside: Cast) -> None:
    month = march(inside.dealership)
    paid = pay("P-9", date(2025, 4, 10), (month.first.pk, "due", "156.22"))
    reverse_payment(
        entry=paid.entry, business_date=date(2025, 4, 14), reason="R01", actor=None, fee=D("25.00")
    )
    bill_interest(period_end=APRIL)
    content = content_of(inside.dealership, APRIL)
    assert columns(content.payments)[:3] == (0, 0, 0)
    assert content.charges.fees == D("25.00")
    kinds = [(row.kind, row.side, row.change.interest) for row in content.postings if row.side == "payment"]
    assert kinds == [
        ("interest_payment", "payment", D("-156.22")),
        ("reversal", "payment", D("156.22")),
    ]
    assert content.overdue == D("156.22") + D("93.21")


def test_more_money_than_is_owed_stands_in_a_column_of_its_own(inside: Cast) -> None:
    month = march(inside.dealership)
    pay("P-9", date(2025, 4, 10), (month.third.pk, "payoff", "15000.00"))
    bill_interest(period_end=APRIL)
    content = content_of(inside.dealership, APRIL)
    account = next(row for row in content.accounts if row.number == month.third.account.number)
    assert content.holds_credit
    assert account.closing.credit == account.closing.total < 0
    assert content.faults() == []


# --- late postings ----------------------------------------------------------------------------------------------------


def make(dealership: Dealership, period_end: date) -> Statement:
    statement = order(dealership, period_end)
    assert produce_statement(statement.lender_id, statement.pk)
    statement.refresh_from_db()
    return statement


def test_what_is_posted_to_a_printed_month_stands_in_the_next(inside: Cast) -> None:
    month = play_until_february(inside.dealership)
    printed = make(inside.dealership, FEBRUARY)
    late = assess_fee(
        account=month.first.account,
        amount=D("40.00"),
        name="Title fee",
        effective_on=date(2025, 2, 27),
        business_date=date(2025, 2, 27),
        key="late",
        actor=None,
    )
    play_march(month)
    content = content_of(inside.dealership, MARCH)
    assert content.previous == printed.number
    assert content.opening.total == printed.closing
    row = content.postings[0]
    assert (row.booked_on, row.entry, row.change.fees) == (date(2025, 2, 27), late.pk, D("40.00"))
    assert content.charges.fees == D("58.00")

    second = make(inside.dealership, MARCH)
    bill_interest(period_end=APRIL)
    following = content_of(inside.dealership, APRIL)
    assert following.opening.total == second.closing
    assert all(row.entry != late.pk for row in following.postings)


def test_a_month_that_would_not_meet_the_printed_one_after_it_is_refused(inside: Cast) -> None:
    month = march(inside.dealership)
    make(inside.dealership, MARCH)
    assess_fee(
        account=month.first.account,
        amount=D("40.00"),
        name="Title fee",
        effective_on=date(2025, 2, 27),
        business_date=date(2025, 2, 27),
        key="late",
        actor=None,
    )
    with pytest.raises(UnprovenStatementError, match=r"closes at .* and opens at"):
        content_of(inside.dealership, FEBRUARY)


def test_a_month_whose_interest_is_not_billed_is_refused(inside: Cast) -> None:
    month = march(inside.dealership)
    pay("P-9", date(2025, 4, 10), (month.first.pk, "due", "156.22"))
    with pytest.raises(UnprovenStatementError, match="not billed yet for") as refused:
        content_of(inside.dealership, APRIL)
    assert month.first.account.number in str(refused.value)
    assert month.second.account.number not in str(refused.value)


def test_a_unit_whose_free_days_reach_beyond_the_month_needs_no_bill(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", date(2025, 3, 20), interest_from=date(2025, 4, 15))
    bill_interest(period_end=MARCH)
    assert content_of(inside.dealership).closing == Amounts(principal=D("20000.00"))
    bill_interest(period_end=APRIL)
    assert content_of(inside.dealership, APRIL).closing.interest == D("84.44"), "16 days from 15 April"
    assert position_on(unit.account, date(2025, 5, 1)).billed_interest == D("84.44")


def test_a_unit_paid_off_before_its_late_bill_does_not_hold_the_statement_up(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", date(2025, 3, 12))
    # The end of day of 31 March runs late: the payoff of the next morning comes first, and takes the interest along.
    day = date(2025, 4, 1)
    interest = D("105.56")
    assert payoff_split(unit.pk, day).total == D("20000.00") + interest
    pay("P-1", day, (unit.pk, "payoff", "20105.56"))
    assert bill_interest(period_end=MARCH).accounts == 0
    before = content_of(inside.dealership)
    assert columns(before.closing) == (D("20000.00"), 0, 0, D("20000.00"))
    bill_interest(period_end=APRIL)
    after = content_of(inside.dealership, APRIL)
    assert (after.opening, after.charges.interest) == (before.closing, interest)
    assert after.closing == Amounts()


def test_a_cent_in_the_ledger_that_no_event_explains_is_refused(inside: Cast) -> None:
    month = march(inside.dealership)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH entry AS (
                INSERT INTO finance_journalentry (lender_id, dealership_id, source, key, business_date, effective_on,
                                                  description, recorded_at)
                VALUES (%(lender)s, %(dealership)s, 'adjustment', 'cent', '2025-03-30', '2025-03-30', 'A cent', now())
                RETURNING id
            )
            INSERT INTO finance_journalline (lender_id, dealership_id, entry_id, ledger_account_id, account_id, debit,
                                             credit)
            SELECT %(lender)s, %(dealership)s, entry.id, g.id, %(account)s,
                   CASE g.code WHEN '1310' THEN 0.01 ELSE 0 END, CASE g.code WHEN '1310' THEN 0 ELSE 0.01 END
            FROM entry, finance_ledgeraccount g WHERE g.code IN ('1310', '4100')
            """,
            {
                "lender": inside.lender.pk,
                "dealership": inside.dealership.pk,
                "account": month.first.pk,
            },
        )
    with pytest.raises(UnprovenStatementError, match=r"the ledger says 18156\.23"):
        content_of(inside.dealership)


# --- every history ----------------------------------------------------------------------------------------------------


def play_at_random(dealership: Dealership, seed: int, months: int) -> Iterator[date]:
    """Months of a dealership with units and a loan; yields each month's last day after its bills."""
    dice = random.Random(seed)
    books = open_books(dealership, limit="2000000.00", document_fee=D("18.00"))
    loans = make_line(
        dealership, make_plan("loans", day_count="30/360"), kind=CreditLine.Kind.TERM, limit="500000.00"
    )
    open_loan(
        line=loans,
        title="Charging stations",
        purpose=Loan.Purpose.ENERGY,
        method=dice.choice([Loan.Method.EQUAL_INSTALMENT, Loan.Method.INTEREST_ONLY]),
        amount=D("60000.00"),
        instalment_count=12,
        first_due_on=date(2025, 2, dice.choice([1, 15])),
        funded_on=date(2025, 1, 1),
        business_date=date(2025, 1, 1),
        actor=None,
    )
    paid: list[PostedPayment] = []
    day = date(2025, 1, 2)
    for _month in range(months):
        last = next_month_end(day.replace(day=1) - timedelta(days=1))
        while day <= last:
            bill_instalments(through=day)
            accounts = list(
                Account.objects.filter(dealership=dealership, state=Account.State.OPEN).order_by("pk")
            )
            match dice.randrange(8):
                case 0 | 1:
                    advance(books.line, f"{dice.randrange(500_000, 4_000_000) / 100:.2f}", day)
                case 2 | 3 if accounts:
                    some = dice.sample(accounts, min(len(accounts), dice.randrange(1, 4)))
                    shares = [(one.pk, "amount", f"{dice.randrange(100, 500_000) / 100:.2f}") for one in some]
                    value = day - timedelta(days=dice.choice([0, 0, 0, 3]))
                    value = max(value, *(one.opened_on or value for one in some))
                    paid.append(pay(f"P-{seed}-{day}", value, *shares, business_date=day))
                case 4 if accounts:
                    account = dice.choice(accounts)
                    excess = dice.choice([D("0.00"), D("0.00"), D("12.34")])
                    total = payoff_split(account.pk, day).total + excess
                    if account.kind == Account.Kind.UNIT and total > 0:
                        paid.append(pay(f"F-{seed}-{day}", day, (account.pk, "payoff", str(total))))
                case 5 if paid:
                    back = paid.pop(dice.randrange(len(paid)))
                    reverse_payment(
                        entry=back.entry,
                        business_date=day,
                        reason="R01",
                        actor=None,
                        fee=dice.choice([None, D("25")]),
                    )
                case 6 if accounts:
                    assess_fee(
                        account=dice.choice(accounts),
                        amount=D("30.00"),
                        name="Lot check",
                        effective_on=day,
                        business_date=day,
                        key=f"{seed}-{day}",
                        actor=None,
                    )
            day += timedelta(days=dice.randrange(1, 6))
        bill_instalments(through=last)
        bill_interest(period_end=last)
        yield last
        day = last + timedelta(days=dice.randrange(1, 4))


@pytest.mark.parametrize("seed", range(6))
def test_every_statement_of_every_history_proves_itself(inside: Cast, seed: int) -> None:
    before = Amounts()
    for last in play_at_random(inside.dealership, seed, months=4):
        content = content_of(inside.dealership, last)
        assert content.faults() == []
        assert content.opening == before
        before = content.closing
        assert content.opening + content.charges - content.payments == content.closing
        assert_it_is_what_the_books_say(inside.dealership, content)
    assert problems() == []


def assert_it_is_what_the_books_say(dealership: Dealership, content: StatementContent) -> None:
    """Nothing has been posted since, so the stored positions and due items are those of the closing."""
    positions = {row.account.number: row for row in AccountPosition.objects.select_related("account")}
    shown = {account.number: account.closing for account in content.accounts}
    for number, row in positions.items():
        stored = Amounts(row.principal, row.billed_interest, row.fees, -row.credit)
        assert shown.get(number, Amounts()) == stored, number
    due = amount_due(dealership=dealership, on=content.period_end, through=content.due_on)
    assert content.amount_due == sum((owed.total for owed in due.values()), D("0"))


# --- cost -------------------------------------------------------------------------------------------------------------


def test_assembling_takes_as_many_queries_for_many_units_as_for_one(inside: Cast) -> None:
    books = open_books(inside.dealership, limit="9000000.00", document_fee=D("18.00"))
    counts = []
    for number in (1, 40):
        for _ in range(number):
            advance(books.line, "10000.00", date(2025, 3, 3))
        bill_interest(period_end=MARCH)
        with CaptureQueriesContext(connection) as queries:
            content_of(inside.dealership)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    assert counts[0] <= 12
