"""A payment that came back counts as never having happened, and says so."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from finance.actions.billing import bill_instalments, bill_interest
from finance.actions.loans import open_loan
from finance.actions.receipts import PostedPayment, Share, post_payment, reverse_payment
from finance.actions.units import report_unit_sold
from finance.models import (
    Account,
    AccountEvent,
    AccountPosition,
    DueItem,
    JournalEntry,
    JournalLine,
    Loan,
    Unit,
)
from finance.queries.availability import line_availability
from finance.queries.dues import amount_due
from finance.queries.payoff import payoff_split
from finance.queries.positions import position_on
from finance.queries.proof import problems, totals
from tests.cast import Cast
from tests.finance.books import D, make_line, make_plan, open_books

pytestmark = pytest.mark.django_db

FLOORED = date(2025, 1, 17)
BACK = date(2025, 2, 5)


def pay(on: date, *shares: tuple[int, str, str], key: str = "P-1") -> PostedPayment:
    return post_payment(
        key=key,
        shares=[Share(account, purpose, D(amount)) for account, purpose, amount in shares],  # type: ignore[arg-type]
        value_date=on,
        business_date=on,
        description="Payment",
        actor=None,
    )


def open_items(account_id: int) -> list[tuple[str, object, object, object]]:
    rows = DueItem.objects.filter(account_id=account_id).order_by("due_on", "kind", "number")
    return [
        (row.kind, row.outstanding_principal, row.outstanding_interest, row.outstanding_fees)
        for row in rows
        if row.principal or row.interest or row.fees
    ]


def test_a_returned_payoff_reopens_the_unit_and_its_interest(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", FLOORED)
    before, items = position_on(unit.account, date(2025, 2, 28)), open_items(unit.pk)
    day = date(2025, 2, 3)
    paid = pay(day, (unit.pk, "payoff", str(payoff_split(unit.pk, day).total)))
    assert line_availability(books.line, as_of=FLOORED).principal == 0

    entry = reverse_payment(entry=paid.entry, business_date=BACK, reason="R01", actor=None)
    assert (entry.reverses_id, entry.effective_on, entry.business_date) == (paid.entry.pk, day, BACK)
    assert position_on(unit.account, date(2025, 2, 28)) == before
    assert open_items(unit.pk) == items
    unit.refresh_from_db()
    assert unit.state == Unit.State.FUNDED
    assert (unit.account.state, unit.account.closed_on) == (Account.State.OPEN, None)
    assert line_availability(books.line, as_of=FLOORED).principal == D("20000.00")
    assert totals()["1000"] == D("-20000.00")
    assert problems() == []


def test_a_reversal_mirrors_every_line(inside: Cast) -> None:
    unit = open_books(inside.dealership, document_fee=D("18.00")).fund("20000.00", FLOORED)
    bill_interest(period_end=date(2025, 1, 31))
    paid = pay(date(2025, 2, 10), (unit.pk, "amount", "1000.00"))
    entry = reverse_payment(entry=paid.entry, business_date=date(2025, 2, 12), reason="R01", actor=None)

    def sides(of: JournalEntry, *, mirrored: bool = False) -> list[tuple[object, ...]]:
        rows = JournalLine.objects.filter(entry=of)
        return sorted(
            (
                row.ledger_account_id,
                row.account_id or 0,
                *((row.credit, row.debit) if mirrored else (row.debit, row.credit)),
            )
            for row in rows
        )

    assert sides(entry) == sides(paid.entry, mirrored=True)


def test_taking_back_twice_is_once(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    paid = pay(date(2025, 2, 3), (unit.pk, "amount", "500.00"))
    first = reverse_payment(entry=paid.entry, business_date=BACK, reason="R01", actor=None, fee=D("35.00"))
    count = AccountEvent.objects.count()
    again = reverse_payment(entry=paid.entry, business_date=BACK, reason="R01", actor=None, fee=D("35.00"))
    assert again == first
    assert AccountEvent.objects.count() == count
    assert AccountPosition.objects.get(account=unit.account).fees == D("35.00")
    assert problems() == []


def test_interest_billed_meanwhile_is_corrected(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    paid = pay(date(2025, 1, 22), (unit.pk, "amount", "6000.00"))
    bill_interest(period_end=date(2025, 1, 31))
    assert AccountPosition.objects.get(account=unit.account).billed_interest == D("63.33")
    reverse_payment(entry=paid.entry, business_date=BACK, reason="R01", actor=None)
    # What billing would have said had the payment never come.
    assert AccountPosition.objects.get(account=unit.account).billed_interest == D("79.17")
    correction = DueItem.objects.get(account=unit.account, kind="interest", number__gt=1_000_000)
    assert (correction.interest, correction.due_on) == (D("15.84"), date(2025, 3, 10))
    assert "+15.84" in correction.rule
    assert problems() == []


def test_the_return_fee_falls_due_with_the_next_bill(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    paid = pay(date(2025, 2, 3), (unit.pk, "amount", "500.00"))
    reverse_payment(entry=paid.entry, business_date=BACK, reason="R01", actor=None, fee=D("35.00"))
    assert amount_due([unit.pk], on=date(2025, 3, 10))[unit.pk].fees == D("35.00")
    assert JournalEntry.objects.get(source="fee").description == "Returned payment"


def test_a_payment_over_several_units_comes_back_from_all(inside: Cast) -> None:
    books = open_books(inside.dealership)
    one, two = books.fund("20000.00", FLOORED), books.fund("10000.00", FLOORED)
    paid = pay(date(2025, 2, 3), (one.pk, "amount", "500.00"), (two.pk, "amount", "250.00"))
    reverse_payment(entry=paid.entry, business_date=BACK, reason="R01", actor=None)
    owed = AccountPosition.objects.order_by("account_id").values_list("principal", flat=True)
    assert list(owed) == [D("20000.00"), D("10000.00")]
    assert problems() == []


def test_a_return_that_undoes_a_later_payoff_s_ground_reopens_the_unit(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    first = pay(date(2025, 2, 3), (unit.pk, "amount", "5000.00"))
    day = date(2025, 2, 10)
    pay(day, (unit.pk, "payoff", str(payoff_split(unit.pk, day).total)), key="P-2")
    reverse_payment(entry=first.entry, business_date=date(2025, 2, 12), reason="R01", actor=None)
    unit.refresh_from_db()
    assert unit.account.state == Account.State.OPEN
    position = AccountPosition.objects.get(account=unit.account)
    # The principal that did not come, and its interest of the seven days until the payoff.
    assert (position.principal, position.billed_interest) == (D("5000.00"), D("9.24"))
    assert payoff_split(unit.pk, date(2025, 2, 12)).total == D("5000.00") + D("11.88")
    assert problems() == []


def test_a_sold_unit_is_sold_again_when_its_payoff_comes_back(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    report_unit_sold(
        unit=unit, sold_at=datetime(2025, 2, 1, 17, tzinfo=UTC), reported_on=date(2025, 2, 1), actor=None
    )
    day = date(2025, 2, 3)
    paid = pay(day, (unit.pk, "payoff", str(payoff_split(unit.pk, day).total)))
    reverse_payment(entry=paid.entry, business_date=BACK, reason="R01", actor=None)
    assert Unit.objects.get(pk=unit.pk).state == Unit.State.SOLD
    owed = amount_due([unit.pk], on=BACK)[unit.pk]
    assert owed.is_payoff
    assert owed.principal == D("20000.00")
    assert problems() == []


@pytest.mark.parametrize("method", [Loan.Method.EQUAL_INSTALMENT, Loan.Method.ACTUAL_DAYS])
@pytest.mark.parametrize("extra", ["0.00", "3000.00"])
def test_a_returned_instalment_puts_the_plan_back(inside: Cast, method: Loan.Method, extra: str) -> None:
    open_books(inside.dealership)
    by_days = method == Loan.Method.ACTUAL_DAYS
    plan = make_plan("loans", margin=D("0.084"), day_count="actual/365" if by_days else "30/360")
    loan = open_loan(
        line=make_line(inside.dealership, plan, kind="term", limit="100000.00"),
        title="Loan",
        purpose="retail",
        method=method,
        amount=D("60000.00"),
        instalment_count=12,
        first_due_on=date(2025, 2, 1),
        funded_on=date(2025, 1, 1),
        business_date=date(2025, 1, 1),
        actor=None,
    )
    bill_instalments(through=date(2025, 2, 1))
    before = open_items(loan.pk)
    amount = D("5230.41") + D(extra)
    paid = pay(date(2025, 2, 6), (loan.pk, "amount", str(amount)))
    assert AccountPosition.objects.get(account_id=loan.pk).principal < D("55300.00")
    if D(extra):
        assert open_items(loan.pk) != before
        assert DueItem.objects.filter(account_id=loan.pk, kind="instalment").order_by("-number")[
            0
        ].principal < D("5000")
    reverse_payment(entry=paid.entry, business_date=date(2025, 2, 10), reason="R01", actor=None)
    assert open_items(loan.pk) == before
    assert AccountPosition.objects.get(account_id=loan.pk).principal == D("60000.00")
    assert problems() == []


def billed(unit: Unit) -> Decimal:
    rows = AccountEvent.objects.filter(account_id=unit.pk).values_list("billed", flat=True)
    return sum(rows, D("0.00"))


def test_a_payment_and_then_the_payoff_after_it_come_back_and_nothing_is_billed_twice(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", FLOORED)
    early = pay(date(2025, 1, 20), (unit.pk, "amount", "2000.00"), key="P-1")
    bill_interest(period_end=date(2025, 1, 31))
    day = date(2025, 2, 3)
    last = pay(day, (unit.pk, "payoff", str(payoff_split(unit.pk, day).total)), key="P-2")
    # The first return corrects the bill and what the payoff posted; the second takes payoff and correction back.
    reverse_payment(entry=early.entry, business_date=date(2025, 2, 5), reason="R01", actor=None)
    reverse_payment(entry=last.entry, business_date=date(2025, 2, 6), reason="R01", actor=None)
    assert billed(unit) == D("79.17"), "January, 15 days at 20,000.00"
    bill_interest(period_end=date(2025, 2, 28))
    assert billed(unit) == D("79.17") + D("147.78")
    position = AccountPosition.objects.get(account_id=unit.pk)
    assert (position.principal, position.billed_interest) == (D("20000.00"), D("226.95"))
    assert problems() == []


def test_credit_that_a_payoff_used_is_owed_again_when_its_payment_comes_back(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", FLOORED)
    early = pay(date(2025, 1, 20), (unit.pk, "amount", "2000.00"), key="P-1")
    day = date(2025, 2, 3)
    pay(day, (unit.pk, "payoff", str(payoff_split(unit.pk, day).total)), key="P-2")
    mistaken = pay(day, (unit.pk, "amount", "500.00"), key="P-3")
    reverse_payment(entry=early.entry, business_date=date(2025, 2, 5), reason="R01", actor=None)
    rest = payoff_split(unit.pk, BACK).total
    assert D("1500.00") < rest < D("1520.00")
    assert pay(BACK, (unit.pk, "payoff", str(rest)), key="P-4").closed == (unit.pk,)
    reverse_payment(entry=mistaken.entry, business_date=date(2025, 2, 7), reason="R01", actor=None)
    unit.refresh_from_db()
    assert (unit.state, unit.account.state) == (Unit.State.FUNDED, Account.State.OPEN)
    assert payoff_split(unit.pk, date(2025, 2, 7)).total == D("500.00")
    assert problems() == []
    pay(date(2025, 2, 7), (unit.pk, "payoff", "500.00"), key="P-5")
    assert AccountPosition.objects.get(account_id=unit.pk).credit == 0
    assert problems() == []


def test_an_entry_without_money_cannot_be_taken_back(inside: Cast) -> None:
    from finance.actions.refusals import RefusedError

    open_books(inside.dealership)
    with pytest.raises(RefusedError):
        reverse_payment(entry=JournalEntry(pk=10**12), business_date=BACK, reason="R01", actor=None)
