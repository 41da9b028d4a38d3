"""What the walls cost a reading: five screens in a dealer's role, and a VIN looked up in a whole lender.

Each statement runs as the portal sends it, and once more with its own naming of lender and dealership taken away. Then
row security alone has to lead the database to the dealership's rows.
"""

from __future__ import annotations

import time
from functools import partial

import psycopg2

from bench.crowd import Crowd, make_crowd
from bench.ground import Sizes, owner_url
from bench.measure import Gate, must, say, table
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

LENDERS = 20
SEARCH_MS = 50.0


def run(sizes: Sizes) -> list[Gate]:
    """Load the crowd and look at the plans."""
    begun = time.perf_counter()
    crowd = make_crowd(partial(psycopg2.connect, owner_url()), units=sizes.crowd, lenders=LENDERS)
    say(
        f"  {crowd.units:,} units of {crowd.dealerships:,} dealerships and {LENDERS} lenders "
        f"({time.perf_counter() - begun:.0f} s)"
    )
    return [*_screens(crowd), *_search(crowd)]


def _plans(statements: list[str]) -> list[Plan]:
    from django.db import connection  # noqa: PLC0415 (Django is set up late)

    with connection.cursor() as cursor:
        for statement in statements:
            explained(cursor, statement)
        return [explained(cursor, statement) for statement in statements]


def _screens(crowd: Crowd) -> list[Gate]:
    from django.db import connection  # noqa: PLC0415

    from accounts.tenancy import tenant  # noqa: PLC0415

    rows, faults, worst = [], [], 0.0
    with tenant(crowd.lender_id, dealerships=[crowd.dealership_id]):
        with connection.cursor() as cursor:
            walls = Walls.read(cursor)
        for screen, read in five_screens(crowd).items():
            sent = statements_of(read)
            for words, statements in (
                ("own filter", sent),
                ("walls alone", [without_own_filter(text) for text in sent]),
            ):
                plans = _plans(statements)
                found = [f"{screen}, {words}: {fault}" for plan in plans for fault in walls.faults(plan)]
                thrown = max(walls.worst(plan) for plan in plans)
                worst = max(worst, thrown)
                faults += found
                rows.append(
                    (
                        f"{screen}, {words}",
                        str(len(plans)),
                        "NO" if found else "yes",
                        f"{sum(walls.result(plan) for plan in plans):,.0f}",
                        f"{sum(waste.removed for plan in plans for waste in walls.waste(plan)):,.0f}",
                        f"{thrown:.1f}",
                        f"{sum(plan.ms for plan in plans):,.2f}",
                    )
                )
    head = ("dealer's screen", "statements", "by dealership", "rows", "thrown away", "at most per row", "ms")
    table(head, rows)
    for fault in faults:
        say(f"  {fault}")
    return [
        Gate("W1 readings that pass by the dealership's index", len(faults), 0, fails=True),
        Gate("W2 rows thrown away for one of the result", worst, MOST_REMOVED, fails=True),
    ]


def _search(crowd: Crowd) -> list[Gate]:
    from django.db import connection  # noqa: PLC0415

    from accounts.tenancy import tenant  # noqa: PLC0415

    rows, slowest = [], 0.0
    with tenant(crowd.lender_id), connection.cursor() as cursor:
        for words, text in (("whole VIN", crowd.vin), ("last six", crowd.vin[-6:])):
            wall, units = [], []
            for _ in range(5):
                begun = time.perf_counter()
                units = lookup(text)()
                wall.append(1000 * (time.perf_counter() - begun))
            must(crowd.vin in {unit.vin for unit in units}, "the unit was not found")
            plans = [explained(cursor, statement) for statement in statements_of(lookup(text))]
            must(
                all(scan.conditions for plan in plans for scan in plan.scans),
                "a table was read from end to end",
            )
            slowest = max(slowest, min(wall))
            indexes = sorted({index for plan in plans for index in plan.indexes})
            rows.append(
                (
                    words,
                    str(len(units)),
                    f"{sum(plan.ms for plan in plans):.2f}",
                    f"{min(wall):.2f}",
                    ", ".join(indexes),
                )
            )
    table(("staff, whole lender", "found", "SQL ms", "search ms", "indexes"), rows)
    return [Gate("W3 milliseconds of a search for a VIN in a whole lender", slowest, SEARCH_MS)]
