"""Splits: how an amount is spread over what one account owes, by the order of its line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Literal

from finance.allocation import DueItem as Claim
from finance.allocation import Portion, allocate
from finance.interest import Event, RemainderRule, interest_to_bill
from finance.money import WIDE
from finance.queries.cards import ZERO, Card, Item
from finance.queries.reckoning import final_position

#: What a payer asked for: what is due, the whole debt, or an amount of their own.
Purpose = Literal["due", "payoff", "amount"]


@dataclass(frozen=True, slots=True)
class Split:
    """Where money goes, in posted amounts; `remainder` is what exceeds the debt and is held as credit."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fees: Decimal = ZERO
    remainder: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """The whole amount."""
        return self.principal + self.interest + self.fees + self.remainder


def claims_of(items: Sequence[Item]) -> list[Claim]:
    """The open parts of `items` as the allocation wants them, keyed by position and portion."""
    return [
        Claim(f"{number}:{portion}", "", portion, amount, item.due_on)
        for number, item in enumerate(items)
        for portion, amount in (
            (Portion.FEES, item.open_fees),
            (Portion.INTEREST, item.open_interest if item.owes_interest else ZERO),
            (Portion.PRINCIPAL, item.open_principal),
        )
        if amount
    ]


def fill(card: Card, items: Sequence[Item], amount: Decimal) -> tuple[dict[Portion, Decimal], Decimal]:
    """Fill the open parts of `items` by the line's order; return what each portion received and what is left."""
    filled = allocate(amount, claims_of(items), order=card.order)
    return filled.of_account(""), filled.remainder


def payment_event(card: Card, sequence: int, day: date, split: Split) -> Event:
    """The event of a share, named by what it pays."""
    event = Event.payment(
        sequence,
        day,
        principal=split.principal,
        interest=split.interest,
        fees=split.fees,
        credit=split.remainder,
    )
    paid = (bool(split.principal), bool(split.interest), bool(split.fees), bool(split.remainder))
    if paid == (True, False, False, False) and not card.is_loan:
        return Event.curtailment(sequence, day, split.principal)
    if paid == (False, True, False, False):
        return Event.interest_payment(sequence, day, split.interest)
    if paid == (False, False, True, False):
        return Event.fee_payment(sequence, day, split.fees)
    return event


def is_paid(card: Card) -> bool:
    """Whether nothing is owed any more. A loan ends with its schedule, whatever fractions its roundings left.

    Credit below nothing is owed: a payoff used what a returned payment had given.
    """
    position = final_position(card)
    if position.principal or position.billed_interest or position.fees or position.credit < 0:
        return False
    return card.is_loan or not interest_to_bill(position, card.currency, rule=RemainderRule.RUNNING)


def due_by(card: Card, through: date) -> Split:
    """What is due on or before `through`."""
    with localcontext(WIDE):
        due = [item for item in card.items if item.due_on <= through]
        return Split(
            sum((item.open_principal for item in due), ZERO),
            sum((item.open_interest for item in due), ZERO),
            sum((item.open_fees for item in due), ZERO),
        )
