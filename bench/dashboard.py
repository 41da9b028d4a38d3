"""A dealer's dashboard: the portal's reading of it against the very same SQL, sent by hand behind the same walls."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Any, Final

import psycopg2

from bench.clients import percentile
from bench.ground import Sizes, app_url
from bench.measure import Gate, Sample, in_turns, must, ratio, say, shown, table, timed
from bench.stock import Stock

TODAY: Final = date(2025, 2, 20)

Statement = tuple[str, Any]


def _read(stock: Stock, dealership_id: int) -> Any:
    from accounts.tenancy import tenant  # noqa: PLC0415 (Django is set up late)
    from portal.queries.dashboard import dashboard_of  # noqa: PLC0415

    with tenant(stock.lender_id, dealerships=[dealership_id]):
        return dashboard_of(dealership_id, today=TODAY)


def _statements_of(stock: Stock, dealership_id: int) -> tuple[list[Statement], list[Statement]]:
    """What the portal sends for one dashboard: the statements that read, and those that set the scope."""
    from django.db import connection  # noqa: PLC0415

    sent: list[Statement] = []

    def note(execute: Callable[..., Any], statement: str, parameters: Any, many: bool, context: Any) -> Any:
        sent.append((statement, parameters))
        return execute(statement, parameters, many, context)

    with connection.execute_wrapper(note):
        _read(stock, dealership_id)
    scopes = [item for item in sent if "set_config" in item[0]]
    return [item for item in sent if item not in scopes], scopes


def _by_hand(statements: list[Statement], scope: Statement) -> tuple[Callable[[], list[list[Any]]], int]:
    connection = psycopg2.connect(app_url())

    def read() -> list[list[Any]]:
        found = []
        with connection, connection.cursor() as cursor:
            cursor.execute(*scope)
            for statement, parameters in statements:
                cursor.execute(statement, parameters)
                found.append(cursor.fetchall())
        return found

    return read, connection.info.backend_pid


def run(stock: Stock, sizes: Sizes) -> list[Gate]:
    """Read the dashboards of three dealers, both sides in turns."""
    from django.db import connection  # noqa: PLC0415

    rows, gates, counts = [], [], {}
    for units, dealership_id in stock.by_size.items():
        statements, scopes = _statements_of(stock, dealership_id)
        counts[units] = len(statements)
        read, raw_backend = _by_hand(statements, scopes[0])
        connection.ensure_connection()
        backend = connection.connection.info.backend_pid
        board, found = _read(stock, dealership_id), read()
        must(board.holdings.live == units, f"the dashboard shows {board.holdings.live} units of {units}")
        must(
            any(
                rows_of and sum(row[3] for row in rows_of) == units
                for rows_of in found
                if _is_holdings(rows_of)
            ),
            "by hand found other units",
        )
        must(
            board.dues.owed > 0 and board.used == board.holdings.unit_principal > 0, "the dashboard is empty"
        )

        def timed_reads(once: Callable[[], Any], process: int) -> Callable[[int], Sample]:
            def run_once(_number: int) -> Sample:
                with timed(sizes.looks, process) as sample:
                    for _ in range(sizes.looks):
                        with timed(1) as one:
                            once()
                        sample.each.append(one.wall)
                sample.each.sort()
                return sample

            return run_once

        samples = in_turns(
            {
                "portal": timed_reads(partial(_read, stock, dealership_id), backend),
                "same SQL by hand": timed_reads(read, raw_backend),
            }
        )
        for side, of_side in samples.items():
            rows.append(
                (
                    f"{units:,} units, {side}",
                    shown(of_side, lambda sample: 1000 * sample.wall / sample.count),
                    f"{percentile(of_side, 0.5):.2f}",
                    shown(of_side, lambda sample: 1000 * sample.app / sample.count),
                    shown(of_side, lambda sample: 1000 * (sample.server or 0.0) / sample.count),
                )
            )
        gates.append(
            Gate(
                f"D1 dashboard of {units:,} units, CPU beside the same SQL",
                ratio(samples["portal"], samples["same SQL by hand"]),
                2.0,
            )
        )
    table(("dashboard data", "wall ms", "p50 ms", "app CPU ms", "server CPU ms"), rows)
    say(
        f"  statements that read: {', '.join(f'{count} for {units:,} units' for units, count in counts.items())}"
    )
    must(len(set(counts.values())) == 1, "the number of statements depends on the number of units")
    gates.append(Gate("D2 statements per dashboard", max(counts.values()), 12))
    return gates


def _is_holdings(rows: list[Any]) -> bool:
    """Whether these are the rows that count units by state and age."""
    return bool(rows) and len(rows[0]) == 5 and rows[0][0] == "unit"
