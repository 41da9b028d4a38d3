"""The one writer of the books: entries, lines, events, positions and due items in one round trip.

The accounts' positions were locked first, in the order of their keys (`finance.queries.cards`), and the events happened
to the cards; this writes what came of it. The lines follow from the events by one rule, so that the control accounts
cannot part from the positions.
"""

from __future__ import annotations

import json
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
from finance.queries.reckoning import final_position


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


def post(posting: Posting) -> Posted:
    """Write a posting, in one round trip, inside the caller's transaction and under the accounts' locks."""
    lender_id = current_lender_id()
    lines = lines_of(posting.cards)
    rows = [(card, row) for card in posting.cards for row in card.recorded]
    touched = [card for card in posting.cards if card.recorded]
    changed = [item for card in posting.cards for item in card.items if _is_changed(card, item)]
    added = [(card, item) for card in posting.cards for item in card.items if item.id is None]
    entry: dict[str, Any] = {
        "source": posting.source,
        "key": posting.key,
        "business_date": posting.business_date,
        "effective_on": posting.effective_on,
        "description": posting.description[:160],
        "dealership": posting.dealership_id,
        "actor": posting.actor.pk if posting.actor else None,
        "reverses": posting.reverses_id,
        "lines": [
            {"code": line.code.value, "account": line.account_id, "amount": line.amount} for line in lines
        ],
        "events": [_event(card, row) for card, row in rows],
        "positions": [_position(card) for card in touched],
        "changed": [{"id": item.id, **_amounts(item)} for item in changed],
        "added": [
            {
                "account": card.account_id,
                "kind": item.kind,
                "number": item.number,
                "due_on": item.due_on,
                "grace_until": item.grace_until,
                "rule": item.rule[:200],
                **_amounts(item),
            }
            for card, item in added
        ],
    }
    with connection.cursor() as cursor:
        # Dates and amounts travel as text, which PostgreSQL reads exactly.
        cursor.execute(
            "SELECT * FROM finance_post(%s, %s::jsonb)", [lender_id, json.dumps(entry, default=str)]
        )
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
            description=entry["description"],
            actor_id=entry["actor"],
            reverses_id=posting.reverses_id,
        ),
        is_new=True,
    )


_RESTATE = """
UPDATE finance_accountposition p
SET accrued_parts = v.accrued, remainder_parts = v.remainder
FROM unnest(%(accounts)s::bigint[], %(accrueds)s::numeric[], %(remainders)s::numeric[])
    AS v(account_id, accrued, remainder)
WHERE p.lender_id = %(lender)s AND p.account_id = v.account_id
"""


def restate(cards: Sequence[Card]) -> None:
    """Write the accrued interest that a change of the rates has moved: what was not billed yet needs no posting."""
    pairs = [(card.account_id, card.position) for card in cards if card.position is not None]
    with connection.cursor() as cursor:
        cursor.execute(
            _RESTATE,
            {
                "lender": current_lender_id(),
                "accounts": [account_id for account_id, _ in pairs],
                "accrueds": [position.accrued_parts for _, position in pairs],
                "remainders": [position.remainder_parts for _, position in pairs],
            },
        )


def _is_changed(card: Card, item: Item) -> bool:
    return item.id is not None and card.stored[item.id] != item.state()


def _event(card: Card, row: Recorded) -> dict[str, Any]:
    return {
        "account": card.account_id,
        "sequence": row.event.sequence,
        "kind": row.event.kind.value,
        "effective_on": row.event.effective_on,
        "principal": row.principal,
        "billed": row.billed,
        "interest": row.interest,
        "fees": row.fees,
        "credit": row.credit,
        "reverses": row.event.reverses,
    }


def _position(card: Card) -> dict[str, Any]:
    position = final_position(card)
    return {
        "account": card.account_id,
        "principal": position.principal,
        "accrued": position.accrued_parts,
        "remainder": position.remainder_parts,
        "through": position.accrued_through,
        "billed": position.billed_interest,
        "fees": position.fees,
        "credit": position.credit,
        "sequence": card.last_sequence,
        "before": card.last_sequence - len(card.recorded),
    }


def _amounts(item: Item) -> dict[str, Any]:
    return {
        "billed_on": item.billed_on,
        "principal": item.principal,
        "interest": item.interest,
        "fees": item.fees,
        "open_principal": item.open_principal,
        "open_interest": item.open_interest,
        "open_fees": item.open_fees,
    }
