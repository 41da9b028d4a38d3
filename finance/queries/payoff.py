"""Payoff quotes: what closes an account on each of several value dates, with the calculation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finance.interest import DayCount, PayoffFigure, effective_annual_cost, per_diem
from finance.models import Account
from finance.queries.cards import Card, know_days
from finance.queries.positions import RatedSegment, interest_segments
from finance.queries.settlement import current_cards, payoff_of, settle_share
from finance.queries.splits import Split


@dataclass(frozen=True, slots=True)
class PayoffQuote:
    """What closes one account, in posted amounts: the figures bind, the per diem is information.

    `segments` are the interest not yet billed, up to the last value date; those after `business_date` carry the last
    known rate forward.
    """

    account_id: int
    currency: str
    business_date: date
    figures: tuple[PayoffFigure, ...]
    segments: tuple[RatedSegment, ...]
    day_count: DayCount
    annual_rate: Decimal
    effective_cost: Decimal

    @property
    def per_diem(self) -> Decimal:
        """One more day's interest, unrounded."""
        return self.figures[0].per_diem if self.figures else Decimal(0)


def payoff_quote(account: Account | int, *, value_dates: Iterable[date], business_date: date) -> PayoffQuote:
    """Quote an account's payoff; the accounts of the running scope only, else KeyError."""
    dates = sorted(set(value_dates))
    account_id = account.pk if isinstance(account, Account) else account
    card = current_cards([account_id], dates[0], business_date=business_date)[account_id]
    know_days(card, dates)
    figures = tuple(_figure(card, day, business_date) for day in dates)
    rate = card.rates.annual_rate(dates[0])
    return PayoffQuote(
        account_id=account_id,
        currency=card.currency,
        business_date=business_date,
        figures=figures,
        segments=tuple(_unbilled(card, dates[-1], business_date)),
        day_count=card.day_count,
        annual_rate=rate,
        effective_cost=effective_annual_cost(rate, card.day_count),
    )


def _figure(card: Card, day: date, business_date: date) -> PayoffFigure:
    payoff = payoff_of(card, day)
    return PayoffFigure(
        day,
        payoff.principal,
        payoff.billed,
        payoff.interest - payoff.billed,
        payoff.fees,
        payoff.credit,
        payoff.total,
        per_diem(payoff.principal, card.rates.annual_rate(day), card.day_count, day),
    )


def _unbilled(card: Card, end: date, business_date: date) -> Sequence[RatedSegment]:
    return interest_segments(card.account_id, None, end, business_date=business_date)


def payoff_split(account: Account | int, value_date: date) -> Split:
    """Where the money of a payoff on `value_date` goes; its total closes the account at 0.00."""
    account_id = account.pk if isinstance(account, Account) else account
    card = current_cards([account_id], value_date)[account_id]
    return payoff_of(card, value_date).split()


def split_amount(
    account: Account | int, amount: Decimal, value_date: date, *, purpose: str = "amount"
) -> Split:
    """Where `amount` would go on `value_date`, as posting it then would decide."""
    account_id = account.pk if isinstance(account, Account) else account
    card = current_cards([account_id], value_date)[account_id]
    split, _closes = settle_share(
        card,
        amount,
        day=value_date,
        business_date=value_date,
        purpose="due" if purpose == "due" else "amount",
    )
    return split


def payoffs_on(account_ids: Iterable[int], day: date) -> dict[int, Decimal]:
    """What closes each account on `day`: constant queries, for lists."""
    return {
        key: payoff_of(card, day).total
        for key, card in current_cards(account_ids, day).items()
        if card.position is not None
    }
