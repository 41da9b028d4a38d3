"""Allocation: each order of application, and what no order may do."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finance.allocation import (
    FEES_FIRST,
    INTEREST_FIRST,
    Allocation,
    DueItem,
    Portion,
    Precedence,
    allocate,
)
from tests.finance.pure.histories import cents, quick

MARCH, APRIL = date(2025, 3, 10), date(2025, 4, 10)


def item(key: str, account: str, portion: Portion, amount: str, due_on: date = MARCH) -> DueItem:
    return DueItem(key, account, portion, Decimal(amount), due_on)


DUE = [
    item("p1", "u1", Portion.PRINCIPAL, "2000.00"),
    item("i1", "u1", Portion.INTEREST, "147.78"),
    item("f1", "u1", Portion.FEES, "18.00"),
    item("i2", "u2", Portion.INTEREST, "75.21", APRIL),
    item("f2", "u2", Portion.FEES, "30.00", APRIL),
]


def filled(allocation: Allocation) -> list[tuple[str, str]]:
    return [(share.key, str(share.amount)) for share in allocation.shares]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (FEES_FIRST, [("f1", "18.00"), ("i1", "147.78"), ("p1", "34.22")]),
        (INTEREST_FIRST, [("i1", "147.78"), ("p1", "52.22")]),
        ((Portion.PRINCIPAL, Portion.INTEREST, Portion.FEES), [("p1", "200.00")]),
    ],
)
def test_the_order_of_application_is_a_setting(order, expected):
    allocation = allocate(Decimal("200.00"), DUE, order=order)
    assert filled(allocation) == expected
    assert allocation.remainder == 0


@pytest.mark.parametrize(
    ("precedence", "keys"),
    [
        (Precedence.DUE_DATE, ["f1", "i1", "p1", "f2", "i2"]),
        (Precedence.PORTION, ["f1", "f2", "i1", "i2", "p1"]),
        (Precedence.ACCOUNT, ["f1", "i1", "p1", "f2", "i2"]),
    ],
)
def test_what_is_compared_first_is_a_setting(precedence, keys):
    allocation = allocate(Decimal("99999.00"), DUE, precedence=precedence)
    assert [share.key for share in allocation.shares] == keys
    assert allocation.remainder == Decimal("97728.01")


def test_one_account_after_the_other_goes_by_the_order_given():
    reordered = [*DUE[3:], *DUE[:3]]
    allocation = allocate(Decimal("110.00"), reordered, precedence=Precedence.ACCOUNT)
    assert filled(allocation) == [("f2", "30.00"), ("i2", "75.21"), ("f1", "4.79")]


def test_the_oldest_due_date_comes_first_within_a_portion():
    items = [
        item("young", "u1", Portion.INTEREST, "50.00", APRIL),
        item("old", "u2", Portion.INTEREST, "50.00", MARCH),
    ]
    for precedence in (Precedence.DUE_DATE, Precedence.PORTION):
        assert filled(allocate(Decimal("60.00"), items, precedence=precedence)) == [
            ("old", "50.00"),
            ("young", "10.00"),
        ]


def test_a_share_names_its_account_and_portion():
    allocation = allocate(Decimal("170.00"), DUE)
    assert allocation.of_account("u1") == {
        Portion.FEES: Decimal("18.00"),
        Portion.INTEREST: Decimal("147.78"),
        Portion.PRINCIPAL: Decimal("4.22"),
    }
    assert set(allocation.of_account("u2").values()) == {Decimal(0)}


@pytest.mark.parametrize("amount", ["0", "-1.00"])
def test_nothing_cannot_be_allocated(amount):
    with pytest.raises(ValueError, match="more than nothing"):
        allocate(Decimal(amount), DUE)


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="once each"):
        allocate(Decimal(1), DUE, order=(Portion.FEES, Portion.INTEREST))
    with pytest.raises(ValueError, match="same key"):
        allocate(Decimal(1), [DUE[0], DUE[0]])
    with pytest.raises(ValueError, match="negative"):
        item("x", "u1", Portion.FEES, "-0.01")
    with pytest.raises(TypeError):
        allocate(1.0, DUE)  # type: ignore[arg-type]


items_of_any_kind = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", "u3"]),
        st.sampled_from(list(Portion)),
        cents,
        st.dates(date(2025, 1, 1), date(2025, 12, 31)),
    ),
    max_size=20,
).map(lambda rows: [DueItem(str(number), *row) for number, row in enumerate(rows)])


@quick
@given(cents, items_of_any_kind, st.permutations(list(Portion)), st.sampled_from(list(Precedence)))
def test_shares_and_remainder_are_the_payment_and_no_item_gets_too_much(amount, items, order, precedence):
    allocation = allocate(amount, items, order=order, precedence=precedence)
    owed = {item.key: item.amount for item in items}
    assert sum((share.amount for share in allocation.shares), allocation.remainder) == amount
    assert all(0 < share.amount <= owed[share.key] for share in allocation.shares)
    assert len({share.key for share in allocation.shares}) == len(allocation.shares)
    assert allocation.remainder == max(amount - sum(owed.values()), 0)
