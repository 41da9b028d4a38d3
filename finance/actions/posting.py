"""The one writer of the books: entries, lines, events, positions and due items in one statement.

The accounts' positions were locked first, in the order of their keys (`finance.queries.cards`), and the events happened
to the cards; this writes what came of it. The lines follow from the events by one rule, so that the control accounts
cannot part from the positions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.db import connection

from accounts.models import User
from accounts.tenancy import current_lender_id
from finance.actions.chart import Code, principal_code
from finance.interest import EventKind
from finance.models import JournalEntry
from finance.queries.cards import ZERO, Card, Item, Recorded


@dataclass(frozen=True, slots=True)
class Posting:
    """One journal entry with all that it changes.

    `source` and `key` name the cause: the same cause posts once. `cards` are accounts of one dealership, with what
    happened to them. `lender_id` is the running block's.
    """

    source: str
    key: str
    business_date: date
    effective_on: date
    description: str
    actor: User | None
    dealership_id: int
    cards: tuple[Card, ...]
    reverses_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """The entry, and whether it is new; the same cause again finds the first entry and changes nothing."""

    entry: JournalEntry
    is_new: bool


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry: `amount` is a debit when positive, a credit when negative."""

    code: Code
    account_id: int | None
    amount: Decimal


#: Kinds whose fees are income or its correction; elsewhere fees are settled in cash.
_CHARGES: Final = frozenset({EventKind.FEE_ASSESSED.value, EventKind.ADJUSTMENT.value})


def lines_of(cards: Sequence[Card]) -> list[Line]:
    """The lines of what happened to `cards`: what is owed on one side; cash, interest or fee income on the other."""
    lines = []
    cash = ZERO
    for card in cards:
        for row in card.recorded:
            for line in _legs(card, row):
                if line.code is Code.CASH:
                    cash += line.amount
                else:
                    lines.append(line)
    return [*([Line(Code.CASH, None, cash)] if cash else []), *lines]


def _legs(card: Card, row: Recorded) -> Iterator[Line]:
    account = card.account_id
    if row.principal:
        yield Line(principal_code(card.kind), account, row.principal)
        yield Line(Code.CASH, None, -row.principal)
    if row.billed:
        yield Line(Code.INTEREST_RECEIVABLE, account, row.billed)
        yield Line(Code.INTEREST_INCOME, account, -row.billed)
    if row.interest:
        yield Line(Code.INTEREST_RECEIVABLE, account, row.interest)
        yield Line(Code.CASH, None, -row.interest)
    if row.fees:
        yield Line(Code.FEES_RECEIVABLE, account, row.fees)
        if row.kind in _CHARGES:
            yield Line(Code.FEE_INCOME, account, -row.fees)
        else:
            yield Line(Code.CASH, None, -row.fees)
    if row.credit:
        yield Line(Code.CREDITS_HELD, account, -row.credit)
        yield Line(Code.CASH, None, row.credit)


_WRITE = """
WITH entry AS (
    INSERT INTO finance_journalentry (lender_id, dealership_id, source, key, business_date, effective_on, description,
                                      actor_id, reverses_id, recorded_at)
    VALUES (%(lender)s, %(dealership)s, %(source)s, %(key)s, %(business_date)s, %(effective_on)s, %(description)s,
            %(actor)s, %(reverses)s, now())
    ON CONFLICT (lender_id, source, key) DO NOTHING
    RETURNING id
), lines AS (
    INSERT INTO finance_journalline (lender_id, dealership_id, entry_id, ledger_account_id, account_id, debit, credit)
    SELECT %(lender)s, %(dealership)s, entry.id, g.id, v.account_id, greatest(v.amount, 0), greatest(-v.amount, 0)
    FROM entry
    CROSS JOIN unnest(%(line_codes)s::text[], %(line_accounts)s::bigint[], %(line_amounts)s::numeric[])
        WITH ORDINALITY AS v(code, account_id, amount, place)
    JOIN finance_ledgeraccount g ON g.lender_id = %(lender)s AND g.code = v.code
    ORDER BY v.place
    RETURNING 1
), events AS (
    INSERT INTO finance_accountevent (lender_id, dealership_id, account_id, entry_id, sequence, kind, effective_on,
                                      recorded_at, principal, billed, interest, fees, credit, reverses_sequence)
    SELECT %(lender)s, %(dealership)s, v.account_id, entry.id, v.sequence, v.kind, v.effective_on,
           now(), v.principal, v.billed, v.interest, v.fees, v.credit, v.reverses
    FROM entry
    CROSS JOIN unnest(%(event_accounts)s::bigint[], %(event_sequences)s::int[], %(event_kinds)s::text[],
                      %(event_days)s::date[], %(event_principals)s::numeric[], %(event_billeds)s::numeric[],
                      %(event_interests)s::numeric[], %(event_fees)s::numeric[], %(event_credits)s::numeric[],
                      %(event_reverses)s::int[])
        AS v(account_id, sequence, kind, effective_on, principal, billed, interest, fees, credit, reverses)
    RETURNING 1
), positions AS (
    UPDATE finance_accountposition p
    SET principal = v.principal, accrued_parts = v.accrued, remainder_parts = v.remainder,
        accrued_through = v.through, billed_interest = v.billed, fees = v.fees, credit = v.credit,
        last_sequence = v.sequence
    FROM entry
    CROSS JOIN unnest(%(position_accounts)s::bigint[], %(position_principals)s::numeric[],
                      %(position_accrueds)s::numeric[], %(position_remainders)s::numeric[],
                      %(position_throughs)s::date[], %(position_billeds)s::numeric[], %(position_fees)s::numeric[],
                      %(position_credits)s::numeric[], %(position_sequences)s::int[], %(position_befores)s::int[])
        AS v(account_id, principal, accrued, remainder, through, billed, fees, credit, sequence, before)
    WHERE p.lender_id = %(lender)s AND p.account_id = v.account_id AND p.last_sequence = v.before
    RETURNING 1
), changed AS (
    UPDATE finance_dueitem d
    SET billed_on = v.billed_on, principal = v.principal, interest = v.interest, fees = v.fees,
        outstanding_principal = v.open_principal, outstanding_interest = v.open_interest, outstanding_fees = v.open_fees
    FROM entry
    CROSS JOIN unnest(%(item_ids)s::bigint[], %(item_billeds)s::date[], %(item_principals)s::numeric[],
                      %(item_interests)s::numeric[], %(item_fees)s::numeric[], %(item_open_principals)s::numeric[],
                      %(item_open_interests)s::numeric[], %(item_open_fees)s::numeric[])
        AS v(id, billed_on, principal, interest, fees, open_principal, open_interest, open_fees)
    WHERE d.lender_id = %(lender)s AND d.id = v.id
    RETURNING 1
), added AS (
    INSERT INTO finance_dueitem (lender_id, dealership_id, public_id, account_id, kind, number, due_on,
                                 grace_until, rule, billed_on, principal, interest, fees,
                                 outstanding_principal, outstanding_interest, outstanding_fees)
    SELECT %(lender)s, %(dealership)s, gen_random_uuid(), v.account_id, v.kind, v.number, v.due_on,
           v.grace_until, v.rule, v.billed_on, v.principal, v.interest, v.fees,
           v.open_principal, v.open_interest, v.open_fees
    FROM entry
    CROSS JOIN unnest(%(new_accounts)s::bigint[], %(new_kinds)s::text[], %(new_numbers)s::int[], %(new_dues)s::date[],
                      %(new_graces)s::date[], %(new_rules)s::text[], %(new_billeds)s::date[],
                      %(new_principals)s::numeric[], %(new_interests)s::numeric[], %(new_fees)s::numeric[],
                      %(new_open_principals)s::numeric[], %(new_open_interests)s::numeric[],
                      %(new_open_fees)s::numeric[])
        AS v(account_id, kind, number, due_on, grace_until, rule, billed_on, principal, interest, fees,
             open_principal, open_interest, open_fees)
    RETURNING 1
)
SELECT entry.id, (SELECT count(*) FROM lines), (SELECT count(*) FROM events), (SELECT count(*) FROM positions),
       (SELECT count(*) FROM changed), (SELECT count(*) FROM added)
FROM entry
"""


def post(posting: Posting) -> Posted:
    """Write a posting, in one round trip, inside the caller's transaction and under the accounts' locks."""
    lender_id = current_lender_id()
    lines = lines_of(posting.cards)
    rows = [(card, row) for card in posting.cards for row in card.recorded]
    touched = [card for card in posting.cards if card.recorded and card.position is not None]
    changed = [item for card in posting.cards for item in card.items if _is_changed(card, item)]
    added = [(card, item) for card in posting.cards for item in card.items if item.id is None]
    parameters: dict[str, Any] = {
        "lender": lender_id,
        "dealership": posting.dealership_id,
        "source": posting.source,
        "key": posting.key,
        "business_date": posting.business_date,
        "effective_on": posting.effective_on,
        "description": posting.description[:160],
        "actor": posting.actor.pk if posting.actor else None,
        "reverses": posting.reverses_id,
        "line_codes": [line.code.value for line in lines],
        "line_accounts": [line.account_id for line in lines],
        "line_amounts": [line.amount for line in lines],
        "event_accounts": [card.account_id for card, _ in rows],
        "event_sequences": [row.event.sequence for _, row in rows],
        "event_kinds": [row.event.kind.value for _, row in rows],
        "event_days": [row.event.effective_on for _, row in rows],
        "event_principals": [row.principal for _, row in rows],
        "event_billeds": [row.billed for _, row in rows],
        "event_interests": [row.interest for _, row in rows],
        "event_fees": [row.fees for _, row in rows],
        "event_credits": [row.credit for _, row in rows],
        "event_reverses": [row.event.reverses for _, row in rows],
        **_position_columns(touched),
        "item_ids": [item.id for item in changed],
        **_item_columns("item", changed),
        "new_accounts": [card.account_id for card, _ in added],
        "new_kinds": [str(item.kind) for _, item in added],
        "new_numbers": [item.number for _, item in added],
        "new_dues": [item.due_on for _, item in added],
        "new_graces": [item.grace_until for _, item in added],
        "new_rules": [item.rule[:200] for _, item in added],
        **_item_columns("new", [item for _, item in added]),
    }
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, parameters)
        written = cursor.fetchone()
    if written is None:
        first = JournalEntry.objects.get(source=posting.source, key=posting.key)
        return Posted(first, is_new=False)
    expected = (len(lines), len(rows), len(touched), len(changed), len(added))
    if written[1:] != expected:
        raise RuntimeError(
            f"Entry {posting.source} {posting.key} wrote {written[1:]} rows instead of {expected}: "
            "is the lender's chart open, and were the accounts locked?"
        )
    return Posted(
        JournalEntry(
            pk=written[0],
            lender_id=lender_id,
            dealership_id=posting.dealership_id,
            source=posting.source,
            key=posting.key,
            business_date=posting.business_date,
            effective_on=posting.effective_on,
            description=parameters["description"],
            actor_id=parameters["actor"],
            reverses_id=posting.reverses_id,
        ),
        is_new=True,
    )


_RESTATE = """
UPDATE finance_accountposition p
SET principal = v.principal, accrued_parts = v.accrued, remainder_parts = v.remainder, accrued_through = v.through
FROM unnest(%(position_accounts)s::bigint[], %(position_principals)s::numeric[], %(position_accrueds)s::numeric[],
            %(position_remainders)s::numeric[], %(position_throughs)s::date[])
    AS v(account_id, principal, accrued, remainder, through)
WHERE p.lender_id = %(lender)s AND p.account_id = v.account_id
"""


def restate(cards: Sequence[Card]) -> None:
    """Write positions that a change of the rates has moved, without a posting: only what was not billed has changed."""
    with connection.cursor() as cursor:
        cursor.execute(_RESTATE, {"lender": current_lender_id(), **_position_columns(cards)})


def _is_changed(card: Card, item: Item) -> bool:
    return item.id is not None and card.stored[item.id] != item.state()


def _position_columns(cards: Sequence[Card]) -> dict[str, list[Any]]:
    pairs = [(card, card.position) for card in cards if card.position is not None]
    return {
        "position_accounts": [card.account_id for card, _ in pairs],
        "position_principals": [position.principal for _, position in pairs],
        "position_accrueds": [position.accrued_parts for _, position in pairs],
        "position_remainders": [position.remainder_parts for _, position in pairs],
        "position_throughs": [position.accrued_through for _, position in pairs],
        "position_billeds": [position.billed_interest for _, position in pairs],
        "position_fees": [position.fees for _, position in pairs],
        "position_credits": [position.credit for _, position in pairs],
        "position_sequences": [card.last_sequence for card, _ in pairs],
        "position_befores": [card.last_sequence - len(card.recorded) for card, _ in pairs],
    }


def _item_columns(prefix: str, items: Sequence[Item]) -> dict[str, list[Any]]:
    return {
        f"{prefix}_billeds": [item.billed_on for item in items],
        f"{prefix}_principals": [item.principal for item in items],
        f"{prefix}_interests": [item.interest for item in items],
        f"{prefix}_fees": [item.fees for item in items],
        f"{prefix}_open_principals": [item.open_principal for item in items],
        f"{prefix}_open_interests": [item.open_interest for item in items],
        f"{prefix}_open_fees": [item.open_fees for item in items],
    }
