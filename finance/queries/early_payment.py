"""What paying on a loan today would change: the payment is reckoned on trial, as its posting would be."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from finance.queries.cards import Card, load_cards
from finance.queries.instalments import bill_fallen_due
from finance.queries.reckoning import final_position
from finance.queries.settlement import settle_share

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class EarlyPayment:
    """Where an amount would go and how the rest of the loan would change. Amounts in the loan's currency.

    `due` covers what is due, `interest` the interest from then to the day, `ahead` is principal paid before its time.
    `interest_saved` compares all interest still to be paid without and with the payment.
    """

    due: Decimal
    interest: Decimal
    ahead: Decimal
    balance: Decimal
    interest_saved: Decimal
    old_end: date
    new_end: date
    instalments_saved: int
    closes: bool


def early_payment(account_id: int, amount: Decimal, day: date) -> EarlyPayment:
    """What paying `amount` on `day` would do to an open loan, every later instalment paid on its day."""
    card = load_cards([account_id], day).by_account[account_id]
    bill_fallen_due(card, day, business_date=day)
    owed = [item for item in card.items if item.owes_interest]
    due = sum((item.open_total for item in owed), ZERO)
    due_interest = sum((item.open_interest for item in owed), ZERO)
    interest_before = sum((item.open_interest for item in card.items), ZERO)
    trial = deepcopy(card)
    split, closes = settle_share(trial, amount, day=day, business_date=day, purpose="amount")
    interest_after = sum((item.open_interest for item in trial.items), ZERO)
    ahead = max(ZERO, amount - due)
    interest = max(ZERO, split.interest - due_interest)
    return EarlyPayment(
        due=min(amount, due),
        interest=interest,
        ahead=max(ZERO, ahead - interest),
        balance=final_position(trial).principal,
        interest_saved=interest_before - interest_after - split.interest,
        old_end=_end(card, day),
        new_end=_end(trial, day),
        instalments_saved=_to_come(card) - _to_come(trial),
        closes=closes,
    )


def _end(card: Card, day: date) -> date:
    return max((item.due_on for item in card.items if item.open_total), default=day)


def _to_come(card: Card) -> int:
    return sum(1 for item in card.items if item.is_planned and item.principal + item.interest)
