"""Settlement: what closes an account, and what a share of a payment does to one."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finance.allocation import Portion
from finance.interest import Event, EventKind, Position, RemainderRule, interest_to_bill
from finance.models import Account, DueItem
from finance.queries.cards import EXTRA, ZERO, Card, Item, load_cards, next_payment_day
from finance.queries.instalments import bill_fallen_due, fallen_due, plan_closed, settle_loan_share
from finance.queries.reckoning import final_position, position_of, record, spread
from finance.queries.splits import Purpose, Split, fill, is_paid, payment_event


@dataclass(frozen=True, slots=True)
class Payoff:
    """What closes an account on a day: `billed` is the interest posted by it, `interest` all interest paid by it.

    `credit` is what it uses up of the credit held, never more than is owed. `refund` is interest of days that do not
    come, as when an instalment was paid early; it counts to the credit held.
    """

    principal: Decimal
    billed: Decimal
    interest: Decimal
    fees: Decimal
    credit: Decimal
    refund: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Exactly this amount on that day leaves 0.00."""
        return self.principal + self.interest + self.fees - self.credit

    def split(self, excess: Decimal = ZERO) -> Split:
        """Where the money goes: credit already held pays fees first, then interest, then principal."""
        left, paid = self.credit, []
        for owed in (self.fees, self.interest, self.principal):
            used = min(left, owed)
            left -= used
            paid.append(owed - used)
        return Split(principal=paid[2], interest=paid[1], fees=paid[0], remainder=excess)


def current_cards(
    account_ids: Iterable[int], day: date, *, business_date: date | None = None, lock: bool = False
) -> dict[int, Card]:
    """The cards for reckoning on `day`, with the instalments due by then billed, be it in the books or only here."""
    posted_on = business_date or day
    cards = load_cards(account_ids, day, lock=lock, also=[posted_on]).by_account
    dates = {
        key: [item.due_on for item in fallen_due(card, day)] for key, card in cards.items() if card.is_loan
    }
    late = [key for key, due in dates.items() if due]
    if late:
        days = [due for key in late for due in dates[key]]
        for key, card in load_cards(
            late, min(days), history=True, also=[*days, day, posted_on]
        ).by_account.items():
            bill_fallen_due(card, day, business_date=posted_on)
            cards[key] = card
    return cards


def payoff_of(card: Card, day: date) -> Payoff:
    """What closes the account with value date `day`.

    Where the day lies before the position, the card is reckoned on trial: interest billed since is corrected, and what
    later payments pay bears interest until their days come.
    """
    billed = interest_to_bill(position_of(card, day), card.currency, rule=RemainderRule.RUNNING)
    now = final_position(card)
    if card.history is None:
        end, interest = now, now.billed_interest + billed
    else:
        end = _after_payoff(card, day, principal=now.principal, billed=billed)
        interest = end.billed_interest
        if day < now.accrued_through:
            paid = _after_payoff(
                card, day, principal=now.principal, billed=billed, interest=max(ZERO, interest)
            )
            later = interest_to_bill(paid, card.currency, rule=RemainderRule.RUNNING)
            billed, interest = billed + later, interest + later
    refund = max(ZERO, -interest)
    owed = now.principal + interest + refund + end.fees
    used = min(end.credit + refund, owed)
    return Payoff(now.principal, billed + refund, interest + refund, end.fees, used, refund)


def _after_payoff(
    card: Card, day: date, *, principal: Decimal, billed: Decimal, interest: Decimal = ZERO
) -> Position:
    """The position when all that happened has counted, had this been paid on `day`; the card stays as it is."""
    trial = deepcopy(card)
    record(
        trial,
        [Event.payoff(trial.last_sequence + 1, day, principal=principal, billed=billed, interest=interest)],
    )
    return final_position(trial)


def settle_share(
    card: Card, amount: Decimal, *, day: date, business_date: date, purpose: Purpose
) -> tuple[Split, bool]:
    """Let a share of a payment happen to the card; return its split and whether the account is closed by it.

    The whole amount is always used: what is due by the line's order, oldest first; then principal; then interest not
    yet billed; what exceeds the debt becomes credit.
    """
    if card.state != Account.State.OPEN:
        record(card, [Event.payment(card.last_sequence + 1, day, credit=amount)])
        return Split(remainder=amount), False
    payoff = payoff_of(card, day)
    if amount >= payoff.total:
        return _close(card, payoff, amount, day=day, business_date=business_date), True
    if card.is_loan:
        return settle_loan_share(card, amount, day=day, business_date=business_date, purpose=purpose)
    return _pay(card, amount, day=day, business_date=business_date)


def _close(card: Card, payoff: Payoff, amount: Decimal, *, day: date, business_date: date) -> Split:
    excess = amount - payoff.total
    events = [] if not payoff.refund else [_refund(card.last_sequence + 1, day, payoff.refund)]
    event = Event.payoff(
        card.last_sequence + len(events) + 1,
        day,
        principal=payoff.principal,
        billed=payoff.billed,
        interest=payoff.interest,
        fees=payoff.fees,
        credit=payoff.credit - excess,
    )
    record(card, [*events, event])
    if card.is_loan:
        plan_closed(card, event)
    spread(card, posted_on=business_date)
    return payoff.split(excess)


def _refund(sequence: int, day: date, amount: Decimal) -> Event:
    return Event(
        kind=EventKind.ADJUSTMENT,
        effective_on=day,
        sequence=sequence,
        billed=-amount,
        interest=amount,
        credit=amount,
    )


def _pay(card: Card, amount: Decimal, *, day: date, business_date: date) -> tuple[Split, bool]:
    filled, left = fill(card, card.items, amount)
    now = final_position(card)
    events: list[Event] = []
    beyond = min(left, now.principal - filled[Portion.PRINCIPAL])
    left -= beyond
    interest = filled[Portion.INTEREST]
    if left:
        # More than is due and all the principal, less than a payoff: the interest since the last bill comes next.
        billed = interest_to_bill(position_of(card, day), card.currency)
        events.append(Event.interest_billed(card.last_sequence + 1, day, billed))
        card.items.append(
            Item(
                None,
                DueItem.Kind.INTEREST,
                EXTRA + card.last_sequence + 1,
                next_payment_day(card, day),
                interest=billed,
                billed_on=day,
                rule=f"Interest to {day:%Y-%m-%d}, the principal being paid",
            )
        )
        paid = min(left, billed)
        interest, left = interest + paid, left - paid
    split = Split(filled[Portion.PRINCIPAL] + beyond, interest, filled[Portion.FEES], left)
    events.append(payment_event(card, card.last_sequence + len(events) + 1, day, split))
    record(card, events)
    spread(card, posted_on=business_date)
    return split, is_paid(card)
