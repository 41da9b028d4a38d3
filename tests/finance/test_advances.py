"""Advances: asked for, promised, funded within the line, curtailed by programme, sold with a clock."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from accounts.models import AuditEntry
from finance.actions.billing import bill_interest
from finance.actions.lines import change_limit, open_line, set_line_terms
from finance.actions.programmes import create_programme
from finance.actions.receipts import Share, post_payment
from finance.actions.refusals import OverLimitError, RefusedError
from finance.actions.units import (
    approve_advance,
    fund_advance,
    refuse_advance,
    report_unit_sold,
    request_advance,
)
from finance.models import Account, AccountEvent, CreditLine, DueItem, JournalEntry, Unit
from finance.queries.availability import line_availability
from finance.queries.dues import amount_due, split_due
from finance.queries.payoff import payoff_split, payoffs_on
from finance.queries.positions import position_on
from finance.queries.proof import problems
from tests.cast import Cast
from tests.finance.books import NOON, D, approved_unit, make_line, next_vin, open_books, requested_unit

pytestmark = pytest.mark.django_db

FLOORED = date(2025, 1, 17)


def schedule(unit: Unit) -> list[tuple[str, date, Decimal]]:
    rows = DueItem.objects.filter(account_id=unit.pk, principal__gt=0).order_by("due_on", "number")
    return [(row.kind, row.due_on, row.principal) for row in rows]


def ask(line: CreditLine, **changes: object) -> Unit:
    values: dict[str, object] = {
        "vin": next_vin(),
        "model_year": 2024,
        "make": "Honda",
        "model": "Civic",
        "advance_amount": D("9000.00"),
        "requested_at": NOON,
        "actor": None,
    }
    values.update(changes)
    return request_advance(line=line, **values)  # type: ignore[arg-type]


def test_an_advance_is_owed_once_it_is_funded(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = requested_unit(books.line, "9000.00")
    assert (unit.state, unit.account.state) == (Unit.State.REQUESTED, Account.State.PENDING)
    approve_advance(unit=unit, approved_at=NOON, actor=inside.finance)
    assert line_availability(books.line, as_of=FLOORED).approved == D("9000.00")
    assert AccountEvent.objects.count() == 0
    entry = fund_advance(unit=unit, funded_on=FLOORED, business_date=FLOORED, actor=inside.finance)
    unit.refresh_from_db()
    unit.account.refresh_from_db()
    assert (unit.state, unit.funded_on, unit.account.opened_on) == (Unit.State.FUNDED, FLOORED, FLOORED)
    assert (entry.source, entry.actor_id) == ("advance", inside.finance.pk)
    room = line_availability(books.line, as_of=FLOORED)
    assert (room.principal, room.approved, room.available) == (D("9000.00"), 0, D("66000.00"))
    codes = AuditEntry.objects.filter(code__startswith="unit.").order_by("pk").values_list("code", flat=True)
    assert list(codes) == ["unit.requested", "unit.approved", "unit.funded"]


def test_interest_may_begin_after_free_days(inside: Cast) -> None:
    books = open_books(inside.dealership, document_fee=D("18.00"))
    unit = books.fund("20000.00", FLOORED, interest_from=date(2025, 2, 1))
    assert position_on(unit.account, date(2025, 1, 30)).accrued == 0
    assert round(position_on(unit.account, date(2025, 2, 2)).accrued, 6) == D("5.277778")
    day = date(2025, 1, 25)
    assert payoff_split(unit.pk, day).total == D("20018.00")
    post_payment(
        key="P-1",
        shares=[Share(unit.pk, "payoff", D("20018.00"))],
        value_date=day,
        business_date=day,
        description="Payoff",
        actor=None,
    )
    assert Unit.objects.get(pk=unit.pk).state == Unit.State.PAID
    assert problems() == []


def test_interest_may_begin_before_the_money_leaves(inside: Cast) -> None:
    books = open_books(inside.dealership, document_fee=D("18.00"))
    unit = books.fund("20000.00", FLOORED, interest_from=date(2025, 1, 10))
    assert round(position_on(unit.account, FLOORED).accrued, 6) == D("36.944444"), "7 days at 5.277778"
    assert unit.funded_on == FLOORED
    assert DueItem.objects.get(account_id=unit.pk, kind="curtailment", number=1).due_on == date(2025, 3, 18)
    bill_interest(period_end=date(2025, 1, 31))
    assert position_on(unit.account, date(2025, 2, 1)).billed_interest == D("116.11"), "22 days"
    assert problems() == []


SHAPES = {
    "interval": (
        {"kind": "interval", "days": 60, "fraction": "0.10", "base": "original", "times": 2},
        None,
        [("curtailment", date(2025, 3, 18), "2000.00"), ("curtailment", date(2025, 5, 17), "2000.00"),
         ("maturity", date(2025, 7, 16), "16000.00")],
    ),
    "of what remains, with maturity": (
        {"kind": "interval", "days": 30, "fraction": "0.50", "base": "remaining", "times": None},
        90,
        [("curtailment", date(2025, 2, 16), "10000.00"), ("curtailment", date(2025, 3, 18), "5000.00"),
         ("maturity", date(2025, 4, 17), "5000.00")],
    ),
    "monthly from an age, with stop": (
        {"kind": "age_monthly", "from_age": 120, "fraction": "0.30", "stop_original": "0.5", "stop_wholesale": None},
        None,
        [("curtailment", date(2025, 5, 17), "6000.00"), ("curtailment", date(2025, 6, 17), "4000.00")],
    ),
    "everything at an age": ({"kind": "full_payoff", "days": 91}, None, [("maturity", date(2025, 4, 18), "20000.00")]),
    "steps due on the next payment day": (
        {"kind": "steps", "table": [[270, "0.05"]], "due_rule": {"kind": "following_month", "day": 15}},
        300,
        [("curtailment", date(2025, 11, 15), "1000.00"), ("maturity", date(2025, 12, 15), "19000.00")],
    ),
    "on business days": (
        {"kind": "interval", "days": 1, "fraction": "1", "due_rule": {"kind": "next_business_day"}},
        None,
        # Saturday, Sunday, and Martin Luther King Day.
        [("curtailment", date(2025, 1, 21), "20000.00")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_of_programme_becomes_due_items(inside: Cast, name: str) -> None:
    shape, term_days, expected = SHAPES[name]
    books = open_books(inside.dealership)
    programme = create_programme(code="other", name="Other", shape=shape, grace_days=5, actor=None)
    line = make_line(inside.dealership, books.plan, programme=programme, term_days=term_days)
    unit = books.fund("20000.00", FLOORED, line=line)
    assert schedule(unit) == [(kind, day, D(amount)) for kind, day, amount in expected]
    matures = [day for kind, day, _ in expected if kind == "maturity"]
    assert unit.maturity_on == (matures[0] if matures else None)
    assert problems() == []


def test_principal_that_no_programme_asks_for_is_paid_all_the_same(inside: Cast) -> None:
    books = open_books(inside.dealership)
    shape = SHAPES["monthly from an age, with stop"][0]
    programme = create_programme(code="stop", name="Stop", shape=shape, actor=None)
    unit = books.fund("20000.00", FLOORED, line=make_line(inside.dealership, books.plan, programme=programme))
    day = date(2025, 2, 3)
    posted = post_payment(
        key="P-1",
        shares=[Share(unit.pk, "amount", D("13000.00"))],
        value_date=day,
        business_date=day,
        description="Payment",
        actor=None,
    )
    assert posted.splits[unit.pk].principal == D("13000.00")
    assert problems() == []


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"kind": "weekly"},
        {"kind": "interval", "days": 0, "fraction": "0.1"},
        {"kind": "steps", "table": []},
    ],
)
def test_a_programme_that_says_nothing_is_refused(inside: Cast, shape: dict[str, object]) -> None:
    with pytest.raises(RefusedError):
        create_programme(code="bad", name="Bad", shape=shape, actor=None)


# --- the line's limit -------------------------------------------------------------------------------------------------


def test_a_hard_limit_refuses_and_changes_nothing(inside: Cast) -> None:
    books = open_books(inside.dealership, limit="20000.00")
    books.fund("12000.00", FLOORED)
    unit = requested_unit(books.line, "8000.01")
    with pytest.raises(OverLimitError, match=r"8000\.00 USD free"):
        approve_advance(unit=unit, approved_at=NOON, reason="please", actor=None)
    assert Unit.objects.get(pk=unit.pk).state == Unit.State.REQUESTED
    approve_advance(unit=requested_unit(books.line, "8000.00"), approved_at=NOON, actor=None)
    assert line_availability(books.line, as_of=FLOORED).available == 0


def test_a_limit_cut_after_approval_refuses_the_funding(inside: Cast) -> None:
    books = open_books(inside.dealership, limit="20000.00")
    unit = approved_unit(books.line, "15000.00")
    change_limit(line=books.line, limit=D("14999.99"), reason="Annual review", actor=inside.finance)
    with pytest.raises(OverLimitError):
        fund_advance(unit=unit, funded_on=FLOORED, business_date=FLOORED, actor=None)
    assert JournalEntry.objects.count() == 0
    assert Unit.objects.get(pk=unit.pk).state == Unit.State.APPROVED


def test_a_soft_limit_asks_for_a_reason(inside: Cast) -> None:
    books = open_books(inside.dealership, limit="10000.00", hard=False)
    unit = requested_unit(books.line, "12000.00")
    with pytest.raises(OverLimitError, match="say why"):
        approve_advance(unit=unit, approved_at=NOON, actor=None)
    approve_advance(unit=unit, approved_at=NOON, reason="Trade-in arrives tomorrow", actor=None)
    with pytest.raises(OverLimitError, match="say why"):
        fund_advance(unit=unit, funded_on=FLOORED, business_date=FLOORED, actor=None)
    fund_advance(unit=unit, funded_on=FLOORED, business_date=FLOORED, reason="As approved", actor=None)
    assert line_availability(books.line, as_of=FLOORED).available == D("-2000.00")
    assert AuditEntry.objects.get(code="unit.funded").reason == "As approved"


def test_a_frozen_line_lends_nothing(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = approved_unit(books.line, "9000.00")
    CreditLine.objects.filter(pk=books.line.pk).update(state=CreditLine.State.FROZEN)
    with pytest.raises(RefusedError):
        fund_advance(unit=unit, funded_on=FLOORED, business_date=FLOORED, actor=None)
    books.line.refresh_from_db()
    with pytest.raises(RefusedError):
        ask(books.line)


@pytest.mark.parametrize(
    "changes",
    [
        {"vin": "1HGCM82633A004353"},
        {"vin": "short"},
        {"advance_amount": Decimal("0.00")},
        {"advance_amount": Decimal("-1.00")},
        {"advance_amount": Decimal("10.001")},
        {"advance_amount": Decimal("9000.01"), "cost": Decimal("9000.00")},
        {"requested_at": datetime(2024, 12, 30, tzinfo=UTC)},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(inside: Cast, changes: dict[str, object]) -> None:
    books = open_books(inside.dealership)
    with pytest.raises(RefusedError):
        ask(books.line, **changes)
    assert Unit.objects.count() == Account.objects.count() == 0


def test_a_vehicle_is_floored_once_at_a_time(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = approved_unit(books.line, "9000.00")
    with pytest.raises(RefusedError, match="on a line already"):
        ask(books.line, vin=unit.vin)
    refuse_advance(unit=unit, reason="Title is missing", actor=None)
    assert Account.objects.get(pk=unit.pk).state == Account.State.CANCELLED
    assert ask(books.line, vin=unit.vin.lower()).vin == unit.vin


def test_steps_of_a_unit_s_life_come_in_order(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = requested_unit(books.line, "9000.00")
    with pytest.raises(RefusedError):
        fund_advance(unit=unit, funded_on=FLOORED, business_date=FLOORED, actor=None)
    with pytest.raises(RefusedError):
        refuse_advance(unit=unit, reason=" ", actor=None)
    funded = books.fund("5000.00", FLOORED)
    for act in (
        lambda: approve_advance(unit=funded, approved_at=NOON, actor=None),
        lambda: fund_advance(unit=funded, funded_on=FLOORED, business_date=FLOORED, actor=None),
        lambda: refuse_advance(unit=funded, reason="Late", actor=None),
    ):
        with pytest.raises(RefusedError):
            act()
    assert JournalEntry.objects.count() == 1


# --- sold -------------------------------------------------------------------------------------------------------------


def test_a_sale_starts_the_clock_and_gathers_what_is_due(inside: Cast) -> None:
    books = open_books(inside.dealership, payoff_hours_after_sale=48)
    unit = books.fund("20000.00", FLOORED)
    # 17:30 on 20 March in Denver.
    sold_at = datetime(2025, 3, 20, 23, 30, tzinfo=UTC)
    item = report_unit_sold(unit=unit, sold_at=sold_at, reported_on=date(2025, 3, 21), actor=None)
    unit.refresh_from_db()
    assert (unit.state, unit.sold_on) == (Unit.State.SOLD, date(2025, 3, 20))
    assert unit.payoff_due_at == datetime(2025, 3, 22, 23, 30, tzinfo=UTC)
    # The curtailment of 18 March was due before; the rest comes with the payoff.
    assert (item.due_on, item.principal) == (date(2025, 3, 22), D("18000.00"))
    assert schedule(unit) == [
        ("curtailment", date(2025, 3, 18), D("2000.00")),
        ("payoff", date(2025, 3, 22), D("18000.00")),
    ]
    assert problems() == []
    before = amount_due([unit.pk], on=date(2025, 3, 21))[unit.pk]
    assert (before.total, before.is_payoff, before.next_due_on) == (D("2000.00"), False, date(2025, 3, 22))
    due = amount_due([unit.pk], on=date(2025, 3, 22))[unit.pk]
    assert due.is_payoff
    assert (
        due.total
        == split_due(unit.pk, date(2025, 3, 22)).total
        == payoffs_on([unit.pk], date(2025, 3, 22))[unit.pk]
    )


def test_all_of_a_sold_unit_is_due_even_where_the_programme_stops(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", FLOORED, line=make_line(inside.dealership, books.plan))
    item = report_unit_sold(
        unit=unit, sold_at=datetime(2025, 2, 3, 17, tzinfo=UTC), reported_on=date(2025, 2, 3), actor=None
    )
    assert item.principal == D("20000.00")
    assert problems() == []


@pytest.mark.parametrize("sold_at", [datetime(2025, 1, 10, tzinfo=UTC), datetime(2025, 2, 9, tzinfo=UTC)])
def test_a_sale_before_the_advance_or_in_the_future_is_refused(inside: Cast, sold_at: datetime) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    with pytest.raises(RefusedError):
        report_unit_sold(unit=unit, sold_at=sold_at, reported_on=date(2025, 2, 3), actor=None)
    assert DueItem.objects.filter(kind="payoff").count() == 0


def test_a_unit_is_sold_once(inside: Cast) -> None:
    unit = open_books(inside.dealership).fund("20000.00", FLOORED)
    sold_at = datetime(2025, 2, 3, 17, tzinfo=UTC)
    report_unit_sold(unit=unit, sold_at=sold_at, reported_on=date(2025, 2, 3), actor=None)
    with pytest.raises(RefusedError):
        report_unit_sold(unit=unit, sold_at=sold_at, reported_on=date(2025, 2, 3), actor=None)


# --- lines ------------------------------------------------------------------------------------------------------------


def test_terms_hold_from_their_day_on_and_are_never_overwritten(inside: Cast) -> None:
    books = open_books(inside.dealership)
    set_line_terms(
        line=books.line,
        effective_from=date(2025, 2, 1),
        rate_plan=books.plan,
        document_fee=D("25.00"),
        actor=None,
    )
    with pytest.raises(RefusedError):
        set_line_terms(line=books.line, effective_from=date(2025, 2, 1), rate_plan=books.plan, actor=None)
    early, late = books.fund("5000.00", date(2025, 1, 31)), books.fund("5000.00", date(2025, 2, 1))
    assert position_on(early.account, date(2025, 2, 1)).fees == 0
    assert position_on(late.account, date(2025, 2, 1)).fees == D("25.00")


def test_a_line_number_is_taken_once_and_a_limit_is_not_negative(inside: Cast) -> None:
    books = open_books(inside.dealership)
    values = {
        "dealership": inside.dealership,
        "name": "Second",
        "kind": "floor_plan",
        "opened_on": FLOORED,
        "actor": None,
    }
    with pytest.raises(RefusedError):
        open_line(**values, limit=D("1.00"), number=books.line.number)  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        open_line(**values, limit=D("-1.00"))  # type: ignore[arg-type]
    with pytest.raises(RefusedError):
        change_limit(line=books.line, limit=D("5.00"), reason="", actor=None)
    assert CreditLine.objects.count() == 1
