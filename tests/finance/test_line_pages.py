"""Credit lines and the list of what is due, as people read them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client

from accounts.tenancy import tenant
from finance.actions.lines import set_line_terms
from finance.models import CreditLine
from finance.queries.availability import line_availability
from finance.queries.lines import terms_of
from finance.queries.rates import rate_on
from tests.cast import Cast, sign_in
from tests.finance.books import make_plan
from tests.finance.reading import amount, tables_of, text_of
from tests.finance.stock import Stock, add_loans, fill, stocked


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership, limit="250000.00") as stock:
        fill(stock, 9, units=4)
        add_loans(stock, 9)
    return stock


@pytest.fixture
def owner(cast: Cast) -> Client:
    return sign_in(cast.owner)


@pytest.mark.django_db
def test_limit_used_approved_and_free_add_up(cast: Cast, stock: Stock, owner: Client) -> None:
    table = tables_of(owner.get("/lines/"))["lines"]
    for row in [*table.body, *table.foot]:
        limit, used, approved, free = (amount(cell) for cell in row[2:6])
        assert limit == used + approved + free
    with tenant(cast.lender.pk):
        expected = line_availability(stock.line, as_of=stock.today).available
    floor_plan = next(row for row in table.body if row[0].startswith("Floor plan"))
    assert amount(floor_plan[5]) == expected
    text = text_of(owner.get(f"/lines/{stock.line.public_id}/"))
    assert f"Free ${expected:,}" in text


@pytest.mark.django_db
def test_every_rule_is_said_in_words_with_its_date(cast: Cast, stock: Stock, owner: Client) -> None:
    with tenant(cast.lender.pk):
        plan = make_plan(
            "next",
            None,
            name="Next year's",
            margin=Decimal("0.0999"),
            starts_on=stock.day(10),
            through=stock.today + timedelta(days=60),
            floor=None,
        )
        set_line_terms(
            line=stock.line,
            effective_from=stock.today + timedelta(days=20),
            rate_plan=plan,
            programme=stock.programme,
            term_days=180,
            payoff_hours_after_sale=24,
            return_fee=Decimal("30.00"),
            grace_days=3,
            actor=None,
        )
    text = text_of(owner.get(f"/lines/{stock.line.public_id}/"))
    for words in (
        "Prime rate plus 2.00% a year",
        "actual/360, simple",
        "10 % every 30 days",
        "Pay off within 48 hours",
        "Pay off within 24 hours",
        "$18.00 document fee each",
        "9.99% a year, fixed",
        "180 days",
        "3 days of grace",
        "$30.00 fee; interest runs on from the first value date",
        "fees, interest, principal, oldest due first",
        "In force since",
        "No advance above it",
    ):
        assert words in text, words


@pytest.mark.django_db
def test_the_rate_history_names_each_fixing_and_its_source(cast: Cast, stock: Stock, owner: Client) -> None:
    table = tables_of(owner.get(f"/lines/{stock.line.public_id}/"))["rates"]
    assert [row[1] for row in table.body] == ["9.25%", "9.50%", "9.75%"]
    assert "now" in table.body[0][0]
    assert {row[3] for row in table.body} == {"Published by the central bank"}
    with tenant(cast.lender.pk):
        rules = terms_of(stock.line.pk, opened_on=stock.line.opened_on, as_of=stock.today)
        for step in rules.rates:
            assert rate_on(stock.plan, step.effective_from) == step.annual_rate


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("bounds", "rate", "words"),
    [
        ({"floor": Decimal("0.11")}, "11.00%", "raised to the floor"),
        ({"ceiling": Decimal("0.06")}, "6.00%", "cut to the ceiling"),
        ({}, "9.25%", ""),
    ],
)
def test_floor_and_ceiling_are_shown_where_they_bite(
    cast: Cast, stock: Stock, bounds: dict[str, Decimal], rate: str, words: str
) -> None:
    with tenant(cast.lender.pk):
        plan = make_plan(
            "bounded",
            stock.plan.index,
            starts_on=stock.day(300),
            through=stock.today + timedelta(days=60),
            **bounds,
        )
        set_line_terms(line=stock.line, effective_from=stock.day(30), rate_plan=plan, actor=None)
        assert rate_on(plan, stock.today) == Decimal(rate.strip("%")) / 100
    latest = tables_of(sign_in(cast.owner).get(f"/lines/{stock.line.public_id}/"))["rates"].body[0]
    assert latest[1] == rate
    assert words in latest[2]


@pytest.mark.django_db
def test_a_line_over_its_limit_and_a_frozen_one_say_so(cast: Cast, stock: Stock, owner: Client) -> None:
    with tenant(cast.lender.pk):
        CreditLine.objects.filter(pk=stock.line.pk).update(limit=Decimal("10.00"))
    text = text_of(owner.get(f"/lines/{stock.line.public_id}/"))
    assert "Over the limit" in text
    assert "Free -$" in text
    assert "Over the limit" in text_of(owner.get("/"))
    with tenant(cast.lender.pk):
        CreditLine.objects.filter(pk=stock.line.pk).update(limit=Decimal("900000.00"), state="frozen")
    text = text_of(owner.get(f"/lines/{stock.line.public_id}/"))
    assert "Frozen: no new advances" in text
    assert "Free $0.00" in text
    assert "Not available while the line is not open -$" in text


@pytest.mark.django_db
def test_the_list_of_dues_adds_up_in_each_cut(cast: Cast, stock: Stock, owner: Client) -> None:
    found = 0
    for query in (
        {"when": "today"},
        {"when": "overdue"},
        {"when": "week"},
        {"when": "month"},
        {"when": "all", "per": "100"},
        {"when": "all", "kind": "fee"},
        {"when": "all", "kind": "instalment"},
        {"on": (stock.today + timedelta(days=3)).isoformat()},
    ):
        tables = tables_of(owner.get("/due/", {**query, "per": "100"}))
        if "due" not in tables:
            continue
        found += 1
        table = tables["due"]
        (foot,) = table.foot
        if f"Total of {len(table.body)} item" in foot[0]:
            for column in (4, 5, 6, 7):
                assert amount(foot[column]) == table.amounts(column)
        assert amount(foot[7]) == amount(foot[4]) + amount(foot[5]) + amount(foot[6])
    assert found >= 5


@pytest.mark.django_db
def test_a_bad_day_in_the_address_is_ignored(stock: Stock, owner: Client) -> None:
    for day in ("2026-13-40", "tomorrow", "20261121", "2026-W47-6", "\x00", "0000-00-00"):
        response = owner.get("/due/", {"on": day, "when": "never", "kind": "gift"})
        assert response.status_code == 200, day
        assert 'aria-current="true">Owed today' in response.content.decode(), day
