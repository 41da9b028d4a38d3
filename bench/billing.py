"""Monthly interest: the portal's billing against one plain INSERT ... SELECT that writes the same rows."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import Any, Final

from bench.ground import Sizes, tidy_tables
from bench.measure import ROUNDS, Gate, Sample, in_turns, median, must, ratio, say, shown, table, timed
from bench.proof import prove
from bench.stock import Stock

#: Ends of the months that the two sides bill in turns.
MONTHS: Final = tuple(date(2025, month, 1) - timedelta(days=1) for month in range(2, 2 + 2 * ROUNDS))
TABLES: Final = ("finance_accountevent", "finance_dueitem", "finance_journalentry", "finance_journalline")

# What a person at the keyboard would write: one month, simple interest, whole cents. No locks, no pieces, no look
# whether the month is billed already, no other day count, no line's own payment day.
_PLAIN: Final = """
WITH billable AS (
    SELECT p.account_id, p.dealership_id, p.last_sequence + 1 AS sequence, p.remainder_parts,
           p.accrued_parts + p.principal * (e.cumulative - s.cumulative) AS parts,
           round((p.accrued_parts + p.principal * (e.cumulative - s.cumulative)) / 1603080, 2) AS amount
    FROM finance_accountposition p
    JOIN finance_account a ON a.lender_id = p.lender_id AND a.id = p.account_id
    JOIN finance_rateplanday s ON s.lender_id = a.lender_id AND s.plan_id = a.rate_plan_id AND s.day = p.accrued_through
    JOIN finance_rateplanday e ON e.lender_id = a.lender_id AND e.plan_id = a.rate_plan_id AND e.day = %(day)s
    WHERE p.lender_id = %(lender)s
), entries AS (
    INSERT INTO finance_journalentry (lender_id, dealership_id, source, key, business_date, effective_on, description,
                                      recorded_at)
    SELECT %(lender)s, dealership_id, 'interest', %(day)s || ':' || dealership_id, %(month)s, %(day)s, 'Interest', now()
    FROM billable GROUP BY dealership_id
    RETURNING id, dealership_id
), lines AS (
    INSERT INTO finance_journalline (lender_id, dealership_id, entry_id, ledger_account_id, account_id, debit, credit)
    SELECT %(lender)s, dealership_id, n.id, g.id, b.account_id,
           CASE g.code WHEN '1300' THEN amount ELSE 0 END, CASE g.code WHEN '4000' THEN amount ELSE 0 END
    FROM billable b JOIN entries n USING (dealership_id)
    JOIN finance_ledgeraccount g ON g.lender_id = %(lender)s AND g.code IN ('1300', '4000')
), events AS (
    INSERT INTO finance_accountevent (lender_id, dealership_id, account_id, entry_id, sequence, kind, effective_on,
                                      recorded_at, principal, billed, interest, fees, credit)
    SELECT %(lender)s, dealership_id, account_id, n.id, sequence, 'interest_billed', %(day)s, now(), 0, amount, 0, 0, 0
    FROM billable JOIN entries n USING (dealership_id)
), items AS (
    INSERT INTO finance_dueitem (lender_id, dealership_id, public_id, account_id, kind, number, billed_on, due_on,
                                 principal, interest, fees, outstanding_principal, outstanding_interest,
                                 outstanding_fees, rule)
    SELECT %(lender)s, dealership_id, gen_random_uuid(), account_id, 'interest', %(number)s, %(day)s, %(day)s + 9,
           0, amount, 0, 0, amount, 0, 'Interest'
    FROM billable
)
UPDATE finance_accountposition p
SET accrued_parts = 0, remainder_parts = b.remainder_parts + b.parts - b.amount * 1603080, accrued_through = %(day)s,
    billed_interest = p.billed_interest + b.amount, last_sequence = b.sequence
FROM billable b WHERE p.lender_id = %(lender)s AND p.account_id = b.account_id
"""


def _counts(stock: Stock) -> tuple[int, ...]:
    from django.db import connection  # noqa: PLC0415 (Django is set up late)

    from accounts.tenancy import tenant  # noqa: PLC0415
    from bench.stock import row_count  # noqa: PLC0415

    with tenant(stock.lender_id), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        return tuple(row_count(cursor, name, stock.lender_id) for name in TABLES)


def _portal(stock: Stock, month: date) -> Sample:
    """As the end of day does it: the units to bill, then piece by piece, each in a transaction of its own."""
    from django.db import connection  # noqa: PLC0415

    from accounts.tenancy import tenant  # noqa: PLC0415
    from finance.actions.billing import Billed, bill_units, chunks, units_to_bill  # noqa: PLC0415

    connection.ensure_connection()
    backend = connection.connection.info.backend_pid
    with timed(stock.units, backend) as sample:
        billed = Billed()
        with tenant(stock.lender_id):
            units = units_to_bill(month)
        for accounts in chunks(units):
            with tenant(stock.lender_id):
                billed.add(bill_units(accounts, period_end=month))
    must(not billed.failures, f"billing set accounts aside: {billed.failures[:3]}")
    sample.count = billed.accounts
    return sample


def _floor(stock: Stock, month: date) -> Sample:
    from django.db import connection  # noqa: PLC0415

    from accounts.tenancy import tenant  # noqa: PLC0415

    parameters: dict[str, Any] = {
        "lender": stock.lender_id,
        "month": month,
        "day": month + timedelta(days=1),
        "number": month.year * 100 + month.month,
    }
    connection.ensure_connection()
    with (
        timed(stock.units, connection.connection.info.backend_pid) as sample,
        tenant(stock.lender_id),
        connection.cursor() as cursor,
    ):
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(_PLAIN, parameters)
        sample.count = cursor.rowcount
    return sample


def _bill_in_turns(stock: Stock) -> dict[str, list[Sample]]:
    # Counting takes a while: what is there after one month is there before the next.
    before = _counts(stock)

    def checked(side: Any, month: date) -> Sample:
        nonlocal before
        sample: Sample = side(stock, month)
        must(sample.count == stock.units, f"{sample.count} of {stock.units} units were billed for {month}")
        found = _counts(stock)
        written = tuple(after - then for then, after in zip(before, found, strict=True))
        before = found
        expected = (stock.units, stock.units, stock.dealerships, 2 * stock.units)
        if side is _portal:
            # An entry per dealership and piece: a dealership whose units fall into two pieces gets two.
            must(written[2] >= expected[2], "there are dealerships without an entry")
            expected = (*expected[:2], written[2], expected[3])
        must(written == expected, f"{month}: wrote {written} rows in {TABLES}, not {expected}")
        return sample

    return in_turns(
        {
            "portal": lambda number: checked(_portal, MONTHS[2 * number]),
            "plain INSERT ... SELECT": lambda number: checked(_floor, MONTHS[2 * number + 1]),
        }
    )


def run(large: Stock, small: Stock, _sizes: Sizes) -> list[Gate]:
    """Bill six months of both lenders, three by each side; then the last month once more."""
    rows, exponents, of_large = [], {}, {}
    spent: dict[str, list[float]] = {}
    for stock in (small, large):
        tidy_tables()
        samples = _bill_in_turns(stock)
        for name, of_side in samples.items():
            spent.setdefault(name, []).append(median(of_side, lambda sample: sample.cpu))
            rows.append(
                (
                    f"{stock.units:,} units, {name}",
                    shown(of_side, lambda sample: sample.count / sample.wall, 0),
                    shown(of_side, lambda sample: sample.count / sample.cpu, 0),
                    shown(of_side, lambda sample: sample.app),
                    shown(of_side, lambda sample: sample.server or 0.0),
                )
            )
        of_large = samples
    for name, (less, more) in spent.items():
        exponents[name] = math.log(more / less) / math.log(large.units / small.units)
    before = _counts(large)
    again = _portal(large, MONTHS[-2])
    must(again.count == 0 and _counts(large) == before, "billing the same month again wrote rows")
    proofs = [prove(stock) for stock in (small, large)]
    table(("one month's interest", "units/s, wall", "units per CPU-s", "app CPU s", "server CPU s"), rows)
    once = median(of_large["portal"], lambda sample: sample.cpu)
    growth = ", ".join(f"{name} {value:.2f}" for name, value in exponents.items())
    say(f"  growth of CPU from {small.units:,} to {large.units:,} units, exponent: {growth}")
    say(f"  the same month again: 0 rows, {again.wall:.2f} s, {again.cpu / once:.3f} of the first run's CPU")
    say(f"  each side wrote an event, a due item, two lines and a new position per unit; {proofs[-1]}")
    return [
        Gate(
            "A1 billing, units per CPU-second beside the plain statement",
            1 / ratio(of_large["portal"], of_large["plain INSERT ... SELECT"]),
            0.5,
            at_most=False,
        ),
        Gate(
            "A4 growth of billing, exponent above the plain statement's",
            exponents["portal"] - exponents["plain INSERT ... SELECT"],
            0.05,
        ),
        Gate("A6 the same month again, share of the first run", again.cpu / once, 0.1),
    ]
