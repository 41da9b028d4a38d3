"""What events do to a card: the position after them, the corrections they cause, and what stays open of each item."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from itertools import groupby

from finance.interest import Event, EventKind, Position, Rates, accrue, advance, fold, interest_to_bill
from finance.interest.history import changes_of
from finance.interest.positions import RemainderRule, apply_changes
from finance.models import DueItem, Loan
from finance.money import WIDE
from finance.queries.cards import EXTRA, ZERO, Card, Item, Recorded


def position_of(card: Card, day: date) -> Position:
    """What is owed as of `day`: one step from the stored position, or a fold where the day lies before it."""
    if card.position is None:
        return Position.empty(max(day, card.interest_from or day))
    if card.history is None:
        return accrue(card.position, card.rates, day)
    return fold(card.history, card.rates, day, interest_from=card.interest_from)


def final_position(card: Card) -> Position:
    """The stored position, or the one of an account to which nothing has happened."""
    return card.position or Position.empty(card.interest_from or date.min)


def record(card: Card, events: Sequence[Event], *, business_date: date) -> None:
    """Let `events` happen to the card.

    In order they advance the position, constant work each. Where one lies in the past, or takes something back, the
    history is folded again; interest that was billed since stays billed, and the difference to what billing in order
    would have posted follows as an adjustment on `business_date`.
    """
    if card.history is None:
        position = card.position
        for event in events:
            if position is None:
                position = Position.empty(max(event.effective_on, card.interest_from or event.effective_on))
            position = advance(position, event, card.rates)
        card.position = position
        card.recorded += [_recorded(event) for event in events]
        card.last_sequence += len(events)
        return
    before = card.history
    after = [*before, *events]
    position = _folded(card, after)
    correction = _correction(card, before, after, position, business_date)
    if correction is not None:
        after.append(correction)
        position = _folded(card, after)
    changes = {change.event.sequence: change for change in changes_of(after)}
    kinds = _kinds(after)
    for event in after[len(before) :]:
        change = changes[event.sequence]
        card.recorded.append(
            Recorded(
                event,
                kinds[event.sequence],
                change.principal,
                change.billed,
                change.interest,
                change.fees,
                change.credit,
            )
        )
    card.history, card.position, card.last_sequence = after, position, after[-1].sequence


def _folded(card: Card, events: Sequence[Event]) -> Position:
    as_of = max(event.effective_on for event in events)
    return fold(events, card.rates, as_of, interest_from=card.interest_from)


def _recorded(event: Event) -> Recorded:
    return Recorded(
        event, event.kind.value, event.principal, event.billed, event.interest, event.fees, event.credit
    )


def _kinds(events: Iterable[Event]) -> dict[int, str]:
    """The kind of each event; of a reversal, the kind of what it takes back."""
    kinds: dict[int, str] = {}
    for event in sorted(events, key=lambda item: item.sequence):
        kinds[event.sequence] = event.kind.value if event.reverses is None else kinds[event.reverses]
    return kinds


# --- corrections ------------------------------------------------------------------------------------------------------


def _correction(
    card: Card, before: Sequence[Event], after: Sequence[Event], position: Position, business_date: date
) -> Event | None:
    """The adjustment that makes what was billed equal to what billing in order would have posted, or None.

    Loans with a schedule of their own are left alone: their contract says what each month's interest is.
    """
    if card.is_loan and card.method != Loan.Method.ACTUAL_DAYS:
        return None
    changed_from = min(event.effective_on for event in after[len(before) :])
    if not any(event.closes_period and event.effective_on > changed_from for event in before):
        return None
    was, is_now = billed_in_order(card, before), billed_in_order(card, after)
    kinds = {event.sequence: event for event in before}
    taken_back = [kinds[event.reverses] for event in after[len(before) :] if event.reverses in kinds]
    with localcontext(WIDE):
        amount = sum((is_now[key] - was[key] for key in was.keys() & is_now.keys()), ZERO)
        # A correction that is taken back with its cause is undone by that already.
        amount += sum((event.billed for event in taken_back if event.kind is EventKind.ADJUSTMENT), ZERO)
        # Interest that was paid and turns out not to have been owed is held as credit.
        excess = -min(ZERO, position.billed_interest + amount)
    if not amount:
        return None
    return Event(
        kind=EventKind.ADJUSTMENT,
        effective_on=business_date,
        sequence=after[-1].sequence + 1,
        billed=amount,
        interest=excess,
        credit=excess,
    )


def billed_in_order(card: Card, events: Sequence[Event]) -> dict[int, Decimal]:
    """What each billing and payoff would have posted had all events been known in time, by its sequence number."""
    dates = {event.sequence: event.effective_on for event in events}
    undone = {
        event.reverses
        for event in events
        if event.reverses is not None and event.effective_on == dates[event.reverses]
    }
    kept = [
        # Earlier corrections are the answer to this question, not part of it.
        replace(event, billed=ZERO) if event.kind is EventKind.ADJUSTMENT else event
        for event in events
        if event.sequence not in undone and event.reverses not in undone
    ]
    changes = changes_of(kept)
    found: dict[int, Decimal] = {}
    if not changes:
        return found
    first = changes[0].event.effective_on
    position = Position.empty(max(first, card.interest_from or first))
    rates: Rates = card.rates
    for day, of_day in groupby(changes, key=lambda change: change.event.effective_on):
        position = accrue(position, rates, day)
        # Closings first: interest of the days before `day`, whatever else happens on it.
        for change in sorted(of_day, key=lambda change: not change.closings):
            used = change
            if change.closings > 0:
                running = change.event.kind is EventKind.PAYOFF
                rule = RemainderRule.RUNNING if running else RemainderRule.PERIOD
                billed = interest_to_bill(position, card.currency, rule=rule)
                found[change.event.sequence] = billed
                used = replace(change, billed=billed)
            position = apply_changes(position, [used])
    return found


# --- due items --------------------------------------------------------------------------------------------------------


def place_of(item: Item) -> tuple[date, int, int]:
    """The order in which items are paid: by due date, then as they were made."""
    return item.due_on, item.id or EXTRA**3, item.number


def spread(card: Card) -> None:
    """Set what is open of each item from the position: within a portion the oldest due is paid first."""
    position = final_position(card)
    newest_first = sorted(card.items, key=place_of, reverse=True)
    interest, fees = position.billed_interest, position.fees
    for item in newest_first:
        if item.owes_interest:
            item.open_interest = min(item.interest, interest)
            interest -= item.open_interest
        item.open_fees = min(item.fees, fees)
        fees -= item.open_fees
    if interest or fees:
        raise ValueError(
            f"Account {card.account_id} owes more than its due items: {interest} interest, {fees} fees"
        )
    if not card.is_loan:
        spread_principal(newest_first, max(ZERO, position.principal - card.unscheduled))


def spread_principal(newest_first: Iterable[Item], total: Decimal) -> None:
    """Leave `total` of the principal open, in the items that fall due last."""
    for item in newest_first:
        item.open_principal = min(item.principal, total)
        total -= item.open_principal


def drop_items(card: Card, taken_back: Iterable[Event]) -> None:
    """Empty the items that events made which are taken back: interest billed with a payment, corrections."""
    numbers = {
        EXTRA + event.sequence
        for event in taken_back
        if event.kind is EventKind.ADJUSTMENT
        or (event.kind is EventKind.INTEREST_BILLED and not card.is_loan)
    }
    for item in card.items:
        if item.kind == DueItem.Kind.INTEREST and item.number in numbers:
            item.interest = ZERO


def settle_corrections(card: Card, *, due_on: date) -> None:
    """Give each correction that asks for more interest a due item that shows its calculation."""
    for row in card.recorded:
        if row.event.kind is EventKind.ADJUSTMENT and row.billed > 0:
            known = any(item.number == EXTRA + row.event.sequence for item in card.items)
            if not known:
                card.items.append(
                    Item(
                        None,
                        DueItem.Kind.INTEREST,
                        EXTRA + row.event.sequence,
                        due_on,
                        interest=row.billed,
                        billed_on=row.event.effective_on,
                        rule=f"Interest of past days reckoned again after a change with an earlier value date: "
                        f"{row.billed} more than was billed",
                    )
                )
