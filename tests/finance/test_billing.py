"""Billing all accounts at once gives each what billing it alone would, once, and leaves out only what is broken."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection

from accounts.tenancy import tenant
from finance.actions import billing
from finance.actions.billing import bill_instalments, bill_interest
from finance.actions.loans import open_loan
from finance.actions.receipts import Share, post_payment
from finance.actions.refusals import RefusedError
from finance.interest import interest_to_bill
from finance.models import (
    Account,
    AccountEvent,
    AccountPosition,
    DueItem,
    JournalEntry,
    JournalLine,
    Loan,
    RatePlanDay,
)
from finance.queries.positions import position_on, positions_on
from finance.queries.proof import problems
from tests.cast import Cast
from tests.conftest import owner_connection
from tests.finance.books import D, make_line, make_plan, open_books

pytestmark = pytest.mark.django_db

JANUARY, FEBRUARY = date(2025, 1, 31), date(2025, 2, 28)


def bills() -> dict[int, Decimal]:
    rows = DueItem.objects.filter(kind="interest", number__lt=1_000_000)
    found: dict[int, Decimal] = {}
    for row in rows:
        found[row.account_id] = found.get(row.account_id, Decimal(0)) + row.interest
    return found


@pytest.mark.parametrize("compounding", ["simple", "daily"])
@pytest.mark.parametrize("day_count", ["actual/360", "actual/365", "actual/actual", "30/360"])
def test_the_statement_bills_what_the_engine_says(inside: Cast, day_count: str, compounding: str) -> None:
    books = open_books(inside.dealership)
    plan = make_plan("tried", books.index, day_count=day_count, compounding=compounding)
    line = make_line(inside.dealership, plan, limit="900000.00")
    random = Random(day_count)
    units = [
        books.fund(
            str(Decimal(random.randrange(10_000, 4_000_000)) / 100),
            date(2025, 1, random.randrange(2, 31)),
            line=line,
        )
        for _ in range(25)
    ]
    for month_end, day in ((JANUARY, date(2025, 2, 1)), (FEBRUARY, date(2025, 3, 1))):
        before = positions_on([unit.pk for unit in units], day)
        expected = {key: interest_to_bill(position, "USD") for key, position in before.items()}
        billed = bill_interest(period_end=month_end)
        rows = AccountEvent.objects.filter(kind="interest_billed", effective_on=day)
        assert {row.account_id: row.billed for row in rows} == {
            key: amount for key, amount in expected.items() if amount
        }
        assert (billed.accounts, billed.amount) == (len(rows), sum(expected.values()))
        assert billed.failures == []
    assert problems() == []


def test_a_bill_has_one_entry_a_dealership_two_lines_a_unit_and_a_due_date(inside: Cast) -> None:
    books = open_books(inside.dealership, payment_day=12)
    ours = [books.fund("20000.00", date(2025, 1, 17)), books.fund("9000.00", date(2025, 1, 20))]
    other_line = make_line(inside.stranger_dealership, books.plan)
    theirs = books.fund("5000.00", date(2025, 1, 17), line=other_line)
    bill_interest(period_end=JANUARY, actor=inside.finance)
    entries = JournalEntry.objects.filter(source="interest").order_by("dealership_id")
    assert [entry.dealership_id for entry in entries] == sorted(
        [inside.dealership.pk, inside.stranger_dealership.pk]
    )
    assert {(entry.business_date, entry.effective_on, entry.actor_id) for entry in entries} == {
        (JANUARY, date(2025, 2, 1), inside.finance.pk)
    }
    lines = JournalLine.objects.filter(entry__in=entries, account__isnull=False)
    assert lines.count() == 6
    due = {item.account_id: item.due_on for item in DueItem.objects.filter(kind="interest", number=202501)}
    assert due == {ours[0].pk: date(2025, 2, 12), ours[1].pk: date(2025, 2, 12), theirs.pk: date(2025, 2, 10)}


def test_billing_twice_is_once(inside: Cast) -> None:
    books = open_books(inside.dealership)
    books.fund("20000.00", date(2025, 1, 17))
    bill_interest(period_end=JANUARY)
    before = (AccountEvent.objects.count(), JournalLine.objects.count(), bills())
    again = bill_interest(period_end=JANUARY)
    assert (again.accounts, again.amount) == (0, 0)
    assert (AccountEvent.objects.count(), JournalLine.objects.count(), bills()) == before


def test_a_unit_that_comes_later_is_billed_by_the_next_run(inside: Cast) -> None:
    books = open_books(inside.dealership)
    books.fund("20000.00", date(2025, 1, 17))
    bill_interest(period_end=JANUARY)
    late = books.fund("9000.00", date(2025, 1, 20), business_date=date(2025, 2, 3))
    assert bill_interest(period_end=JANUARY).accounts == 1
    assert bills()[late.pk] == D("28.50")
    assert problems() == []


def test_chunks_of_any_size_bill_the_same(inside: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    books = open_books(inside.dealership)
    for number in range(7):
        books.fund(f"{5000 + number}.00", date(2025, 1, 17))
    monkeypatch.setattr(billing, "CHUNK", 3)
    assert bill_interest(period_end=JANUARY).accounts == 7
    assert problems() == []


def test_a_unit_that_has_gone_beyond_the_month_is_billed_for_the_month(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit, other = books.fund("20000.00", date(2025, 1, 17)), books.fund("9000.00", date(2025, 1, 17))
    post_payment(
        key="P-1",
        shares=[Share(unit.pk, "amount", D("2000.00"))],
        value_date=date(2025, 2, 6),
        business_date=date(2025, 2, 6),
        description="Payment",
        actor=None,
    )
    billed = bill_interest(period_end=JANUARY)
    assert billed.accounts == 2
    assert bills() == {unit.pk: D("79.17"), other.pk: D("35.63")}
    bill_interest(period_end=FEBRUARY)
    assert bills()[unit.pk] == D("79.17") + D("135.64")
    assert problems() == []


def test_interest_free_days_are_not_billed(inside: Cast) -> None:
    books = open_books(inside.dealership)
    books.fund("20000.00", date(2025, 1, 17), interest_from=date(2025, 2, 10))
    assert bill_interest(period_end=JANUARY).accounts == 0
    assert bill_interest(period_end=FEBRUARY).amount == D("100.28")
    assert problems() == []


def test_only_whole_months_are_billed(inside: Cast) -> None:
    open_books(inside.dealership).fund("20000.00", date(2025, 1, 17))
    with pytest.raises(RefusedError):
        bill_interest(period_end=date(2025, 1, 30))


def test_an_account_without_a_rate_is_set_aside_and_named(inside: Cast) -> None:
    books = open_books(inside.dealership)
    good = books.fund("20000.00", date(2025, 1, 17))
    plan = make_plan("gaps")
    poor = books.fund("9000.00", date(2025, 1, 17), line=make_line(inside.dealership, plan))
    RatePlanDay.objects.filter(plan=plan, day__gte=date(2025, 1, 31)).delete()
    billed = bill_interest(period_end=JANUARY)
    assert billed.accounts == 1
    assert [failure["account"] for failure in billed.failures] == [poor.pk]
    assert "no row for 2025-02-01" in billed.failures[0]["reason"]
    assert set(bills()) == {good.pk}


@pytest.mark.django_db(transaction=True)
def test_one_poisoned_account_among_many_stops_nothing_else(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        books = open_books(cast.dealership, limit="900000.00")
        units = [books.fund("20000.00", date(2025, 1, 17)) for _ in range(12)]
        poisoned = units[7]
    with owner_connection() as owner, owner.cursor() as cursor:
        # A bill that is in the way: the unique key of its number refuses the whole statement.
        cursor.execute(
            "UPDATE finance_accountposition SET billed_interest = 99999999999999.00 WHERE account_id = %s",
            [poisoned.pk],
        )
    owner.close()
    with tenant(cast.lender.pk):
        billed = bill_interest(period_end=JANUARY)
        assert billed.accounts == 11
        assert [failure["account"] for failure in billed.failures] == [poisoned.pk]
        assert "overflow" in billed.failures[0]["reason"]
        assert poisoned.pk not in bills()
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute(
            "UPDATE finance_accountposition SET billed_interest = 0 WHERE account_id = %s", [poisoned.pk]
        )
    owner.close()
    with tenant(cast.lender.pk):
        again = bill_interest(period_end=JANUARY)
        assert (again.accounts, again.failures) == (1, [])
        assert problems() == []


def test_paid_off_units_and_other_lenders_are_left_alone(cast: Cast) -> None:
    with tenant(cast.other_lender.pk):
        open_books(cast.other_dealership).fund("20000.00", date(2025, 1, 17))
    with tenant(cast.lender.pk):
        books = open_books(cast.dealership)
        unit = books.fund("20000.00", date(2025, 1, 17))
        post_payment(
            key="P-1",
            shares=[Share(unit.pk, "payoff", D("20026.39"))],
            value_date=date(2025, 1, 22),
            business_date=date(2025, 1, 22),
            description="Payoff",
            actor=None,
        )
        assert Account.objects.get(pk=unit.pk).state == Account.State.CLOSED
        assert bill_interest(period_end=JANUARY).accounts == 0
    with tenant(cast.other_lender.pk):
        assert bills() == {}


# --- instalments ------------------------------------------------------------------------------------------------------


def open_loans(cast: Cast, method: Loan.Method, count: int) -> list[Loan]:
    open_books(cast.dealership)
    by_days = method == Loan.Method.ACTUAL_DAYS
    plan = make_plan("loans", margin=D("0.084"), day_count="actual/365" if by_days else "30/360")
    line = make_line(cast.dealership, plan, kind="term", limit="900000.00")
    return [
        open_loan(
            line=line,
            title="Loan",
            purpose="retail",
            method=method,
            amount=D("12000.00") + number,
            instalment_count=12,
            first_due_on=date(2025, 2, 1),
            funded_on=date(2025, 1, 1),
            business_date=date(2025, 1, 1),
            actor=None,
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("method", list(Loan.Method))
def test_instalments_due_are_billed_together_and_once(
    inside: Cast, method: Loan.Method, django_assert_max_num_queries: object
) -> None:
    loans = open_loans(inside, method, 20)
    planned = {item.account_id: item.interest for item in DueItem.objects.filter(kind="instalment", number=1)}
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        billed = bill_instalments(through=date(2025, 2, 1))
    assert (billed.accounts, billed.failures) == (20, [])
    events = AccountEvent.objects.filter(kind="interest_billed")
    assert {event.account_id: event.billed for event in events} == planned
    assert {event.effective_on for event in events} == {date(2025, 2, 1)}
    assert bill_instalments(through=date(2025, 2, 1)).accounts == 0
    assert DueItem.objects.filter(kind="instalment", billed_on=date(2025, 2, 1)).count() == len(loans)
    assert problems() == []


@pytest.mark.parametrize("method", list(Loan.Method))
def test_missed_due_dates_are_caught_up_in_order(inside: Cast, method: Loan.Method) -> None:
    (loan,) = open_loans(inside, method, 1)
    billed = bill_instalments(through=date(2025, 4, 20), business_date=date(2025, 4, 20))
    assert billed.accounts == 1
    days = AccountEvent.objects.filter(account_id=loan.pk, kind="interest_billed").values_list(
        "effective_on", flat=True
    )
    assert list(days) == [date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1)]
    assert problems() == []


def test_a_loan_paid_before_its_bill_ran_is_billed_with_the_payment(inside: Cast) -> None:
    (loan,) = open_loans(inside, Loan.Method.EQUAL_INSTALMENT, 1)
    post_payment(
        key="P-1",
        shares=[Share(loan.pk, "due", loan.instalment)],
        value_date=date(2025, 2, 1),
        business_date=date(2025, 2, 1),
        description="Payment",
        actor=None,
    )
    first = DueItem.objects.get(account_id=loan.pk, number=1)
    assert (first.billed_on, first.outstanding_principal, first.outstanding_interest) == (
        date(2025, 2, 1),
        0,
        0,
    )
    assert bill_instalments(through=date(2025, 2, 1)).accounts == 0
    assert problems() == []


def test_an_instalment_paid_early_counts_as_paid(inside: Cast) -> None:
    (loan,) = open_loans(inside, Loan.Method.EQUAL_INSTALMENT, 1)
    post_payment(
        key="P-1",
        shares=[Share(loan.pk, "due", loan.instalment)],
        value_date=date(2025, 1, 27),
        business_date=date(2025, 1, 27),
        description="Payment",
        actor=None,
    )
    items = DueItem.objects.filter(account_id=loan.pk, kind="instalment").order_by("number")
    assert [item.outstanding_principal + item.outstanding_interest for item in items[:2]] == [
        0,
        loan.instalment,
    ]
    assert bill_instalments(through=date(2025, 2, 1)).accounts == 0
    assert problems() == []


@pytest.mark.parametrize("method", [Loan.Method.EQUAL_INSTALMENT, Loan.Method.ACTUAL_DAYS])
def test_paying_ahead_ends_the_loan_earlier_and_costs_less(inside: Cast, method: Loan.Method) -> None:
    (loan,) = open_loans(inside, method, 1)
    planned = sum(DueItem.objects.filter(account_id=loan.pk).values_list("interest", flat=True))
    bill_instalments(through=date(2025, 2, 1))
    post_payment(
        key="P-1",
        shares=[Share(loan.pk, "amount", loan.instalment + D("4000.00"))],
        value_date=date(2025, 2, 1),
        business_date=date(2025, 2, 1),
        description="Payment",
        actor=None,
    )
    left = DueItem.objects.filter(account_id=loan.pk, kind="instalment", outstanding_principal__gt=0)
    assert left.count() == 7
    now = sum(DueItem.objects.filter(account_id=loan.pk).values_list("interest", flat=True))
    assert now < planned - 150
    assert (
        sum(item.outstanding_principal for item in left)
        == position_on(loan.account, date(2025, 2, 1)).principal
    )
    # It can be paid to its end.
    for item in left.order_by("due_on"):
        bill_instalments(through=item.due_on)
        item.refresh_from_db()
        amount = item.outstanding_principal + item.outstanding_interest
        post_payment(
            key=f"P-{item.number}",
            shares=[Share(loan.pk, "due", amount)],
            value_date=item.due_on,
            business_date=item.due_on,
            description="Payment",
            actor=None,
        )
    assert Account.objects.get(pk=loan.pk).state == Account.State.CLOSED
    assert AccountPosition.objects.get(account_id=loan.pk).principal == 0
    assert problems() == []


def test_interest_by_the_month_needs_a_plan_of_thirty_days(inside: Cast) -> None:
    books = open_books(inside.dealership)
    line = make_line(inside.dealership, books.plan, kind="term", limit="100000.00")
    with pytest.raises(RefusedError, match="30/360"):
        open_loan(
            line=line,
            title="Loan",
            purpose="retail",
            method=Loan.Method.EQUAL_INSTALMENT,
            amount=D("12000.00"),
            instalment_count=12,
            first_due_on=date(2025, 2, 1),
            funded_on=date(2025, 1, 1),
            business_date=date(2025, 1, 1),
            actor=None,
        )
    assert Loan.objects.count() == Account.objects.count() == 0


@pytest.mark.parametrize("statement", [billing._BILL_UNITS, billing._BILL_LOANS], ids=["units", "loans"])
def test_the_planner_expects_as_many_rows_as_accounts_though_it_knows_nothing_of_them(
    inside: Cast, statement: str
) -> None:
    """After a large import the planner has no figures. Where it expected one row, it looped over all days for each."""
    open_books(inside.dealership)
    asked = {
        **billing._common("interest", "Interest", business_date=JANUARY, actor=None),
        "day": date(2025, 2, 1),
        "number": 202501,
        "rule": "Interest",
        "through": JANUARY,
        "accounts": list(range(1_000_000, 1_005_000)),
    }
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", asked)
        (answer,) = cursor.fetchone()
    plan = (json.loads(answer) if isinstance(answer, str) else answer)[0]["Plan"]
    parts = {part.get("Subplan Name"): part for part in plan["Plans"]}
    assert parts["CTE met"]["Plan Rows"] >= 5_000
    assert parts["CTE billable"]["Plan Rows"] >= 500

    def loops(part: dict[str, Any]) -> list[dict[str, Any]]:
        found = [part] if part["Node Type"] == "Nested Loop" and part["Plan Rows"] >= 1_000 else []
        return found + [loop for inner in part.get("Plans", []) for loop in loops(inner)]

    # Many rows meet others by a hash or in order; where rows are looped over, there are few.
    assert loops(parts["CTE met"]) == []
