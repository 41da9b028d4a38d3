"""Several hands in the books at once: real threads, real connections, real commits; each race with a control."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from threading import Barrier, BrokenBarrierError, Event
from time import sleep
from typing import Any

import pytest
from django.db import DatabaseError, connection

from accounts.tenancy import tenant
from finance.actions import receipts, room, units
from finance.actions.billing import bill_interest
from finance.actions.days import close_day
from finance.actions.rates import record_fixing
from finance.actions.receipts import Share, post_payment, reverse_payment
from finance.actions.refusals import OverLimitError, RefusedError
from finance.actions.units import approve_advance
from finance.models import (
    AccountEvent,
    AccountPosition,
    CreditLine,
    DayStep,
    DueItem,
    JournalEntry,
    RatePlanDay,
    Statement,
    Unit,
)
from finance.queries import cards
from finance.queries.availability import line_availability
from finance.queries.payoff import payoff_split
from finance.queries.proof import problems
from tests.cast import Cast, make_cast
from tests.finance.books import NOON, Books, D, open_books, requested_unit

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

FLOORED = date(2025, 1, 17)
DAY = date(2025, 2, 16)
NOON_OF_DAY = datetime(2025, 2, 16, 19, 0, tzinfo=UTC)


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Run the acts in threads that start together, each with a connection of its own; errors are answers."""
    barrier = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        try:
            barrier.wait(timeout=30)
            return act()
        except Exception as error:  # noqa: BLE001 - an answer like any other
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def meeting(number: int, act: Callable[..., Any]) -> Callable[..., Any]:
    """`act`, after which `number` threads wait for one another: the worst moment, made certain."""
    barrier = Barrier(number)

    def slowly(*args: Any, **kwargs: Any) -> Any:
        answer = act(*args, **kwargs)
        with suppress(BrokenBarrierError):
            barrier.wait(timeout=3)
        return answer

    return slowly


def pay(lender_id: int, key: str, *shares: tuple[int, str, str], value_date: date = DAY) -> Any:
    with tenant(lender_id):
        return post_payment(
            key=key,
            shares=[Share(account, purpose, D(amount)) for account, purpose, amount in shares],  # type: ignore[arg-type]
            value_date=value_date,
            business_date=DAY,
            description="Payment",
            actor=None,
        )


def books_of(cast: Cast, **terms: object) -> Books:
    with tenant(cast.lender.pk):
        return open_books(cast.dealership, **terms)


def fund(cast: Cast, books: Books, amount: str = "20000.00") -> Unit:
    with tenant(cast.lender.pk):
        return books.fund(amount, FLOORED)


def proven(cast: Cast) -> bool:
    with tenant(cast.lender.pk):
        return problems() == []


# --- two payoffs of one unit ------------------------------------------------------------------------------------------


def test_two_payoffs_of_one_unit_close_it_once(cast: Cast) -> None:
    unit = fund(cast, books_of(cast))
    with tenant(cast.lender.pk):
        total = payoff_split(unit.pk, DAY).total
    answers = at_once(
        lambda: pay(cast.lender.pk, "P-1", (unit.pk, "payoff", str(total))),
        lambda: pay(cast.lender.pk, "P-2", (unit.pk, "payoff", str(total))),
    )
    assert sorted(answer.closed for answer in answers) == [(), (unit.pk,)]
    assert sorted(answer.splits[unit.pk].remainder for answer in answers) == [0, total]
    with tenant(cast.lender.pk):
        assert AccountEvent.objects.filter(kind="payoff").count() == 1
        assert AccountPosition.objects.get(account_id=unit.pk).credit == total
    assert proven(cast)


def test_without_the_lock_two_payoffs_collide(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = fund(cast, books_of(cast))
    with tenant(cast.lender.pk):
        total = payoff_split(unit.pk, DAY).total
    monkeypatch.setattr(cards, "_READ", cards._READ.replace("%(hold_accounts)s", "false"))
    monkeypatch.setattr(receipts, "load_cards", meeting(2, receipts.load_cards))
    answers = at_once(
        lambda: pay(cast.lender.pk, "P-1", (unit.pk, "payoff", str(total))),
        lambda: pay(cast.lender.pk, "P-2", (unit.pk, "payoff", str(total))),
    )
    # Both read an open unit; the event's number lets only one of them write.
    assert sum(isinstance(answer, DatabaseError | RuntimeError) for answer in answers) == 1
    assert proven(cast)


def test_the_same_payment_ten_times_at_once_is_one(cast: Cast) -> None:
    unit = fund(cast, books_of(cast))
    answers = at_once(*[lambda: pay(cast.lender.pk, "P-1", (unit.pk, "amount", "500.00"))] * 10)
    assert len({answer.entry.pk for answer in answers}) == 1
    assert {answer.splits[unit.pk].principal for answer in answers} == {D("500.00")}
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 1
        assert AccountPosition.objects.get(account_id=unit.pk).principal == D("19500.00")


def test_many_payments_over_the_same_units_in_any_order_neither_lock_up_nor_lose_a_cent(cast: Cast) -> None:
    books = books_of(cast, limit="900000.00")
    accounts = [fund(cast, books, "9000.00").pk for _ in range(6)]

    def pay_all(place: int) -> Any:
        shares = [(account, "amount", "10.00") for account in accounts[place:] + accounts[:place]]
        return pay(cast.lender.pk, f"P-{place}", *(shares if place % 2 else shares[::-1]))

    answers = at_once(*[lambda place=place: pay_all(place) for place in range(8)])
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    with tenant(cast.lender.pk):
        owed = set(AccountPosition.objects.values_list("principal", flat=True))
        assert owed == {Decimal("8920.00")}
    assert proven(cast)


def test_a_payment_that_comes_back_twice_at_once_comes_back_once(cast: Cast) -> None:
    unit = fund(cast, books_of(cast))
    paid = pay(cast.lender.pk, "P-1", (unit.pk, "amount", "500.00"))

    def take_back() -> Any:
        with tenant(cast.lender.pk):
            return reverse_payment(
                entry=paid.entry, business_date=DAY, reason="R01", actor=None, fee=D("35.00")
            )

    answers = at_once(*[take_back] * 4)
    assert len({answer.pk for answer in answers}) == 1
    with tenant(cast.lender.pk):
        position = AccountPosition.objects.get(account_id=unit.pk)
        assert (position.principal, position.fees) == (D("20000.00"), D("35.00"))
    assert proven(cast)


# --- the last free credit ---------------------------------------------------------------------------------------------


def approvals(cast: Cast, books: Books) -> list[Any]:
    with tenant(cast.lender.pk):
        asked = [requested_unit(books.line, "6000.00") for _ in range(2)]

    def approve(unit: Unit) -> Any:
        with tenant(cast.lender.pk):
            return approve_advance(unit=unit, approved_at=NOON, actor=None)

    return at_once(*[lambda unit=unit: approve(unit) for unit in asked])


def test_two_advances_on_the_last_free_credit_are_one(cast: Cast) -> None:
    books = books_of(cast, limit="10000.00")
    answers = approvals(cast, books)
    assert sum(isinstance(answer, OverLimitError) for answer in answers) == 1
    with tenant(cast.lender.pk):
        assert line_availability(books.line, as_of=FLOORED).available == D("4000.00")


def test_without_the_line_s_lock_both_would_be_promised(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    books = books_of(cast, limit="10000.00")
    monkeypatch.setattr(units, "locked_line", lambda line_id: CreditLine.objects.get(pk=line_id))
    monkeypatch.setattr(room, "line_availability", meeting(2, room.line_availability))
    answers = approvals(cast, books)
    assert [type(answer) for answer in answers] == [Unit, Unit]
    with tenant(cast.lender.pk):
        assert line_availability(books.line, as_of=FLOORED).available == D("-2000.00")


# --- payments, billing, rates -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("value_date", [date(2025, 1, 29), date(2025, 2, 1), DAY])
def test_payments_and_billing_at_once_agree_in_the_end(cast: Cast, value_date: date) -> None:
    books = books_of(cast, limit="900000.00")
    accounts = [fund(cast, books).pk for _ in range(5)]

    def bill() -> Any:
        with tenant(cast.lender.pk):
            return bill_interest(period_end=date(2025, 1, 31))

    answers = at_once(
        bill,
        bill,
        *[
            lambda place=place, account=account: pay(
                cast.lender.pk, f"P-{place}", (account, "amount", "1234.56"), value_date=value_date
            )
            for place, account in enumerate(accounts)
        ],
    )
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert answers[0].accounts + answers[1].accounts == 5
    with tenant(cast.lender.pk):
        assert DueItem.objects.filter(kind="interest", number=202501).count() == 5
        assert AccountEvent.objects.filter(kind="interest_billed").count() == 5
    assert proven(cast)


def test_a_fixing_and_payments_at_once_agree_in_the_end(cast: Cast) -> None:
    books = books_of(cast, limit="900000.00")
    accounts = [fund(cast, books).pk for _ in range(4)]

    def fix() -> Any:
        with tenant(cast.lender.pk):
            return record_fixing(
                index=books.index,
                effective_from=date(2025, 2, 1),
                annual_rate=D("0.05"),
                source="published",
                business_date=DAY,
                actor=None,
            )

    answers = at_once(
        fix,
        *[
            lambda place=place, account=account: pay(
                cast.lender.pk, f"P-{place}", (account, "amount", "500.00")
            )
            for place, account in enumerate(accounts)
        ],
    )
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert proven(cast)


def test_without_the_rates_lock_a_payment_counts_by_rates_that_are_gone(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = books_of(cast)
    unit = fund(cast, books)
    monkeypatch.setattr(cards, "_READ", cards._READ.replace("%(hold_rates)s", "false"))
    has_read, is_fixed = Event(), Event()
    read = cards.load_cards

    def read_and_wait(*args: Any, **kwargs: Any) -> Any:
        answer = read(*args, **kwargs)
        has_read.set()
        assert is_fixed.wait(timeout=10)
        return answer

    monkeypatch.setattr(receipts, "load_cards", read_and_wait)

    def fix() -> None:
        assert has_read.wait(timeout=10)
        with tenant(cast.lender.pk):
            record_fixing(
                index=books.index,
                effective_from=date(2025, 2, 1),
                annual_rate=D("0.05"),
                source="published",
                business_date=DAY,
                actor=None,
            )
        is_fixed.set()

    answers = at_once(fix, lambda: pay(cast.lender.pk, "P-1", (unit.pk, "amount", "500.00")))
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    assert not proven(cast)


# --- the end of day ---------------------------------------------------------------------------------------------------


def test_two_schedulers_close_a_day_once(cast: Cast) -> None:
    books = books_of(cast, limit="900000.00")
    for _ in range(3):
        fund(cast, books)
    now = datetime(2025, 2, 1, 8, tzinfo=UTC)

    def close() -> Any:
        return close_day(lender_id=cast.lender.pk, business_date=date(2025, 1, 31), now=now)

    answers = at_once(*[close] * 4)
    assert [answer for answer in answers if isinstance(answer, Exception)] == []
    # Whoever met a step in other hands left; what may be left to do, the next round does.
    close()
    with tenant(cast.lender.pk):
        assert set(DayStep.objects.values_list("state", flat=True)) == {"done"}
        assert DayStep.objects.count() == 5
        assert AccountEvent.objects.filter(kind="interest_billed").count() == 3
        assert Statement.objects.count() == 1
        assert RatePlanDay.objects.count() == RatePlanDay.objects.values("plan_id", "day").distinct().count()
    assert proven(cast)


def test_a_sale_that_is_reported_while_the_payoff_is_posted_waits_for_it(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tenant(cast.lender.pk):
        unit = open_books(cast.dealership).fund("20000.00", FLOORED)
    is_held = Event()
    close = receipts.close_accounts

    def close_late(*args: Any, **kwargs: Any) -> None:
        is_held.set()
        # Time for the other to take what it can; no answer comes from it before this ends.
        sleep(1)
        close(*args, **kwargs)

    monkeypatch.setattr(receipts, "close_accounts", close_late)

    def pay_off() -> Any:
        with tenant(cast.lender.pk):
            total = payoff_split(unit.pk, DAY).total
            return post_payment(
                key="P-1",
                shares=[Share(unit.pk, "payoff", total)],
                value_date=DAY,
                business_date=DAY,
                description="Payment",
                actor=None,
            ).closed

    def report() -> Any:
        is_held.wait(timeout=30)
        with tenant(cast.lender.pk):
            return units.report_unit_sold(unit=unit, sold_at=NOON_OF_DAY, reported_on=DAY, actor=None)

    paid, reported = at_once(pay_off, report)
    assert paid == (unit.pk,)
    assert isinstance(reported, RefusedError)
    with tenant(cast.lender.pk):
        assert Unit.objects.get(pk=unit.pk).state == Unit.State.PAID
        assert problems() == []
