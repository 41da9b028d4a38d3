"""The proof of the books, which finds one planted cent and names its row.

Every entry balances and says what its events say; control accounts equal positions; positions equal the fold of their
events; due items add up to what is owed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from accounts.tenancy import current_lender_id
from finance.interest import MissingRateError, fold
from finance.queries.cards import load_cards

CHUNK: Final = 2_000


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not add up: the table and key of its row, and what is wrong with it."""

    table: str
    row_id: int
    text: str

    def __str__(self) -> str:
        return f"{self.table} {self.row_id}: {self.text}"


_UNBALANCED = """
SELECT 'finance_journalentry', entry_id, 'debits ' || sum(debit) || ', credits ' || sum(credit)
FROM finance_journalline WHERE lender_id = %(lender)s
GROUP BY entry_id HAVING sum(debit) <> sum(credit) ORDER BY 2
"""
_EMPTY = """
SELECT 'finance_journalentry', e.id, 'has no lines'
FROM finance_journalentry e
WHERE e.lender_id = %(lender)s
  AND NOT EXISTS (SELECT 1 FROM finance_journalline l WHERE l.lender_id = e.lender_id AND l.entry_id = e.id)
ORDER BY 2
"""
# The rule of `finance.actions.posting`, once more and independently: what each event should have posted where.
_LINES_AND_EVENTS = """
WITH expected AS (
    SELECT v.entry_id, side.code, CASE WHEN side.code = '1000' THEN 0 ELSE v.account_id END AS account_id,
           sum(side.amount) AS amount
    FROM finance_accountevent v
    JOIN finance_account a ON a.lender_id = v.lender_id AND a.id = v.account_id
    LEFT JOIN finance_accountevent o
        ON o.lender_id = v.lender_id AND o.account_id = v.account_id AND o.sequence = v.reverses_sequence
    CROSS JOIN LATERAL (VALUES
        (CASE a.kind WHEN 'loan' THEN '1210' ELSE '1200' END, v.principal), ('1000', -v.principal),
        ('1300', v.billed + v.interest), ('4000', -v.billed), ('1000', -v.interest),
        ('1310', v.fees),
        (CASE WHEN coalesce(o.kind, v.kind) IN ('fee_assessed', 'adjustment') THEN '4100' ELSE '1000' END, -v.fees),
        ('2000', -v.credit), ('1000', v.credit)
    ) AS side(code, amount)
    WHERE v.lender_id = %(lender)s
    GROUP BY 1, 2, 3 HAVING sum(side.amount) <> 0
), actual AS (
    SELECT l.entry_id, g.code, CASE WHEN g.code = '1000' THEN 0 ELSE coalesce(l.account_id, 0) END AS account_id,
           sum(l.debit - l.credit) AS amount
    FROM finance_journalline l
    JOIN finance_ledgeraccount g ON g.lender_id = l.lender_id AND g.id = l.ledger_account_id
    WHERE l.lender_id = %(lender)s
    GROUP BY 1, 2, 3 HAVING sum(l.debit - l.credit) <> 0
)
SELECT 'finance_journalentry', entry_id,
       'ledger account ' || code || CASE account_id WHEN 0 THEN '' ELSE ', account ' || account_id END
       || ' has ' || coalesce(x.amount, 0) || ', its events say ' || coalesce(e.amount, 0)
FROM actual x FULL JOIN expected e USING (entry_id, code, account_id)
WHERE coalesce(x.amount, 0) <> coalesce(e.amount, 0) ORDER BY 2, code
"""
_CONTROL = """
WITH lines AS (
    SELECT l.account_id,
           sum(l.debit - l.credit) FILTER (WHERE g.code IN ('1200', '1210')) AS principal,
           sum(l.debit - l.credit) FILTER (WHERE g.code = '1300') AS interest,
           sum(l.debit - l.credit) FILTER (WHERE g.code = '1310') AS fees,
           sum(l.credit - l.debit) FILTER (WHERE g.code = '2000') AS credit
    FROM finance_journalline l
    JOIN finance_ledgeraccount g ON g.lender_id = l.lender_id AND g.id = l.ledger_account_id
    WHERE l.lender_id = %(lender)s AND l.account_id IS NOT NULL
    GROUP BY l.account_id
)
SELECT 'finance_accountposition', p.account_id,
       'principal ' || p.principal || ', interest ' || p.billed_interest || ', fees ' || p.fees || ', credit '
       || p.credit || '; the ledger has ' || coalesce(l.principal, 0) || ', ' || coalesce(l.interest, 0) || ', '
       || coalesce(l.fees, 0) || ', ' || coalesce(l.credit, 0)
FROM finance_accountposition p LEFT JOIN lines l ON l.account_id = p.account_id
WHERE p.lender_id = %(lender)s
  AND (p.principal, p.billed_interest, p.fees, p.credit)
      <> (coalesce(l.principal, 0), coalesce(l.interest, 0), coalesce(l.fees, 0), coalesce(l.credit, 0))
ORDER BY 2
"""
_EVENTS = """
WITH events AS (
    SELECT account_id, sum(principal) AS principal, sum(billed + interest) AS interest, sum(fees) AS fees,
           sum(credit) AS credit, count(*) AS events, max(sequence) AS last
    FROM finance_accountevent WHERE lender_id = %(lender)s GROUP BY account_id
)
SELECT 'finance_accountposition', p.account_id,
       'is not the sum of its events, or of another number of them: ' || coalesce(v.events, 0) || ' events, last '
       || coalesce(v.last, 0) || ', position after ' || p.last_sequence
FROM finance_accountposition p LEFT JOIN events v ON v.account_id = p.account_id
WHERE p.lender_id = %(lender)s
  AND (p.principal, p.billed_interest, p.fees, p.credit, p.last_sequence, p.last_sequence)
      <> (coalesce(v.principal, 0), coalesce(v.interest, 0), coalesce(v.fees, 0), coalesce(v.credit, 0),
          coalesce(v.last, 0), coalesce(v.events, 0))
ORDER BY 2
"""
_DUE_ITEMS = """
WITH items AS (
    SELECT account_id, sum(principal) AS scheduled, sum(outstanding_principal) AS principal,
           sum(outstanding_fees) AS fees,
           sum(outstanding_interest) FILTER (WHERE kind <> 'instalment' OR billed_on IS NOT NULL) AS interest
    FROM finance_dueitem WHERE lender_id = %(lender)s GROUP BY account_id
), owed AS (
    SELECT p.account_id, p.billed_interest AS interest, p.fees,
           CASE a.kind WHEN 'loan' THEN p.principal
           ELSE greatest(0, p.principal - greatest(0, u.advance_amount - coalesce(i.scheduled, 0))) END AS principal
    FROM finance_accountposition p
    JOIN finance_account a ON a.lender_id = p.lender_id AND a.id = p.account_id
    LEFT JOIN finance_unit u ON u.lender_id = p.lender_id AND u.account_id = p.account_id
    LEFT JOIN items i ON i.account_id = p.account_id
    WHERE p.lender_id = %(lender)s
)
SELECT 'finance_account', o.account_id,
       'owes ' || o.principal || ' principal, ' || o.interest || ' interest, ' || o.fees || ' fees; its due items have '
       || coalesce(i.principal, 0) || ', ' || coalesce(i.interest, 0) || ', ' || coalesce(i.fees, 0)
FROM owed o LEFT JOIN items i ON i.account_id = o.account_id
WHERE (o.principal, o.interest, o.fees)
      <> (coalesce(i.principal, 0), coalesce(i.interest, 0), coalesce(i.fees, 0))
ORDER BY 2
"""
_CLOSED = """
SELECT 'finance_account', a.id,
       'is closed and owes ' || (p.principal + p.billed_interest + p.fees + greatest(0, -p.credit))
FROM finance_account a JOIN finance_accountposition p ON p.lender_id = a.lender_id AND p.account_id = a.id
WHERE a.lender_id = %(lender)s AND a.state = 'closed'
  AND (p.principal + p.billed_interest + p.fees <> 0 OR p.credit < 0)
ORDER BY 2
"""
_CHECKS: Final = (_UNBALANCED, _EMPTY, _LINES_AND_EVENTS, _CONTROL, _EVENTS, _DUE_ITEMS, _CLOSED)

_ALL = """
SELECT account_id FROM finance_accountposition WHERE lender_id = %(lender)s AND last_sequence > 0 ORDER BY 1
"""
_MOVED = """
SELECT DISTINCT l.account_id FROM finance_journalentry e
JOIN finance_journalline l ON l.lender_id = e.lender_id AND l.entry_id = e.id
WHERE e.lender_id = %(lender)s AND e.business_date >= %(since)s AND l.account_id IS NOT NULL
ORDER BY 1
"""


def problems(*, since: date | None = None) -> list[Problem]:
    """Everything in the running lender's books that does not add up; an empty list is the proof.

    Sums are checked over the whole ledger; positions are folded again for all accounts, or for those with a posting on
    `since` or later.
    """
    return [*sum_problems(), *position_problems(since=since)]


def sum_problems() -> Iterator[Problem]:
    """What the sums say: one statement per check."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', '600000', true)")
        for check in _CHECKS:
            cursor.execute(check, {"lender": current_lender_id()})
            yield from (Problem(*row) for row in cursor.fetchall())


def position_problems(*, since: date | None = None) -> Iterator[Problem]:
    """Accounts whose position is not, digit for digit, the fold of their events."""
    parameters: dict[str, Any] = {"lender": current_lender_id(), "since": since}
    with connection.cursor() as cursor:
        cursor.execute(_MOVED if since else _ALL, parameters)
        accounts = [row[0] for row in cursor.fetchall()]
    for start in range(0, len(accounts), CHUNK):
        cards = load_cards(accounts[start : start + CHUNK], date.min, history=True).by_account
        for card in cards.values():
            stored = card.position
            if stored is None:
                yield Problem("finance_accountposition", card.account_id, "has events and no day")
                continue
            try:
                folded = fold(
                    card.history or [], card.rates, stored.accrued_through, interest_from=card.interest_from
                )
            except (ValueError, MissingRateError) as error:
                yield Problem("finance_accountposition", card.account_id, f"cannot be folded: {error}")
                continue
            if folded != stored:
                yield Problem(
                    "finance_accountposition", card.account_id, f"is {stored}, its events fold to {folded}"
                )


def totals() -> dict[str, Decimal]:
    """Debit minus credit of each ledger account, by its code."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT g.code, coalesce(sum(l.debit - l.credit), 0) FROM finance_ledgeraccount g "
            "LEFT JOIN finance_journalline l ON l.lender_id = g.lender_id AND l.ledger_account_id = g.id "
            "WHERE g.lender_id = %s GROUP BY g.code ORDER BY g.code",
            [current_lender_id()],
        )
        return dict(cursor.fetchall())
