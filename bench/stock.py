"""The data that is measured: lenders with dealerships, lines and floored units, made by set-based SQL.

Every row obeys what the database asks of the portal's own: keys, checks, triggers. Positions are the fold of their
events, due items add up to what is owed, entries balance; `bench.proof` shows it with the portal's own proof.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bench.ground import owner_cursor
from bench.measure import must

FIRST_DAY = date(2024, 7, 1)
LAST_FUNDED = date(2025, 1, 28)
LAST_RATE_DAY = date(2026, 3, 31)
ORDINARY = 60
"""Units of a dealership that is not measured by its size: two pages of a statement."""
MEASURED = (20, 200, 2000)
"""Units of the dealers whose dashboards are measured."""


@dataclass(frozen=True, slots=True)
class Stock:
    """One lender: its key, its units, and the dealerships that stand for each size."""

    lender_id: int
    units: int
    dealerships: int
    by_size: dict[int, int]


def make_lender(slug: str, units: int, *, measured: Sequence[int] = (), with_dues: bool = False) -> Stock:
    """A lender with `units` floored units in dealerships of `ORDINARY`, and one dealership of each `measured` size.

    `with_dues` gives each unit a document fee and three curtailments, the first of which falls due after all
    payments that are measured, so that each of those pays fee, interest and principal.
    """
    sizes = [*measured, *[ORDINARY] * (units // ORDINARY), *([units % ORDINARY] if units % ORDINARY else [])]
    lender_id, plan_id, programme_id = open_lender(slug)
    parameters = {
        "lender": lender_id,
        "plan": plan_id,
        "programme": programme_id,
        "sizes": sizes,
        "first_day": FIRST_DAY,
        "last_funded": LAST_FUNDED,
        "fee": Decimal("45.00") if with_dues else Decimal(0),
        "curtailments": 3 if with_dues else 0,
    }
    with owner_cursor() as cursor:
        for statement in _STOCK:
            cursor.execute(statement, parameters)
        cursor.execute("SELECT number, id FROM accounts_dealership WHERE lender_id = %(lender)s", parameters)
        keys = dict(cursor.fetchall())
        cursor.execute(
            "SELECT count(*) FROM finance_accountposition WHERE lender_id = %(lender)s", parameters
        )
        must(cursor.fetchone()[0] == sum(sizes), "the stock is not complete")
    by_size = {size: keys[str(place)] for place, size in enumerate(measured, start=1)}
    return Stock(lender_id, sum(sizes), len(sizes), by_size)


def open_lender(slug: str) -> tuple[int, int, int]:
    """A lender, its chart, its prime rate, one plan and one programme, by the portal's own actions."""
    from accounts.models import Lender, LenderHost  # noqa: PLC0415 (Django is set up late)
    from accounts.tenancy import platform, tenant  # noqa: PLC0415
    from finance.actions.chart import open_chart  # noqa: PLC0415
    from finance.actions.programmes import create_programme  # noqa: PLC0415
    from finance.actions.rates import create_index, create_rate_plan, record_fixing  # noqa: PLC0415

    with platform():
        lender = Lender.objects.create(
            slug=slug,
            name=slug.title(),
            currency="USD",
            time_zone="America/Denver",
            calendar=Lender.Calendar.FEDERAL_RESERVE,
            accent_colour="#1f5c4d",
            support_phone="+1 303 555 0100",
            support_email=f"help@{slug}.example",
            support_hours="Monday to Friday 8:00 to 18:00",
            mail_sender=f"portal@{slug}.example",
        )
        LenderHost.objects.create(host=f"{slug}.localhost", lender=lender, is_primary=True)
    with tenant(lender.pk):
        open_chart()
        index = create_index(code="prime", name="Prime rate", actor=None)
        for day, rate in ((FIRST_DAY, "0.085"), (date(2024, 9, 19), "0.08"), (date(2024, 12, 19), "0.075")):
            record_fixing(
                index=index, effective_from=day, annual_rate=Decimal(rate), source="published", actor=None
            )
        plan = create_rate_plan(
            code="prime-plus-2",
            name="Prime + 2 %",
            index=index,
            margin=Decimal("0.02"),
            day_count="actual/360",
            starts_on=FIRST_DAY,
            through=LAST_RATE_DAY,
            actor=None,
        )
        programme = create_programme(
            code="ten-percent",
            name="10 % every 240 days",
            shape={"kind": "interval", "days": 240, "fraction": "0.10", "base": "original", "times": 3},
            actor=None,
        )
    return lender.pk, plan.pk, programme.pk


_STOCK = (
    """
INSERT INTO accounts_dealership (lender_id, public_id, kind, number, name, street, postal_code, town, region, country,
                                 phone, email, is_active, created_at)
SELECT %(lender)s, gen_random_uuid(), 'dealership', place, 'Dealer ' || lpad(place::text, 5, '0'), '', '', 'Denver',
       'CO', 'US', '', '', true, now()
FROM unnest(%(sizes)s) WITH ORDINALITY AS s(size, place)
""",
    """
INSERT INTO finance_creditline (lender_id, public_id, dealership_id, number, name, kind, currency, "limit",
                                limit_is_hard, state, opened_on)
SELECT %(lender)s, gen_random_uuid(), d.id, 'L' || d.number, 'Floor plan', 'floor_plan', 'USD', 60000 * s.size, true,
       'open', %(first_day)s
FROM accounts_dealership d
JOIN unnest(%(sizes)s) WITH ORDINALITY AS s(size, place) ON d.number = s.place::text
WHERE d.lender_id = %(lender)s
""",
    """
INSERT INTO finance_lineterms (lender_id, line_id, effective_from, rate_plan_id, programme_id, advance_rate, term_days,
                               payment_day, grace_days, payoff_hours_after_sale, document_fee, return_fee,
                               allocation_order, releases_credit_at)
SELECT %(lender)s, l.id, %(first_day)s, %(plan)s, %(programme)s, 1, NULL, 10, 0, 48, %(fee)s, 35,
       'fees,interest,principal', 'settlement'
FROM finance_creditline l WHERE l.lender_id = %(lender)s
""",
    "DROP TABLE IF EXISTS floored",
    # Serial numbers run across the dealerships, so that neighbours in the table are not neighbours in a dealership.
    """
CREATE TEMPORARY TABLE floored AS
SELECT row_number() OVER (ORDER BY n.within, d.id) AS serial, d.id AS dealership_id, l.id AS line_id,
       NULL::bigint AS account_id, NULL::date AS funded_on, NULL::numeric AS advance
FROM accounts_dealership d
JOIN finance_creditline l ON l.lender_id = d.lender_id AND l.dealership_id = d.id
JOIN unnest(%(sizes)s) WITH ORDINALITY AS s(size, place) ON d.number = s.place::text
CROSS JOIN LATERAL generate_series(1, s.size) AS n(within)
WHERE d.lender_id = %(lender)s
""",
    """
INSERT INTO finance_account (lender_id, public_id, dealership_id, line_id, rate_plan_id, kind, number, title, currency,
                             state, opened_on, created_at)
SELECT %(lender)s, gen_random_uuid(), dealership_id, line_id, %(plan)s, 'unit', 'U' || serial, '2023 Honda Civic',
       'USD', 'open', %(last_funded)s::date - (serial * 7919 %% 150)::int, now()
FROM floored ORDER BY serial
""",
    """
UPDATE floored f SET account_id = a.id, funded_on = a.opened_on, advance = 5000 + f.serial * 7919 %% 4500000 / 100.0
FROM finance_account a WHERE a.lender_id = %(lender)s AND a.number = 'U' || f.serial
""",
    "ANALYZE floored",
    """
INSERT INTO finance_unit (account_id, lender_id, dealership_id, vin, stock_number, model_year, make, model, colour,
                          condition, state, cost, advance_amount, requested_at, approved_at, funded_on)
SELECT account_id, %(lender)s, dealership_id, '1HGCV1F3' || lpad(serial::text, 9, '0'), 'S' || serial, 2023, 'Honda',
       'Civic', 'White', 'used', 'funded', NULL, round(advance, 2), funded_on, funded_on, funded_on
FROM floored ORDER BY serial
""",
    """
INSERT INTO finance_accountposition (account_id, lender_id, dealership_id, principal, billed_interest, fees, credit,
                                     accrued_parts, remainder_parts, accrued_through, last_sequence)
SELECT account_id, %(lender)s, dealership_id, round(advance, 2), 0, %(fee)s, 0, 0, 0, funded_on,
       CASE WHEN %(fee)s > 0 THEN 2 ELSE 1 END
FROM floored ORDER BY serial
""",
    """
WITH entries AS (
    INSERT INTO finance_journalentry (lender_id, dealership_id, source, key, business_date, effective_on, description,
                                      recorded_at)
    SELECT %(lender)s, dealership_id, 'advance', account_id, funded_on, funded_on, 'Advance U' || serial, now()
    FROM floored ORDER BY serial RETURNING id, key
), placed AS (
    SELECT f.*, n.id AS entry_id FROM entries n JOIN floored f ON f.account_id = n.key::bigint
), lines AS (
    INSERT INTO finance_journalline (lender_id, dealership_id, entry_id, ledger_account_id, account_id, debit, credit)
    SELECT %(lender)s, p.dealership_id, p.entry_id, g.id, CASE WHEN side.code = '1000' THEN NULL ELSE p.account_id END,
           greatest(side.amount, 0), greatest(-side.amount, 0)
    FROM placed p
    CROSS JOIN LATERAL (VALUES ('1000', -round(p.advance, 2)), ('1200', round(p.advance, 2)),
                               ('1310', %(fee)s), ('4100', -%(fee)s)) AS side(code, amount)
    JOIN finance_ledgeraccount g ON g.lender_id = %(lender)s AND g.code = side.code
    WHERE side.amount <> 0
)
INSERT INTO finance_accountevent (lender_id, dealership_id, account_id, entry_id, sequence, kind, effective_on,
                                  recorded_at, principal, billed, interest, fees, credit)
SELECT %(lender)s, p.dealership_id, p.account_id, p.entry_id, v.sequence, v.kind, p.funded_on, now(), v.principal, 0, 0,
       v.fees, 0
FROM placed p
CROSS JOIN LATERAL (VALUES (1, 'advance', round(p.advance, 2), 0), (2, 'fee_assessed', 0, %(fee)s))
    AS v(sequence, kind, principal, fees)
WHERE v.principal + v.fees > 0
ORDER BY p.serial, v.sequence
""",
    """
INSERT INTO finance_dueitem (lender_id, dealership_id, public_id, account_id, kind, number, billed_on, due_on,
                             grace_until, principal, interest, fees, outstanding_principal, outstanding_interest,
                             outstanding_fees, rule)
SELECT %(lender)s, f.dealership_id, gen_random_uuid(), f.account_id, v.kind, v.number, v.billed_on, v.due_on, v.due_on,
       v.principal, 0, v.fees, v.principal, 0, v.fees, v.rule
FROM floored f
CROSS JOIN LATERAL (
    SELECT 'fee' AS kind, 2 AS number, f.funded_on AS billed_on, f.funded_on + 20 AS due_on, 0.00 AS principal,
           %(fee)s::numeric AS fees, 'Document fee' AS rule
    WHERE %(fee)s > 0
    UNION ALL
    SELECT 'curtailment', step, NULL, f.funded_on + 240 * step, round(f.advance / 10, 2), 0,
           '10 %% of the original amount after ' || 240 * step || ' days'
    FROM generate_series(1, %(curtailments)s) AS step
) v
ORDER BY f.serial
""",
    "DROP TABLE floored",
    # The keys are checked at the commit, by statements that are planned then.
    "ANALYZE",
)


def row_count(cursor: Any, table: str, lender_id: int) -> int:
    """The rows of a lender in a table."""
    cursor.execute(f"SELECT count(*) FROM {table} WHERE lender_id = %s", [lender_id])
    return int(cursor.fetchone()[0])
