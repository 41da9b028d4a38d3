"""The walls are kept by indexes: what a screen reads grows with the dealership and not with the lender.

Two hundred thousand rows of four lenders, loaded once for the file; `make bench-large` looks at two million units.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase

from accounts.tenancy import tenant
from bench.crowd import Crowd, make_crowd
from bench.plans import (
    MOST_REMOVED,
    Plan,
    Walls,
    explained,
    five_screens,
    lookup,
    statements_of,
    without_own_filter,
)
from tests.conftest import owner_connection

UNITS = 30_000
LENDERS = 4
EACH = 40
SCREENS = (
    "dashboard",
    "units, page 1",
    "search by the last six",
    "payments, page 1",
    "open dues, page 1",
)

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[Crowd]:
    with django_db_blocker.unblock():
        yield make_crowd(owner_connection, units=UNITS, lenders=LENDERS, each=EACH)
        # Committed, as rows are that a plan is made for; emptied as after a committing test.
        TransactionTestCase()._fixture_teardown()


def plans_of(crowd: Crowd, screen: str, *, own_filter: bool) -> tuple[Walls, list[Plan]]:
    """What one reading of the screen sends, run in the dealer's role."""
    with tenant(crowd.lender_id, dealerships=[crowd.dealership_id]):
        statements = statements_of(five_screens(crowd)[screen])
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_user")
            assert cursor.fetchone() == ("portal_dealer",)
            sent = statements if own_filter else [without_own_filter(statement) for statement in statements]
            return Walls.read(cursor), [explained(cursor, statement) for statement in sent]


@pytest.mark.parametrize("screen", SCREENS)
def test_without_its_own_filter_a_screen_reads_by_the_dealerships_index(crowd: Crowd, screen: str) -> None:
    walls, plans = plans_of(crowd, screen, own_filter=False)
    assert not any(str(crowd.dealership_id) in plan.statement.split() for plan in plans)
    assert [fault for plan in plans for fault in walls.faults(plan)] == []
    assert max(walls.worst(plan) for plan in plans) <= MOST_REMOVED
    by_dealership = [scan for plan in plans for scan in plan.scans if scan.is_by_dealership]
    assert by_dealership
    assert sum(scan.rows for scan in by_dealership) > 0


@pytest.mark.parametrize("screen", SCREENS)
def test_with_its_own_filter_a_screen_throws_no_more_away(crowd: Crowd, screen: str) -> None:
    walls, plans = plans_of(crowd, screen, own_filter=True)
    assert [fault for plan in plans for fault in walls.faults(plan)] == []


def test_the_five_screens_show_the_dealerships_rows_and_no_others(crowd: Crowd) -> None:
    with tenant(crowd.lender_id, dealerships=[crowd.dealership_id]), connection.cursor() as cursor:
        for statement in (
            "SELECT count(*), min(dealership_id), max(dealership_id) FROM finance_unit",
            "SELECT count(*), min(dealership_id), max(dealership_id) FROM finance_account",
        ):
            cursor.execute(statement)
            assert cursor.fetchone() == (EACH, crowd.dealership_id, crowd.dealership_id)


@pytest.mark.parametrize("part", ["vin", "tail", "stock number"])
def test_staff_find_a_unit_of_the_whole_lender_by_an_index(crowd: Crowd, part: str) -> None:
    serial = int(crowd.vin[8:])
    text = {"vin": crowd.vin, "tail": crowd.vin[-6:], "stock number": f"s {serial}"}[part]
    with tenant(crowd.lender_id):
        assert crowd.vin in {unit.vin for unit in lookup(text)()}
        with connection.cursor() as cursor:
            plans = [explained(cursor, statement) for statement in statements_of(lookup(text))]
            walls = Walls.read(cursor)
    large = [scan for plan in plans for scan in plan.scans if walls.rows[scan.table] > UNITS / 2]
    assert large
    assert all(scan.conditions for scan in large)
    assert sum(scan.removed for scan in large) == 0
    index = "finance_unit_stock_key" if part == "stock number" else "finance_unit_tail"
    assert index in {name for plan in plans for name in plan.indexes}


def test_the_control_without_an_index_the_look_at_the_plans_finds_fault(crowd: Crowd) -> None:
    with tenant(crowd.lender_id, dealerships=[crowd.dealership_id]), connection.cursor() as cursor:
        walls = Walls.read(cursor)
        statement = "SELECT vin FROM finance_unit"
        assert walls.faults(explained(cursor, statement)) == []
        for way in ("indexscan", "bitmapscan", "indexonlyscan"):
            cursor.execute(f"SET LOCAL enable_{way} = off")
        faults = walls.faults(explained(cursor, statement))
    assert any("Seq Scan on finance_unit without the dealership" in fault for fault in faults)
    assert "no index is asked for the dealership" in faults
    assert any(f"threw away {crowd.units - EACH:,} rows for {EACH}" in fault for fault in faults)


def test_the_control_a_condition_that_no_index_knows_is_found(crowd: Crowd) -> None:
    """A policy of this form, an OR about the dealership, would read the whole lender."""
    statement = (
        "SELECT vin FROM finance_unit WHERE lender_id = (SELECT current_setting('app.lender_id')::bigint) AND "
        f"(dealership_id = {crowd.dealership_id} OR (SELECT current_setting('app.user_id')) = 'staff')"
    )
    with tenant(crowd.lender_id), connection.cursor() as cursor:
        faults = Walls.read(cursor).faults(explained(cursor, statement))
    assert any("on finance_unit without the dealership" in fault for fault in faults)
    assert any("threw away" in fault for fault in faults)
