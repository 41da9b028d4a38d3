"""What paying on a loan today would change: the payment is reckoned on trial, as its posting would be."""

from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from finance.queries.cards import Card
from finance.queries.reckoning import final_position
from finance.queries.settlement import current_cards, settle_share
from finance.queries.splits import Split

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class EarlyPayment:
    """Where an amount would go and how the rest of the loan would change. Amounts in the loan's currency.

    `due` covers what is due, `interest` the interest from then to the day, `ahead` is principal paid before its time.
    `interest_saved` compares all interest still to be paid without and with the payment; it is negative where an extra
    payment makes interest of days past due that the schedule had not charged.
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

    @property
    def interest_added(self) -> Decimal:
        """The opposite of what is saved."""
        return -self.interest_saved


def early_payment(account_id: int, amount: Decimal, day: date) -> EarlyPayment:
    """What paying `amount` on `day` would do to an open loan, every later instalment paid on its day.

    It is compared with paying no more than what is due that day.
    """
    card = current_cards([account_id], day)[account_id]
    due = sum((item.open_total for item in card.items if item.owes_interest), ZERO)
    without, with_it = deepcopy(card), deepcopy(card)
    due_split = Split()
    if due:
        due_split, _closes = settle_share(without, due, day=day, business_date=day, purpose="due")
    split, closes = settle_share(with_it, amount, day=day, business_date=day, purpose="amount")
    beyond = max(ZERO, amount - due)
    interest = max(ZERO, min(beyond, split.interest - due_split.interest))
    return EarlyPayment(
        due=min(amount, due),
        interest=interest,
        ahead=beyond - interest,
        balance=final_position(with_it).principal,
        interest_saved=due_split.interest + _interest(without) - split.interest - _interest(with_it),
        old_end=_end(without, day),
        new_end=_end(with_it, day),
        instalments_saved=_to_come(without) - _to_come(with_it),
        closes=closes,
    )


def _interest(card: Card) -> Decimal:
    return sum((item.open_interest for item in card.items), ZERO)


def _end(card: Card, day: date) -> date:
    return max((item.due_on for item in card.items if item.open_total), default=day)


def _to_come(card: Card) -> int:
    return sum(1 for item in card.items if item.is_planned and item.principal + item.interest)
