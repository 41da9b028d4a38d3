"""Positions on any day, histories, and the calculation of interest segment by segment."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from finance.interest import Event, PayoffFigure, Position, Segment, running, segments
from finance.models import Account, AccountEvent, IndexFixing, RatePlan
from finance.queries.cards import load_cards, load_events
from finance.queries.rates import day_rows
from finance.queries.reckoning import position_of


@dataclass(frozen=True, slots=True)
class RatedSegment:
    """A segment with the source of its rate; `is_projected` when it reaches beyond the business date."""

    segment: Segment
    source: str
    is_projected: bool


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """A stored event with the position right after it."""

    row: AccountEvent
    after: Position


def positions_on(account_ids: Iterable[int], day: date) -> dict[int, Position]:
    """What each account owes as of `day`, whether its last event lies before or after: a constant number of queries."""
    cards = load_cards(account_ids, day).by_account
    return {key: position_of(card, day) for key, card in cards.items()}


def position_on(account: Account | int, day: date) -> Position:
    """What one account owes as of `day`."""
    key = account.pk if isinstance(account, Account) else account
    return positions_on([key], day)[key]


def history_of(account_id: int) -> list[Event]:
    """All events of an account, in the order of recording."""
    return load_events([account_id])[account_id]


def running_history(account: Account) -> list[HistoryLine]:
    """Every event of an account in the order in which it counts, with the position after it."""
    rows = {
        row.sequence: row
        for row in AccountEvent.objects.filter(account_id=account.pk).select_related("entry")
    }
    if not rows:
        return []
    days = [row.effective_on for row in rows.values()]
    card = load_cards([account.pk], min(days), history=True).by_account[account.pk]
    lines = running(card.history or [], card.rates, interest_from=card.interest_from)
    return [HistoryLine(rows[event.sequence], position) for event, position in lines]


def interest_segments(
    account: Account | int,
    start: date | None,
    end: date,
    *,
    business_date: date | None = None,
    paid_off: PayoffFigure | None = None,
) -> list[RatedSegment]:
    """The interest of [start, end) segment by segment, each with the source of its rate.

    Without `start` it begins after the last billing: the interest not yet billed. Segments beyond `business_date` carry
    the last known rate forward. With `paid_off` they are those of an account that is paid off so.
    """
    row = account if isinstance(account, Account) else Account.objects.get(pk=account)
    events = history_of(row.pk)
    if not events:
        return []
    if paid_off is not None:
        number = max(event.sequence for event in events) + 1
        interest = paid_off.accrued + paid_off.billed_interest
        events.append(
            Event.payoff(
                number,
                paid_off.value_date,
                principal=paid_off.principal,
                billed=paid_off.accrued,
                interest=interest,
            )
        )
    if start is None:
        undone = {event.reverses for event in events}
        closings = [
            event.effective_on for event in events if event.closes_period and event.sequence not in undone
        ]
        start = max(closings, default=min(event.effective_on for event in events))
    first = min(start, *(event.effective_on for event in events))
    plan = RatePlan.objects.get(pk=row.rate_plan_id)
    rates = day_rows(plan, first, end)
    found = segments(events, rates, start, end, interest_from=row.opened_on)
    sources = fixing_sources(plan)
    return [
        RatedSegment(
            segment,
            _source(sources, segment.start),
            business_date is not None and segment.end > business_date + timedelta(days=1),
        )
        for segment in found
    ]


def fixing_sources(plan: RatePlan) -> list[tuple[date, str]]:
    """Where each fixing of the plan's index was published, by its first day; of a fixed rate, that it is one."""
    if plan.index_id is None:
        return [(plan.starts_on, plan.name)]
    fixings = IndexFixing.objects.filter(index_id=plan.index_id).order_by("effective_from")
    return [(fixing.effective_from, fixing.source) for fixing in fixings]


def _source(sources: list[tuple[date, str]], day: date) -> str:
    known = [source for first, source in sources if first <= day]
    return known[-1] if known else ""
