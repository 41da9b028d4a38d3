"""Payments: the portal's actions against the transaction that a person would write by hand with psycopg2.

Each payment is of one unit and pays its fee, its interest and a part of its principal: one entry of four lines, one
event, one position, three due items. Both sides write these rows, as the same role behind the same walls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import uuid4

import psycopg2

from bench.clients import WARM, Worker, at_once, percentile
from bench.ground import Sizes, app_url, owner_cursor, tidy_tables
from bench.measure import ROUNDS, Gate, Sample, in_turns, must, ratio, say, shown, table
from bench.proof import prove
from bench.stock import MEASURED, Stock

CLIENTS: Final = (1, 4, 8)
FIRST_MONTH: Final = date(2025, 1, 31)
DAY: Final = date(2025, 2, 20)
NOW: Final = datetime(2025, 2, 20, 19, 0, tzinfo=UTC)
PRINCIPAL: Final = Decimal("100.00")


def bill_first_month(stock: Stock) -> None:
    """Bill the first month's interest through the portal, so that there is some to pay."""
    from accounts.tenancy import tenant  # noqa: PLC0415 (Django is set up late)
    from finance.actions.billing import bill_interest  # noqa: PLC0415

    with tenant(stock.lender_id):
        billed = bill_interest(period_end=FIRST_MONTH)
    must(billed.accounts == stock.units and not billed.failures, "the first month was not billed")


@dataclass(frozen=True, slots=True)
class Piece:
    """A payment to be made, of a unit that none was made of before."""

    key: str
    account_id: int
    dealership_id: int
    fees: Decimal
    interest: Decimal
    payment_id: int = 0

    @property
    def amount(self) -> Decimal:
        """The whole payment."""
        return self.fees + self.interest + PRINCIPAL


def _pieces(stock: Stock) -> list[Piece]:
    """Every unit of the ordinary dealerships, in an order that spreads them over table and dealerships."""
    with owner_cursor() as cursor:
        cursor.execute(
            "SELECT p.account_id, p.dealership_id, p.fees, p.billed_interest FROM finance_accountposition p "
            "WHERE p.lender_id = %s AND p.dealership_id <> ALL(%s) AND p.billed_interest > 0 "
            "ORDER BY md5(p.account_id::text)",
            [stock.lender_id, list(stock.by_size.values())],
        )
        return [Piece(f"bench:{row[0]}", *row) for row in cursor.fetchall()]


# --- by hand ----------------------------------------------------------------------------------------------------------

_SCOPE = (
    "SELECT set_config('role', 'portal_staff', true), set_config('app.lender_id', %s, true), "
    "set_config('app.dealership_ids', '{}', true), set_config('app.user_id', '0', true)"
)
_LOCK = """
SELECT principal, billed_interest, fees, last_sequence FROM finance_accountposition
WHERE lender_id = %s AND account_id = %s FOR UPDATE
"""
_OPEN = """
SELECT id, outstanding_principal, outstanding_interest, outstanding_fees FROM finance_dueitem
WHERE lender_id = %s AND account_id = %s
  AND (outstanding_principal > 0 OR outstanding_interest > 0 OR outstanding_fees > 0)
ORDER BY due_on, id
"""
_ENTRY = """
INSERT INTO finance_journalentry (lender_id, dealership_id, source, key, business_date, effective_on, description,
                                  recorded_at)
VALUES (%(lender)s, %(dealership)s, 'payment', %(key)s, %(day)s, %(day)s, %(description)s, now())
ON CONFLICT (lender_id, source, key) DO NOTHING RETURNING id
"""
# An entry and its lines come in one statement: the database refuses the one without the others.
_ENTRY_AND_LINES = f"""
WITH entry AS ({_ENTRY})
INSERT INTO finance_journalline (lender_id, dealership_id, entry_id, ledger_account_id, account_id, debit, credit)
SELECT %(lender)s, %(dealership)s, entry.id, v.ledger, v.account, v.debit, v.credit
FROM entry CROSS JOIN (VALUES
    (%(cash)s, NULL, %(amount)s, 0), (%(principal_account)s, %(account)s, 0, %(principal)s),
    (%(interest_account)s, %(account)s, 0, %(interest)s), (%(fee_account)s, %(account)s, 0, %(fees)s)
) AS v(ledger, account, debit, credit)
RETURNING entry_id
"""
_EVENT = """
INSERT INTO finance_accountevent (lender_id, dealership_id, account_id, entry_id, sequence, kind, effective_on,
                                  recorded_at, principal, billed, interest, fees, credit)
VALUES (%s, %s, %s, %s, %s, 'payment', %s, now(), %s, 0, %s, %s, 0)
"""
_POSITION = """
UPDATE finance_accountposition p
SET accrued_parts = p.accrued_parts + p.principal * (e.cumulative - s.cumulative), accrued_through = %(day)s,
    principal = p.principal - %(principal)s, billed_interest = p.billed_interest - %(interest)s,
    fees = p.fees - %(fees)s, last_sequence = p.last_sequence + 1
FROM finance_account a, finance_rateplanday s, finance_rateplanday e
WHERE p.lender_id = %(lender)s AND p.account_id = %(account)s AND a.lender_id = p.lender_id AND a.id = p.account_id
  AND s.lender_id = p.lender_id AND s.plan_id = a.rate_plan_id AND s.day = p.accrued_through
  AND e.lender_id = p.lender_id AND e.plan_id = a.rate_plan_id AND e.day = %(day)s
"""
_ITEMS = """
UPDATE finance_dueitem d
SET outstanding_principal = v.principal, outstanding_interest = v.interest, outstanding_fees = v.fees
FROM (VALUES (%s, %s, %s, %s), (%s, %s, %s, %s), (%s, %s, %s, %s)) AS v(id, principal, interest, fees)
WHERE d.lender_id = %s AND d.id = v.id
"""


def _paid(items: Sequence[tuple[int, Decimal, Decimal, Decimal]], piece: Piece) -> list[Any]:
    """What stays open of the items that the payment touches, oldest first."""
    values: list[Any] = []
    left = [PRINCIPAL, piece.interest, piece.fees]
    for key, *amounts in items:
        rest = []
        for at, amount in enumerate(amounts):
            used = min(left[at], amount)
            left[at] -= used
            rest.append(amount - used)
        if rest != amounts:
            values += [key, *rest]
    return values


def _post_by_hand(cursor: Any, lender_id: int, ledger: dict[str, int], piece: Piece, key: str) -> int:
    cursor.execute(_LOCK, [lender_id, piece.account_id])
    _principal, interest, fees, last = cursor.fetchone()
    assert (interest, fees) == (piece.interest, piece.fees)
    cursor.execute(_OPEN, [lender_id, piece.account_id])
    items = cursor.fetchall()
    parameters = {
        "lender": lender_id,
        "dealership": piece.dealership_id,
        "account": piece.account_id,
        "key": key,
        "day": DAY,
        "description": f"Payment {key}",
        "amount": piece.amount,
        "principal": PRINCIPAL,
        "interest": piece.interest,
        "fees": piece.fees,
        "cash": ledger["1000"],
        "principal_account": ledger["1200"],
        "interest_account": ledger["1300"],
        "fee_account": ledger["1310"],
    }
    cursor.execute(_ENTRY_AND_LINES, parameters)
    entry_id: int = cursor.fetchone()[0]
    cursor.execute(
        _EVENT,
        [
            *(lender_id, piece.dealership_id, piece.account_id, entry_id, last + 1, DAY),
            *(-PRINCIPAL, -piece.interest, -piece.fees),
        ],
    )
    cursor.execute(_POSITION, parameters)
    cursor.execute(_ITEMS, [*_paid(items, piece), lender_id])
    return entry_id


def _raw_connection(lender_id: int) -> tuple[Any, dict[str, int]]:
    connection = psycopg2.connect(app_url())
    with connection, connection.cursor() as cursor:
        cursor.execute(_SCOPE, [str(lender_id)])
        cursor.execute("SELECT code, id FROM finance_ledgeraccount WHERE lender_id = %s", [lender_id])
        return connection, dict(cursor.fetchall())


def _posting_by_hand(lender_id: int) -> Worker:
    def worker() -> tuple[Callable[[Piece], None], int]:
        connection, ledger = _raw_connection(lender_id)

        def pay(piece: Piece) -> None:
            with connection, connection.cursor() as cursor:
                cursor.execute(_SCOPE, [str(lender_id)])
                _post_by_hand(cursor, lender_id, ledger, piece, piece.key)

        return pay, connection.info.backend_pid

    return worker


def _settling_by_hand(lender_id: int) -> Worker:
    def worker() -> tuple[Callable[[Piece], None], int]:
        connection, ledger = _raw_connection(lender_id)

        def settle(piece: Piece) -> None:
            with connection, connection.cursor() as cursor:
                cursor.execute(_SCOPE, [str(lender_id)])
                cursor.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                    [f"payments:{lender_id}:{piece.dealership_id}"],
                )
                cursor.execute(
                    "SELECT p.number, p.state, s.account_id, s.amount FROM payments_payment p "
                    "JOIN payments_paymentshare s ON s.lender_id = p.lender_id AND s.payment_id = p.id "
                    "WHERE p.lender_id = %s AND p.id = %s FOR UPDATE OF p",
                    [lender_id, piece.payment_id],
                )
                number, state, account_id, amount = cursor.fetchone()
                assert (state, account_id, amount) == ("processing", piece.account_id, piece.amount)
                entry_id = _post_by_hand(cursor, lender_id, ledger, piece, number)
                cursor.execute(
                    "UPDATE payments_payment SET state = 'settled', entry_id = %s, settled_at = %s "
                    "WHERE lender_id = %s AND id = %s",
                    [entry_id, NOW, lender_id, piece.payment_id],
                )
                cursor.execute(
                    "INSERT INTO payments_paymentstep (lender_id, payment_id, dealership_id, state, recorded_at, note) "
                    "VALUES (%s, %s, %s, 'settled', now(), '')",
                    [lender_id, piece.payment_id, piece.dealership_id],
                )
                cursor.execute(
                    "INSERT INTO payments_paymentreceipt (lender_id, payment_id, dealership_id, payment_state, state, "
                    "file, sha256, attempts, next_attempt_at, ordered_at) "
                    "VALUES (%s, %s, %s, 'settled', 'waiting', '', '', 0, %s, now())",
                    [lender_id, piece.payment_id, piece.dealership_id, NOW],
                )
                cursor.execute(
                    "INSERT INTO accounts_auditentry (lender_id, recorded_at, code, subject, actor_name, "
                    "dealership_id, entrance, reference, reason, details) "
                    "VALUES (%s, now(), 'payment.settled', %s, 'Forecourt', %s, 'command', '', '', %s)",
                    [
                        lender_id,
                        f"payment:{number}",
                        piece.dealership_id,
                        json.dumps({"amount": str(amount), "entry": entry_id}),
                    ],
                )

        return settle, connection.info.backend_pid

    return worker


# --- the portal -------------------------------------------------------------------------------------------------------


def _posting_by_portal(lender_id: int) -> Worker:
    def worker() -> tuple[Callable[[Piece], None], int]:
        from django.db import connection  # noqa: PLC0415 (Django is set up late)

        from accounts.tenancy import tenant  # noqa: PLC0415
        from finance.actions.receipts import Share, post_payment  # noqa: PLC0415

        def pay(piece: Piece) -> None:
            with tenant(lender_id):
                post_payment(
                    key=piece.key,
                    shares=[Share(piece.account_id, "amount", piece.amount)],
                    value_date=DAY,
                    business_date=DAY,
                    description=f"Payment {piece.key}",
                    actor=None,
                )

        connection.ensure_connection()
        return pay, connection.connection.info.backend_pid

    return worker


def _settling_by_portal(lender_id: int) -> Worker:
    def worker() -> tuple[Callable[[Piece], None], int]:
        from django.db import connection  # noqa: PLC0415

        from accounts.tenancy import tenant  # noqa: PLC0415
        from payments.actions.states import settle_payment  # noqa: PLC0415

        def settle(piece: Piece) -> None:
            with tenant(lender_id):
                settle_payment(payment_id=piece.payment_id, now=NOW)

        connection.ensure_connection()
        return settle, connection.connection.info.backend_pid

    return worker


def _submit(stock: Stock, pieces: Sequence[Piece]) -> list[Piece]:
    """Payments that the bank works on, one for each piece."""
    from accounts.models import Dealership, User  # noqa: PLC0415 (Django is set up late)
    from accounts.tenancy import tenant  # noqa: PLC0415
    from payments.models import Payment, PaymentMethod, PaymentShare  # noqa: PLC0415

    with tenant(stock.lender_id):
        payer = User.objects.create_user("payer", "payer@people.example", full_name="Payer")
        methods = PaymentMethod.objects.bulk_create(
            PaymentMethod(
                dealership=dealership,
                kind=PaymentMethod.Kind.ACH_DEBIT,
                label="Operating account",
                holder=dealership.name,
                encrypted_number=b"",
                last_four="0000",
            )
            for dealership in Dealership.objects.all()
        )
        method_of = {method.dealership_id: method for method in methods}
        payments = Payment.objects.bulk_create(
            Payment(
                token=uuid4(),
                number=f"P{piece.account_id}",
                dealership_id=piece.dealership_id,
                method=method_of[piece.dealership_id],
                currency="USD",
                amount=piece.amount,
                state=Payment.State.PROCESSING,
                value_date=DAY,
                expected_on=DAY,
                made_by=payer,
                made_by_name="Payer",
                submitted_at=NOW,
                gateway="bank_debit",
                next_step_at=NOW,
            )
            for piece in pieces
        )
    # The shares are entered by thousands in one statement, which is planned by what is known of the payments.
    tidy_tables()
    with tenant(stock.lender_id):
        PaymentShare.objects.bulk_create(
            PaymentShare(
                payment=payment,
                dealership_id=piece.dealership_id,
                account_id=piece.account_id,
                purpose=PaymentShare.Purpose.AMOUNT,
                amount=piece.amount,
                principal=PRINCIPAL,
                interest=piece.interest,
                fees=piece.fees,
            )
            for piece, payment in zip(pieces, payments, strict=True)
        )
    return [replace(piece, payment_id=payment.pk) for piece, payment in zip(pieces, payments, strict=True)]


# --- the run ----------------------------------------------------------------------------------------------------------

_WRITTEN = {
    "entries": "SELECT count(*) FROM finance_journalentry WHERE lender_id = %(lender)s AND source = 'payment'",
    "lines": "SELECT count(*) FROM finance_journalline l JOIN finance_journalentry e ON e.id = l.entry_id "
    "WHERE l.lender_id = %(lender)s AND e.source = 'payment'",
    "events": "SELECT count(*) FROM finance_accountevent WHERE lender_id = %(lender)s AND kind = 'payment'",
    "settled": "SELECT count(*) FROM payments_payment WHERE lender_id = %(lender)s AND state = 'settled'",
    "steps": "SELECT count(*) FROM payments_paymentstep WHERE lender_id = %(lender)s",
    "receipts": "SELECT count(*) FROM payments_paymentreceipt WHERE lender_id = %(lender)s",
    "audit": "SELECT count(*) FROM accounts_auditentry WHERE lender_id = %(lender)s AND code = 'payment.settled'",
}


def _written(stock: Stock) -> dict[str, int]:
    found = {}
    with owner_cursor() as cursor:
        for name, statement in _WRITTEN.items():
            cursor.execute(statement, {"lender": stock.lender_id})
            found[name] = cursor.fetchone()[0]
    return found


def _take(pieces: Iterator[Piece], count: int) -> list[Piece]:
    taken = [piece for _, piece in zip(range(count), pieces, strict=False)]
    must(len(taken) == count, "there are not enough units for so many payments: raise BENCH_UNITS")
    return taken


def run(stock: Stock, sizes: Sizes) -> list[Gate]:
    """Post, then settle, with one, four and eight clients, both sides in turns."""
    must(stock.by_size.keys() == set(MEASURED), "the desk has other dealerships")
    each_mode = sum(sizes.payments(clients) + clients * WARM for clients in CLIENTS) * 2 * ROUNDS
    pieces = _pieces(stock)
    must(len(pieces) >= 2 * each_mode, "there are not enough units for so many payments: raise BENCH_UNITS")
    to_post = iter(pieces[:each_mode])
    to_settle = iter(_submit(stock, pieces[each_mode : 2 * each_mode]))
    tidy_tables()
    lender = stock.lender_id
    modes = {
        "post_payment": (to_post, _posting_by_portal(lender), _posting_by_hand(lender)),
        "settle_payment": (to_settle, _settling_by_portal(lender), _settling_by_hand(lender)),
    }
    rows, gates = [], []
    for name, (queue, by_portal, by_hand) in modes.items():
        for clients in CLIENTS:
            samples = _both(queue, clients, by_portal, by_hand, sizes)
            rows += [
                _row(f"{name}, {clients} client{'s' * (clients > 1)}, {side}", found)
                for side, found in samples.items()
            ]
            of_cpu = 1 / ratio(samples["portal"], samples["by hand"])
            of_wall = 1 / ratio(samples["portal"], samples["by hand"], lambda s: s.wall / s.count)
            gates.append(
                Gate(
                    f"P1 {name}, {clients} client{'s' * (clients > 1)}, payments per CPU-second beside by hand "
                    f"(per second {of_wall:.2f})",
                    of_cpu,
                    0.5,
                    at_most=False,
                )
            )
    made = 2 * each_mode
    expected = {"entries": made, "lines": 4 * made, "events": made}
    expected |= dict.fromkeys(("settled", "steps", "receipts", "audit"), each_mode)
    must(_written(stock) == expected, f"rows written: {_written(stock)}, expected {expected}")
    proof = prove(stock, moved_since=DAY, sample=2 * 300)
    table(("payments of one unit", "per second", "p50 ms", "p99 ms", "app CPU ms", "server CPU ms"), rows)
    say(
        f"  {made:,} payments; each side wrote 1 entry, 4 lines, 1 event, 1 position, 3 due items; to settle also 1"
    )
    say(f"  payment, 1 step, 1 receipt, 1 audit entry; {proof}")
    return gates


def _both(
    queue: Iterator[Piece], clients: int, by_portal: Worker, by_hand: Worker, sizes: Sizes
) -> dict[str, list[Sample]]:
    count = sizes.payments(clients) + clients * WARM

    def side(worker: Worker) -> Callable[[int], Sample]:
        return lambda _number: at_once(clients, worker, _take(queue, count))

    return in_turns({"portal": side(by_portal), "by hand": side(by_hand)})


def _row(name: str, samples: Sequence[Sample]) -> tuple[str, ...]:
    return (
        name,
        shown(samples, lambda sample: sample.count / sample.wall, 0),
        f"{percentile(samples, 0.5):.1f}",
        f"{percentile(samples, 0.99):.1f}",
        shown(samples, lambda sample: 1000 * sample.app / sample.count),
        shown(samples, lambda sample: 1000 * (sample.server or 0.0) / sample.count),
    )
