"""Many lenders with many dealerships: the rows over which plans are looked at, loaded in bulk by the database's owner.

The rows have the shape of the portal's own and pass every key and check, but are no books: nothing was posted, so no
figure of them means anything. What is looked at is which rows a statement reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from bench.measure import must
from bench.stock import FIRST_DAY, open_lender

TODAY: Final = date(2025, 2, 20)
_TABLES: Final = (
    "accounts_dealership",
    "finance_creditline",
    "finance_account",
    "finance_unit",
    "finance_accountposition",
    "finance_dueitem",
    "finance_journalentry",
    "finance_journalline",
    "finance_accountevent",
    "payments_paymentmethod",
    "payments_payment",
    "payments_paymentshare",
)
# What opening a lender fills; the planner has to know these, too.
_OF_LENDERS: Final = (
    "accounts_lender",
    "finance_rateindex",
    "finance_indexfixing",
    "finance_rateplan",
    "finance_rateplanday",
    "finance_ledgeraccount",
    "finance_curtailmentprogramme",
)


@dataclass(frozen=True, slots=True)
class Crowd:
    """What was loaded, and one dealership in the midst of it with one of its live units."""

    units: int
    dealerships: int
    lender_ids: tuple[int, ...]
    lender_id: int
    dealership_id: int
    vin: str


def make_crowd(connect: Callable[[], Any], *, units: int, lenders: int, each: int = 200) -> Crowd:
    """Load about `units` units of `lenders` lenders, `each` to a dealership; `connect` connects as the owner.

    The dealerships' rows lie scattered, as they come in over the years. All in one transaction, so that a load that is
    broken off leaves nothing behind, neither rows nor a table without its keys.
    """
    opened = [open_lender(f"crowd-{number}") for number in range(1, lenders + 1)]
    people = [_person(lender_id) for lender_id, _, _ in opened]
    dealerships = max(1, units // (lenders * each))
    parameters: dict[str, Any] = {
        "lenders": [row[0] for row in opened],
        "plans": [row[1] for row in opened],
        "people": people,
        "dealerships": dealerships,
        "units_each": each,
        "first_day": FIRST_DAY,
        "today": TODAY,
    }
    connection = connect()
    try:
        with connection, connection.cursor() as cursor, _bare(cursor, _TABLES):
            for statement in _CROWD:
                cursor.execute(statement, parameters)
        connection.autocommit = True
        with connection.cursor() as cursor:
            for table in (*_OF_LENDERS, *_TABLES):
                cursor.execute(f"VACUUM (ANALYZE) {table}")
            cursor.execute(
                "SELECT lender_id, dealership_id, vin FROM finance_unit WHERE lender_id = %s AND state = 'funded' "
                "ORDER BY account_id OFFSET %s LIMIT 1",
                [opened[lenders // 2][0], dealerships * each // 5],
            )
            lender_id, dealership_id, vin = cursor.fetchone()
            cursor.execute(
                "SELECT count(*) FROM finance_unit WHERE lender_id = ANY (%(lenders)s)", parameters
            )
            (loaded,) = cursor.fetchone()
    finally:
        connection.close()
    must(loaded == dealerships * lenders * each, f"{loaded} units were loaded")
    return Crowd(
        loaded, dealerships * lenders, tuple(row[0] for row in opened), lender_id, dealership_id, vin
    )


def _person(lender_id: int) -> int:
    from accounts.models import User  # noqa: PLC0415 (Django is set up late)
    from accounts.tenancy import tenant  # noqa: PLC0415

    with tenant(lender_id, login=True):
        person = User(
            username="payer", email="payer@people.example", full_name="Payer", kind=User.Kind.DEALER
        )
        person.set_unusable_password()
        person.save()
    return int(person.pk)


@contextmanager
def _bare(cursor: Any, tables: Sequence[str]) -> Iterator[None]:
    """Let rows in without a look at each: keys and plain indexes are made again at the end, over all rows at once.

    Triggers rest. That they are the database's own to give back, and within this transaction, is what makes it safe.
    """
    names = list(tables)
    cursor.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE contype = 'f' AND conrelid = ANY (%s::regclass[])",
        [names],
    )
    keys = cursor.fetchall()
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE NOT indisunique AND indrelid = ANY (%s::regclass[])",
        [names],
    )
    indexes = cursor.fetchall()
    cursor.execute("SET LOCAL maintenance_work_mem = '256MB'; SET LOCAL work_mem = '128MB'")
    for table, name, _ in keys:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for name, _ in indexes:
        cursor.execute(f"DROP INDEX {name}")
    for table in names:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in names:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    for _, definition in indexes:
        cursor.execute(definition)
    for table in names:
        cursor.execute(f"ANALYZE {table}")
    for table, name, definition in keys:
        cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")


_CROWD: Final = (
    """
CREATE TEMPORARY TABLE place ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('accounts_dealership', 'id')) AS dealership_id,
       nextval(pg_get_serial_sequence('finance_creditline', 'id')) AS line_id,
       nextval(pg_get_serial_sequence('payments_paymentmethod', 'id')) AS method_id, l.*, number
FROM unnest(%(lenders)s::bigint[], %(plans)s::bigint[], %(people)s::bigint[]) AS l(lender_id, plan_id, person_id)
CROSS JOIN generate_series(1, %(dealerships)s) AS number
""",
    """
INSERT INTO accounts_dealership (id, lender_id, public_id, kind, number, name, street, postal_code, town, region,
                                 country, phone, email, is_active, created_at)
SELECT dealership_id, lender_id, gen_random_uuid(), 'dealership', number, 'Dealer ' || number, '', '', 'Denver', 'CO',
       'US', '', '', true, now()
FROM place
""",
    """
INSERT INTO finance_creditline (id, lender_id, public_id, dealership_id, number, name, kind, currency, "limit",
                                limit_is_hard, state, opened_on)
SELECT line_id, lender_id, gen_random_uuid(), dealership_id, 'L' || number, 'Floor plan', 'floor_plan', 'USD', 9000000,
       true, 'open', %(first_day)s
FROM place
""",
    # One life in twenty is requested, one sold and unpaid, ten are floored, eight paid off.
    """
CREATE TEMPORARY TABLE life ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('finance_account', 'id')) AS account_id, p.*,
       (ARRAY['requested', 'sold', 'funded', 'funded', 'funded', 'funded', 'funded', 'funded', 'funded', 'funded',
              'funded', 'funded', 'paid', 'paid', 'paid', 'paid', 'paid', 'paid', 'paid', 'paid'])[1 + within %% 20]
           AS state,
       %(today)s::date - 20 - (within * 37 %% 180) AS day, 5000.00 + within * 113 AS advance
FROM (SELECT * FROM place, generate_series(1, %(units_each)s) AS within ORDER BY within, md5(dealership_id::text)) p
""",
    "CREATE INDEX ON life (account_id)",
    "ANALYZE life",
    """
INSERT INTO finance_account (id, lender_id, public_id, dealership_id, line_id, rate_plan_id, kind, number, title,
                             currency, state, opened_on, created_at)
SELECT account_id, lender_id, lpad(to_hex(account_id), 32, '0')::uuid, dealership_id, line_id, plan_id, 'unit',
       'U' || account_id, '2023 Honda Civic', 'USD',
       CASE state WHEN 'requested' THEN 'pending' WHEN 'paid' THEN 'closed' ELSE 'open' END,
       day, now()
FROM life
""",
    """
INSERT INTO finance_unit (account_id, lender_id, dealership_id, vin, stock_number, model_year, make, model, colour,
                          condition, state, cost, advance_amount, requested_at, approved_at, funded_on, sold_on)
SELECT account_id, lender_id, dealership_id, '1HGCV1F3' || lpad(account_id::text, 9, '0'), 'S' || account_id, 2023,
       'Honda', 'Civic', 'White', 'used', state, NULL, advance, day, day,
       CASE WHEN state <> 'requested' THEN day END, CASE WHEN state IN ('sold', 'paid') THEN day + 20 END
FROM life
""",
    """
INSERT INTO finance_accountposition (account_id, lender_id, dealership_id, principal, billed_interest, fees, credit,
                                     accrued_parts, remainder_parts, accrued_through, last_sequence)
SELECT account_id, lender_id, dealership_id, CASE state WHEN 'paid' THEN 0 ELSE advance END, 0, 0, 0, 0, 0, day, 1
FROM life WHERE state <> 'requested'
""",
    # One open item of each live unit, one settled item of each that is paid off.
    """
INSERT INTO finance_dueitem (lender_id, dealership_id, public_id, account_id, kind, number, billed_on, due_on,
                             grace_until, principal, interest, fees, outstanding_principal, outstanding_interest,
                             outstanding_fees, rule)
SELECT lender_id, dealership_id, lpad(to_hex(account_id), 32, '0')::uuid, account_id,
       CASE state WHEN 'sold' THEN 'payoff' ELSE 'curtailment' END, 1, NULL, %(today)s::date - 15 + within %% 90, NULL,
       500, 0, 0, CASE state WHEN 'paid' THEN 0 ELSE 500 END, 0, 0, 'Rule'
FROM life WHERE state <> 'requested'
""",
    # Ten advances to an entry.
    """
CREATE TEMPORARY TABLE batch ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('finance_journalentry', 'id')) AS entry_id, lender_id, dealership_id,
       within / 10 AS round, count(*) AS units, min(day) AS day, sum(advance) AS advance
FROM life WHERE state <> 'requested' GROUP BY lender_id, dealership_id, within / 10
""",
    "ANALYZE batch",
    """
INSERT INTO finance_journalentry (id, lender_id, dealership_id, source, key, business_date, effective_on, description,
                                  recorded_at)
SELECT entry_id, lender_id, dealership_id, 'crowd', entry_id, day, day, 'Advances', now() FROM batch
""",
    """
INSERT INTO finance_journalline (lender_id, dealership_id, entry_id, ledger_account_id, account_id, debit, credit)
SELECT b.lender_id, b.dealership_id, b.entry_id, g.id, NULL, 0, b.advance
FROM batch b JOIN finance_ledgeraccount g ON g.lender_id = b.lender_id AND g.code = '1000'
UNION ALL
SELECT f.lender_id, f.dealership_id, b.entry_id, g.id, f.account_id, f.advance, 0
FROM life f
JOIN batch b ON b.lender_id = f.lender_id AND b.dealership_id = f.dealership_id AND b.round = f.within / 10
JOIN finance_ledgeraccount g ON g.lender_id = f.lender_id AND g.code = '1200'
WHERE f.state <> 'requested'
""",
    """
INSERT INTO finance_accountevent (lender_id, dealership_id, account_id, entry_id, sequence, kind, effective_on,
                                  recorded_at, principal, billed, interest, fees, credit)
SELECT f.lender_id, f.dealership_id, f.account_id, b.entry_id, 1, 'advance', f.day, now(), f.advance, 0, 0, 0, 0
FROM life f
JOIN batch b ON b.lender_id = f.lender_id AND b.dealership_id = f.dealership_id AND b.round = f.within / 10
WHERE f.state <> 'requested'
""",
    """
INSERT INTO payments_paymentmethod (id, lender_id, dealership_id, public_id, kind, label, holder, bank_code,
                                    encrypted_number, last_four, mandate_reference, state, created_at)
SELECT method_id, lender_id, dealership_id, gen_random_uuid(), 'ach_debit', 'Operating', 'Dealer', '', '', '6789', '',
       'active', now()
FROM place
""",
    # One payment for five units; the last two of a dealership are on their way.
    """
CREATE TEMPORARY TABLE paid ON COMMIT DROP AS
SELECT nextval(pg_get_serial_sequence('payments_payment', 'id')) AS payment_id, * FROM life WHERE within %% 5 = 2
""",
    """
INSERT INTO payments_payment (id, lender_id, public_id, token, number, dealership_id, method_id, currency, amount,
                              state, value_date, expected_on, made_by_id, made_by_name, submitted_at, settled_at,
                              return_code, return_reason, gateway, gateway_reference, processor_page, card_last_four,
                              next_step_at, lookups)
SELECT payment_id, lender_id, lpad(to_hex(payment_id), 32, '0')::uuid, lpad(to_hex(payment_id), 32, '0')::uuid,
       'P' || payment_id, dealership_id, method_id, 'USD', 500,
       CASE WHEN within > %(units_each)s - 10 THEN 'submitted' ELSE 'settled' END, day + 20, day + 22,
       person_id, 'Payer', day + 20, CASE WHEN within <= %(units_each)s - 10 THEN day + 22 END, '', '',
       'bank', '', '', '', day + 21, 0
FROM paid
""",
    """
INSERT INTO payments_paymentshare (lender_id, payment_id, dealership_id, account_id, purpose, amount, principal,
                                   interest, fees)
SELECT lender_id, payment_id, dealership_id, account_id, 'due', 500, 500, 0, 0 FROM paid
""",
)
