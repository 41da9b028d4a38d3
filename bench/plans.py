"""What a screen's statements read behind the walls: their plans in the role that asks, with and without own filters.

A statement of the portal names lender and dealership itself; row security names them again. Taken away from the
statement, the walls alone must still lead the database to the dealership's rows by an index: else a forgotten filter
costs a look at everybody's rows, and so does every plan that prefers the wall's condition to the statement's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from bench.crowd import TODAY, Crowd
from bench.measure import must

MOST_REMOVED: Final = 10
"""Rows that one node may throw away, for each row of the result."""
SMALL: Final = 1000
"""Rows of a table up to which it hardly matters how they are read."""

# A key that another row, or the address asked for, gave: it leads to rows of one thing.
_KEY: Final = re.compile(r"\b(?:account_id|entry_id|payment_id|line_id|method_id|plan_id|public_id|id) = ")
_OWN_FILTER: Final = re.compile(r'(?:"?\w+"?\.)?"?\b(?:lender_id|dealership_id)\b"? = \d+\b')


@dataclass(frozen=True, slots=True)
class Scan:
    """One reading of a table: by which index conditions (none: from end to end), how many rows it kept and threw away.

    `conditions` has one entry for each index that was asked; `rows` and `removed` are over all loops.
    """

    table: str
    how: str
    indexes: tuple[str, ...]
    conditions: tuple[str, ...]
    rows: float
    removed: float

    @property
    def is_by_dealership(self) -> bool:
        """Whether each index was asked for rows of the dealership."""
        return bool(self.conditions) and all("dealership_id" in condition for condition in self.conditions)

    @property
    def is_by_key(self) -> bool:
        """Whether it followed a key that another row gave."""
        return bool(self.conditions) and all(_KEY.search(condition) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Waste:
    """A node that threw rows away, by its condition or by its join's; `table` is empty for a join."""

    node: str
    table: str
    removed: float


@dataclass(slots=True)
class Plan:
    """One statement as it was run: its scans, the rows of its answer, what its nodes threw away, milliseconds."""

    statement: str
    rows: float
    ms: float
    scans: list[Scan] = field(default_factory=list)
    waste: list[Waste] = field(default_factory=list)

    @property
    def indexes(self) -> set[str]:
        """Every index that was asked."""
        return {index for scan in self.scans for index in scan.indexes}


@dataclass(frozen=True, slots=True)
class Walls:
    """The tables with about how many rows each has, and those among them that hold a dealer to own dealerships."""

    rows: dict[str, float]
    fenced: frozenset[str]

    @classmethod
    def read(cls, cursor: Any) -> Walls:
        """As PostgreSQL's catalogue has them."""
        cursor.execute(
            "SELECT c.relname, c.reltuples, EXISTS (SELECT 1 FROM pg_policies p WHERE p.schemaname = 'public' "
            "AND p.tablename = c.relname AND p.policyname = 'dealer_select' AND p.qual LIKE '%%dealership_ids%%') "
            "FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
        )
        rows = cursor.fetchall()
        return cls(
            {table: count for table, count, _ in rows},
            frozenset(table for table, _, is_fenced in rows if is_fenced),
        )

    def faults(self, plan: Plan) -> list[str]:
        """What of a plan goes round the walls' indexes, in words; nothing when all is as it should be."""
        found = []
        fenced = [scan for scan in plan.scans if scan.table in self.fenced]
        large = [scan for scan in fenced if self.rows[scan.table] > SMALL]
        found += [
            f"{scan.how} on {scan.table} without the dealership {' '.join(scan.conditions)}"
            for scan in large
            if not (scan.is_by_dealership or scan.is_by_key)
        ]
        # A small table may lead to the large ones, as the lines of a dealership lead to their accounts.
        if large == fenced != [] and not any(scan.is_by_dealership for scan in large):
            found.append("no index is asked for the dealership")
        result = self.result(plan)
        found += [
            f"{waste.node} {waste.table} threw away {waste.removed:,.0f} rows for {result:,.0f}"
            for waste in self.waste(plan)
            if waste.removed > MOST_REMOVED * result
        ]
        return found

    def result(self, plan: Plan) -> float:
        """What rows thrown away are held against: the answer, or, where that adds up many, the largest scan's rows."""
        return max(plan.rows, *(scan.rows for scan in plan.scans if scan.table in self.fenced), 1)

    def waste(self, plan: Plan) -> list[Waste]:
        """What was thrown away, but for the rows of small tables."""
        return [waste for waste in plan.waste if not waste.table or self.rows.get(waste.table, 0) > SMALL]

    def worst(self, plan: Plan) -> float:
        """The most rows that one node threw away, for each row of the result."""
        return max((waste.removed for waste in self.waste(plan)), default=0.0) / self.result(plan)


def explained(cursor: Any, statement: str) -> Plan:
    """Run a statement and read its plan."""
    # Whole statements come here, their values in them.
    cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}".replace("%", "%%"), [])
    (answer,) = cursor.fetchone()
    (top,) = answer if isinstance(answer, list) else json.loads(answer)
    plan = Plan(statement, _rows(top["Plan"]), top["Planning Time"] + top["Execution Time"])
    for node in _nodes(top["Plan"]):
        removed = _removed(node)
        if removed:
            plan.waste.append(Waste(node["Node Type"], node.get("Relation Name", ""), removed))
        if "Relation Name" in node:
            asked = list(_index_nodes(node))
            plan.scans.append(
                Scan(
                    node["Relation Name"],
                    node["Node Type"],
                    tuple(index["Index Name"] for index in asked),
                    tuple(index.get("Index Cond", "") for index in asked),
                    _rows(node),
                    removed,
                )
            )
    return plan


def _rows(node: dict[str, Any]) -> float:
    return float(node["Actual Rows"]) * float(node["Actual Loops"])


def _removed(node: dict[str, Any]) -> float:
    names = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")
    return sum(float(node.get(name, 0)) for name in names) * float(node["Actual Loops"])


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _index_nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The scan itself when it is by an index, or the indexes from which its bitmap was made."""
    if "Index Name" in node:
        yield node
    elif node["Node Type"] in {"Bitmap Heap Scan", "BitmapOr", "BitmapAnd"}:
        for child in node.get("Plans", []):
            if child.get("Parent Relationship") not in {"InitPlan", "SubPlan"}:
                yield from _index_nodes(child)


def without_own_filter(statement: str) -> str:
    """The statement with its own naming of lender and dealership taken away: what is left is row security's."""
    bare = _OWN_FILTER.sub("true", statement)
    must(bare != statement, f"the statement names no dealership: {statement}")
    return bare


def statements_of(read: Callable[[], Any]) -> list[str]:
    """The statements that a reading sends, with their values in them; those that set the scope are left out."""
    from django.db import connection  # noqa: PLC0415 (Django is set up late)

    sent: list[str] = []

    def note(execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any) -> Any:
        answer = execute(statement, parameters, many, context)
        if "set_config" not in statement and not statement.startswith(("SAVEPOINT", "RELEASE")):
            text = context["cursor"].cursor.query
            sent.append(text.decode() if isinstance(text, bytes) else str(text))
        return answer

    with connection.execute_wrapper(note):
        read()
    return sent


def five_screens(crowd: Crowd) -> dict[str, Callable[[], Any]]:
    """The screens that dealers look at most, as readings of one dealership, to be run in its scope."""
    from finance.queries.falling_due import DueFilters, list_due  # noqa: PLC0415
    from finance.queries.units import UnitFilters, list_units, match_units  # noqa: PLC0415
    from payments.queries.history import PaymentFilters, filtered_payments  # noqa: PLC0415
    from portal.queries.dashboard import dashboard_of  # noqa: PLC0415

    own, tail = crowd.dealership_id, crowd.vin[-6:]

    def payments() -> Any:
        totals, rows = filtered_payments(own, PaymentFilters())
        must(totals.count == len(rows), "the list of payments lost some")
        return list(rows[:50])

    return {
        "dashboard": lambda: dashboard_of(own, today=TODAY),
        "units, page 1": lambda: list_units(own, as_of=TODAY, filters=UnitFilters(), limit=50),
        "search by the last six": lambda: match_units(own, [tail]),
        "payments, page 1": payments,
        "open dues, page 1": lambda: list_due(own, as_of=TODAY, filters=DueFilters(), limit=50),
    }


def lookup(text: str) -> Callable[[], list[Any]]:
    """The office's search for a unit in the whole lender, to be run as its staff."""
    from finance.admin.units import found_units  # noqa: PLC0415
    from finance.models import Unit  # noqa: PLC0415

    return lambda: list(found_units(Unit.objects.all(), text))
