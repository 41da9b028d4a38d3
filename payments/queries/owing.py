"""What may still be paid on each account: what is owed on the value date, less what is on its way.

Reckoned on the same cards as a posting, what is on its way posted on trial first: what is shown is what will be booked.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from finance.models import Account
from finance.queries.cards import Card, load_cards
from finance.queries.dues import Owed, amount_due
from finance.queries.instalments import bill_fallen_due, fallen_due
from finance.queries.settlement import current_cards, payoff_of, settle_share
from finance.queries.splits import Purpose, Split, due_by
from payments.queries.pending import NOTHING, Pending, pending_of

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Portions:
    """An amount by what it pays."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fees: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """The whole amount."""
        return self.principal + self.interest + self.fees


@dataclass(frozen=True, slots=True)
class Owing:
    """One account on one value date, in its currency.

    `booked` is what paying it off would take by the books alone. `due` and `payoff` are what may still be paid: less
    what is on its way, its effect on the interest included. `must_pay_off` marks a sold unit whose time to pay has
    ended: what is due is the payoff. `next_due_on` and `next_due_amount` name what falls due after the value date.
    """

    account: Account
    value_date: date
    posted_on: date
    booked: Portions
    due: Portions
    payoff: Portions
    pending: Pending
    oldest_due_on: date | None
    is_overdue: bool
    must_pay_off: bool
    next_due_on: date | None
    next_due_amount: Decimal
    card: Card = field(repr=False, compare=False)

    @property
    def payable_due(self) -> Decimal:
        """What paying "what is due" comes to: all that is due, or, while nothing is, what falls due next."""
        return self.due.total or self.next_due_amount

    def split_of(self, amount: Decimal, purpose: Purpose) -> Split:
        """Where `amount` will go, by the line's order of allocation; `remainder` is what exceeds the debt."""
        split, _is_closed = settle_share(
            deepcopy(self.card),
            amount,
            day=self.value_date,
            business_date=self.posted_on,
            purpose=purpose,
        )
        return split


def owing_on(accounts: Sequence[Account], value_date: date, *, business_date: date) -> dict[int, Owing]:
    """What may still be paid on each account for that value date. The number of queries does not grow with accounts.

    What is on its way is read before what is owed: a payment that settles in between is then counted twice, which
    refuses too much for a moment, and never not at all.
    """
    posted_on = max(value_date, business_date)
    ids = [account.pk for account in accounts]
    pending = pending_of(ids)
    owed = amount_due(ids, on=value_date)
    booked, left = _cards(ids, pending, value_date, posted_on)
    return {
        account.pk: _owing(
            account,
            owed.get(account.pk),
            pending.get(account.pk, NOTHING),
            booked=booked[account.pk],
            left=left[account.pk],
            value_date=value_date,
            posted_on=posted_on,
            today=business_date,
        )
        for account in accounts
        if account.pk in left and left[account.pk].position is not None
    }


def _cards(
    ids: Sequence[int], pending: dict[int, Pending], value_date: date, posted_on: date
) -> tuple[dict[int, Card], dict[int, Card]]:
    """The cards by the books, and as they will be once everything on its way and everything due is posted."""
    booked = current_cards(ids, value_date, business_date=posted_on)
    on_trial = {key: on_its_way.shares for key, on_its_way in pending.items() if key in booked}
    if not on_trial:
        return booked, booked
    cards = load_cards(ids, value_date, also=[posted_on]).by_account
    days = {share.value_date for shares in on_trial.values() for share in shares} | {
        item.due_on for key in on_trial if cards[key].is_loan for item in fallen_due(cards[key], value_date)
    }
    trial = load_cards(on_trial, min(days), history=True, also=[*days, value_date, posted_on]).by_account
    for key, card in trial.items():
        for share in on_trial[key]:
            day = min(share.value_date, value_date)
            bill_fallen_due(card, day, business_date=posted_on)
            settle_share(card, share.amount, day=day, business_date=posted_on, purpose=share.purpose)
        bill_fallen_due(card, value_date, business_date=posted_on)
    return booked, {**booked, **trial}


def _owing(
    account: Account,
    owed: Owed | None,
    pending: Pending,
    *,
    booked: Card,
    left: Card,
    value_date: date,
    posted_on: date,
    today: date,
) -> Owing:
    payoff = _portions(payoff_of(left, value_date).split())
    due = _portions(due_by(left, value_date))
    must_pay_off = owed is not None and owed.is_payoff and payoff.total > ZERO
    next_due = owed.next_due_amount if owed and not pending.shares else ZERO
    return Owing(
        account=account,
        value_date=value_date,
        posted_on=posted_on,
        booked=_portions(payoff_of(booked, value_date).split()),
        # Credit already held may leave less to pay than the items say.
        due=payoff if must_pay_off or due.total > payoff.total else due,
        payoff=payoff,
        pending=pending,
        oldest_due_on=owed.oldest_due_on if owed else None,
        is_overdue=bool(owed and owed.oldest_due_on and owed.oldest_due_on < today and due.total > ZERO),
        must_pay_off=must_pay_off,
        next_due_on=owed.next_due_on if owed else None,
        next_due_amount=min(next_due, payoff.total),
        card=left,
    )


def _portions(split: Split) -> Portions:
    return Portions(principal=split.principal, interest=split.interest, fees=split.fees)
