"""`python -m bench`: everything, or the parts named (`billing dashboard posting statements sign_in walls`)."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable

from bench import ground
from bench.ground import Sizes
from bench.measure import Gate, WrongAnswerError, say, yardstick

PARTS = ("dashboard", "posting", "billing", "statements", "sign_in", "walls")


def main(wanted: list[str]) -> int:
    """Build the data, run the parts, print each as it ends; 1 when some work was not right or a rule is broken."""
    unknown = [name for name in wanted if name not in PARTS]
    if unknown:
        say(f"Unknown: {', '.join(unknown)}. There are: {', '.join(PARTS)}.")
        return 2
    sizes = Sizes.of_environment()
    started = time.perf_counter()
    # Ended by a signal, the run still drops its database.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(143))
    with ground.database():
        return _run(sizes, wanted or list(PARTS), started)


def _run(sizes: Sizes, wanted: list[str], started: float) -> int:
    # Django is set up by now; what imports models may be imported.
    from bench import billing, dashboard, posting, sign_in, statements, stock, walls  # noqa: PLC0415

    load = os.getloadavg()[0]
    say(f"{os.cpu_count()} cores, load {load:.1f}; PostgreSQL: {ground.server_settings()}")
    say(f"{yardstick()}")
    say("building the data ...")
    runs: dict[str, Callable[[], list[Gate]]] = {}
    if set(wanted) - {"billing", "walls"}:
        desk = stock.make_lender("desk", sizes.desk, measured=stock.MEASURED, with_dues=True)
        # Statements are planned by what the planner knows of the tables.
        ground.tidy_tables()
        posting.bill_first_month(desk)
        runs["dashboard"] = lambda: dashboard.run(desk, sizes)
        runs["posting"] = lambda: posting.run(desk, sizes)
        runs["statements"] = lambda: statements.run(desk, sizes)
        runs["sign_in"] = lambda: sign_in.run(desk, sizes)
        say(f"  {desk.units:,} units to look at and to pay ({time.perf_counter() - started:.0f} s)")
    if "billing" in wanted:
        large = stock.make_lender("books", sizes.units)
        small = stock.make_lender("booklet", sizes.growth)
        runs["billing"] = lambda: billing.run(large, small, sizes)
        say(f"  {large.units:,} and {small.units:,} units to bill ({time.perf_counter() - started:.0f} s)")
    # Loads its own when its turn comes, so that the others meet tables of their own size.
    runs["walls"] = lambda: walls.run(sizes)
    ground.tidy_tables()
    gates, is_right = [], True
    for name in PARTS:
        if name not in wanted:
            continue
        say()
        say(f"{name.replace('_', ' ').upper()}")
        begun = time.perf_counter()
        before = yardstick()
        try:
            gates += runs[name]()
        except WrongAnswerError as wrong:
            is_right = False
            say(f"  no figures, the work was not done: {wrong}")
        after = yardstick()
        say(f"  before: {before}; after: {after}; {time.perf_counter() - begun:.0f} s")
    say()
    for gate in gates:
        say(f"{gate}")
    say(f"took {time.perf_counter() - started:.0f} s")
    is_right = is_right and all(gate.holds for gate in gates if gate.fails)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
