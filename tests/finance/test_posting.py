"""Posting payments: once, in full, by the line's order, and never lost."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Lender
from accounts.tenancy import platform, tenant
from finance.actions.billing import bill_interest
from finance.actions.chart import open_chart
from finance.actions.fees import assess_fee
from finance.actions.receipts import PostedPayment, Share, post_payment, split_amount, split_due
from finance.actions.refusals import RefusedError
from finance.models import (
    Account,
    AccountEvent,
    AccountPosition,
    DueItem,
    JournalEntry,
    JournalLine,
    LedgerAccount,
    Unit,
)
from finance.queries.dues import amount_due
from finance.queries.payoff import payoff_split, payoffs_on
from finance.queries.proof import problems, totals
from tests.cast import Cast
from tests.finance.books import D, make_line, make_plan, open_books, requested_unit

pytestmark = pytest.mark.django_db

FLOORED = date(2025, 1, 17)


def pay(key: str, on: date, *shares: tuple[int, str, str]) -> PostedPayment:
    return post_payment(
        key=key,
        shares=[Share(account, purpose, D(amount)) for account, purpose, amount in shares],  # type: ignore[arg-type]
        value_date=on,
        business_date=on,
        description="Payment",
        actor=None,
    )


def written() -> tuple[int, int, int]:
    return JournalEntry.objects.count(), JournalLine.objects.count(), AccountEvent.objects.count()


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
def test_a_lender_whose_currency_has_no_hundredths_gets_no_chart(inside: Cast, currency: str) -> None:
    with platform():
        Lender.objects.filter(pk=inside.lender.pk).update(currency=currency)
    with tenant(inside.lender.pk), pytest.raises(RefusedError, match=currency):
        open_chart()
    with tenant(inside.lender.pk):
        assert LedgerAccount.objects.count() == 0


def test_the_same_key_posts_once(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    first = pay("P-1", date(2025, 2, 3), (unit.pk, "amount", "500.00"))
    before = written()
    again = pay("P-1", date(2025, 2, 3), (unit.pk, "amount", "500.00"))
    assert again.entry == first.entry
    assert again.splits == first.splits
    assert written() == before
    assert AccountPosition.objects.get(account=unit.account).principal == D("19500.00")


def test_a_repeated_payoff_tells_the_same_story(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    day = date(2025, 2, 16)
    total = str(payoff_split(unit.pk, day).total + D("5.00"))
    first = pay("P-1", day, (unit.pk, "payoff", total))
    again = pay("P-1", day, (unit.pk, "payoff", total))
    assert (again.splits, again.closed) == (first.splits, first.closed)
    assert first.splits[unit.pk].remainder == D("5.00")


def test_an_entry_has_a_cash_line_and_two_sides_that_agree(inside: Cast) -> None:
    books = open_books(inside.dealership)
    one, two = books.fund("20000.00", FLOORED), books.fund("10000.00", FLOORED)
    posted = pay("P-1", date(2025, 2, 3), (one.pk, "amount", "500.00"), (two.pk, "amount", "250.00"))
    lines = JournalLine.objects.filter(entry=posted.entry).select_related("ledger_account")
    told = sorted(
        (line.ledger_account.code, line.account_id, line.debit, line.credit)
        for line in lines
        if line.account_id
    )
    assert told == [("1200", one.pk, 0, D("500.00")), ("1200", two.pk, 0, D("250.00"))]
    cash = [line for line in lines if line.account_id is None]
    assert [(line.ledger_account.code, line.debit, line.credit) for line in cash] == [
        ("1000", D("750.00"), 0)
    ]


def test_the_books_say_what_was_lent_paid_and_earned(inside: Cast) -> None:
    unit = open_books(inside.dealership, document_fee=D("18.00")).fund("20000.00", FLOORED)
    bill_interest(period_end=date(2025, 1, 31))
    pay("P-1", date(2025, 2, 10), (unit.pk, "amount", "1000.00"))
    assert totals() == {
        "1000": D("-19000.00"),
        "1200": D("19097.17"),
        "1210": 0,
        "1300": 0,
        "1310": 0,
        "2000": 0,
        "4000": D("-79.17"),
        "4100": D("-18.00"),
        "5000": 0,
    }


@pytest.mark.parametrize(
    ("order", "split"),
    [
        ("fees,interest,principal", ("0.00", "82.00", "18.00")),
        ("interest,principal,fees", ("0.00", "100.00", "0.00")),
        ("interest,fees,principal", ("0.00", "100.00", "0.00")),
    ],
)
def test_each_order_of_application_fills_what_is_due_on_one_day(
    inside: Cast, order: str, split: tuple[str, str, str]
) -> None:
    books = open_books(inside.dealership, allocation_order=order)
    unit = books.fund("31500.00", date(2025, 2, 10))
    bill_interest(period_end=date(2025, 2, 28))
    assess_fee(
        account=unit.pk,
        amount=D("18.00"),
        name="Lot check",
        effective_on=date(2025, 2, 20),
        business_date=date(2025, 2, 20),
        key="lot",
        actor=None,
    )
    assert split_due(unit.account, date(2025, 3, 10)).total == D("175.94")
    shown = split_amount(unit.account, D("100.00"), date(2025, 3, 10))
    assert (shown.principal, shown.interest, shown.fees) == tuple(map(D, split))
    posted = pay("P-1", date(2025, 3, 10), (unit.pk, "amount", "100.00"))
    assert posted.splits[unit.pk] == shown
    assert problems() == []


def test_the_oldest_due_comes_first(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    bill_interest(period_end=date(2025, 1, 31))
    bill_interest(period_end=date(2025, 2, 28))
    pay("P-1", date(2025, 3, 20), (unit.pk, "amount", "200.00"))
    items = DueItem.objects.filter(account=unit.account, kind="interest").order_by("due_on")
    assert [(item.interest, item.outstanding_interest) for item in items] == [
        (D("79.17"), 0),
        (D("147.78"), D("26.95")),
    ]
    curtailment = DueItem.objects.get(account=unit.account, kind="curtailment", number=1)
    assert curtailment.outstanding_principal == D("2000.00")


def test_a_curtailment_paid_early_reduces_the_same_step(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    pay("P-1", date(2025, 2, 3), (unit.pk, "amount", "2500.00"))
    steps = DueItem.objects.filter(account=unit.account, kind="curtailment").order_by("number")
    assert [item.outstanding_principal for item in steps] == [0, D("1500.00"), D("2000.00")]
    kinds = (
        AccountEvent.objects.filter(account=unit.account).order_by("sequence").values_list("kind", flat=True)
    )
    assert list(kinds) == ["advance", "curtailment"]


def test_what_exceeds_the_debt_is_held_as_credit(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    total = payoff_split(unit.pk, date(2025, 2, 16)).total
    posted = pay("P-1", date(2025, 2, 16), (unit.pk, "payoff", str(total + D("12.34"))))
    assert posted.splits[unit.pk].remainder == D("12.34")
    assert posted.closed == (unit.pk,)
    assert AccountPosition.objects.get(account=unit.account).credit == D("12.34")
    late = pay("P-2", date(2025, 2, 17), (unit.pk, "amount", "7.66"))
    assert late.splits[unit.pk].remainder == D("7.66")
    assert totals()["2000"] == D("-20.00")
    assert problems() == []


def test_two_payoffs_of_one_unit_take_it_once_and_keep_the_rest_safe(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    total = str(payoff_split(unit.pk, date(2025, 2, 16)).total)
    pay("P-1", date(2025, 2, 16), (unit.pk, "payoff", total))
    second = pay("P-2", date(2025, 2, 16), (unit.pk, "payoff", total))
    assert second.splits[unit.pk].remainder == D(total)
    assert second.closed == ()
    assert AccountPosition.objects.get(account=unit.account).credit == D(total)
    assert problems() == []


def test_a_payoff_that_no_longer_suffices_leaves_the_unit_open(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    day = date(2025, 2, 16)
    total = payoff_split(unit.pk, day).total
    assess_fee(
        account=unit.pk,
        amount=D("25.00"),
        name="Lot check",
        effective_on=day,
        business_date=day,
        key="f",
        actor=None,
    )
    posted = pay("P-1", day, (unit.pk, "payoff", str(total)))
    assert posted.closed == ()
    assert posted.splits[unit.pk].total == total
    assert payoffs_on([unit.pk], day)[unit.pk] == D("25.00")
    assert problems() == []


def test_paying_more_than_principal_and_less_than_a_payoff_leaves_interest(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    posted = pay("P-1", date(2025, 2, 16), (unit.pk, "amount", "20050.00"))
    assert (posted.splits[unit.pk].principal, posted.splits[unit.pk].interest) == (D("20000.00"), D("50.00"))
    owed = amount_due([unit.pk], on=date(2025, 3, 10))[unit.pk]
    assert (owed.principal, owed.interest) == (0, D("108.33"))
    last = pay("P-2", date(2025, 3, 10), (unit.pk, "due", "108.33"))
    assert last.closed == (unit.pk,)
    assert Unit.objects.get(pk=unit.pk).state == Unit.State.PAID
    assert problems() == []


def test_a_payment_with_an_earlier_value_date_corrects_what_was_billed_since(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    bill_interest(period_end=date(2025, 1, 31))
    pay("P-1", date(2025, 2, 10), (unit.pk, "due", "79.17"))
    bill_interest(period_end=date(2025, 2, 28))
    post_payment(
        key="P-2",
        shares=[Share(unit.pk, "amount", D("2000.00"))],
        value_date=date(2025, 2, 24),
        business_date=date(2025, 3, 3),
        description="Payment",
        actor=None,
    )
    # The money paid the bill first; five days of the other 1,852.22 make 145.33 of 147.78.
    assert list(
        AccountEvent.objects.filter(account=unit.account, kind="adjustment").values_list(
            "effective_on", "billed"
        )
    ) == [(date(2025, 3, 1), D("-2.45"))]
    assert problems() == []


def test_interest_paid_and_not_owed_after_all_is_credited(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    bill_interest(period_end=date(2025, 1, 31))
    pay("P-1", date(2025, 2, 10), (unit.pk, "due", "79.17"))
    post_payment(
        key="P-2",
        shares=[Share(unit.pk, "amount", D("6000.00"))],
        value_date=date(2025, 1, 22),
        business_date=date(2025, 2, 11),
        description="Payment",
        actor=None,
    )
    position = AccountPosition.objects.get(account=unit.account)
    # Ten days of 6,000.00 make 63.33 of 79.17.
    assert (position.billed_interest, position.credit) == (0, D("15.84"))
    split = payoff_split(unit.pk, date(2025, 3, 1))
    assert split.total == D("14000.00") + D("103.45") - D("15.84")
    assert problems() == []


@pytest.mark.parametrize(
    "shares",
    [
        [],
        [Share(1, "amount", Decimal("0.00"))],
        [Share(1, "amount", Decimal("-5.00"))],
        [Share(10**12, "amount", Decimal("5.00"))],
    ],
)
def test_a_payment_of_nothing_or_for_nobody_is_refused(inside: Cast, shares: list[Share]) -> None:
    open_books(inside.dealership)
    with pytest.raises(RefusedError):
        post_payment(
            key="P-1",
            shares=shares,
            value_date=FLOORED,
            business_date=FLOORED,
            description="Payment",
            actor=None,
        )
    assert written() == (0, 0, 0)


def test_a_unit_that_was_never_funded_takes_no_payment(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = requested_unit(books.line, "9000.00")
    with pytest.raises(RefusedError):
        pay("P-1", FLOORED, (unit.pk, "amount", "10.00"))
    assert written() == (0, 0, 0)


def test_one_payment_stays_within_one_dealership(inside: Cast) -> None:
    books = open_books(inside.dealership)
    ours = books.fund("9000.00", FLOORED)
    theirs = books.fund("9000.00", FLOORED, line=make_line(inside.stranger_dealership, books.plan))
    before = written()
    with pytest.raises(RefusedError):
        pay("P-1", FLOORED, (ours.pk, "amount", "10.00"), (theirs.pk, "amount", "10.00"))
    assert written() == before


def test_two_lenders_leave_each_other_untouched(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        ours = open_books(cast.dealership).fund("20000.00", FLOORED)
    with tenant(cast.other_lender.pk):
        other = open_books(cast.other_dealership).fund("20000.00", FLOORED)
        bill_interest(period_end=date(2025, 1, 31))
        with pytest.raises(RefusedError):
            pay("P-1", date(2025, 2, 3), (ours.pk, "amount", "10.00"))
        pay("P-1", date(2025, 2, 3), (other.pk, "amount", "10.00"))
        assert problems() == []
        assert Account.objects.filter(pk=ours.pk).count() == 0
    with tenant(cast.lender.pk):
        pay("P-1", date(2025, 2, 3), (ours.pk, "amount", "10.00"))
        assert AccountPosition.objects.get(account_id=ours.pk).principal == D("19990.00")
        assert AccountEvent.objects.filter(kind="interest_billed").count() == 0
        assert problems() == []


def test_a_payment_takes_the_same_few_round_trips_for_one_unit_or_twenty(
    inside: Cast, django_assert_num_queries: object
) -> None:
    books = open_books(inside.dealership, limit="900000.00")
    one = books.fund("9000.00", FLOORED)
    many = [books.fund("9000.00", FLOORED) for _ in range(20)]
    with django_assert_num_queries(2):  # type: ignore[operator]
        pay("P-1", date(2025, 2, 3), (one.pk, "amount", "10.00"))
    with django_assert_num_queries(2):  # type: ignore[operator]
        pay("P-2", date(2025, 2, 3), *((unit.pk, "amount", "10.00") for unit in many))


def test_a_plan_that_compounds_daily_is_paid_to_the_cent(inside: Cast) -> None:
    books = open_books(inside.dealership)
    line = make_line(inside.dealership, make_plan("daily", compounding="daily"), programme=None, term_days=60)
    unit = books.fund("20000.00", FLOORED, line=line)
    bill_interest(period_end=date(2025, 1, 31))
    bill_interest(period_end=date(2025, 2, 28))
    assert problems() == []
    day = date(2025, 3, 18)
    pay("P-1", day, (unit.pk, "payoff", str(payoff_split(unit.pk, day).total)))
    assert payoffs_on([unit.pk], day) == {unit.pk: D("0.00")}
    assert problems() == []
