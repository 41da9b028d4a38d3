"""What events do to a card: the position after them, the corrections they cause, and what stays open of each item."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext
from itertools import groupby

from finance.interest import Event, EventKind, Position, Rates, accrue, advance, fold, interest_to_bill
from finance.interest.history import changes_of
from finance.interest.positions import RemainderRule, apply_changes
from finance.models import DueItem, Loan
from finance.money import WIDE
from finance.queries.cards import EXTRA, ZERO, Card, Item, Recorded, next_payment_day


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


def record(card: Card, events: Sequence[Event]) -> None:
    """Let `events` happen to the card.

    In order they advance the position, constant work each. Where one lies in the past, or takes something back, the
    history is folded again; interest that was billed since stays billed, and the difference to what billing in order
    would have posted follows as adjustments.
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
    corrections = _corrections(card, before, after, position)
    if corrections:
        after += corrections
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


def _corrections(
    card: Card, before: Sequence[Event], after: Sequence[Event], position: Position
) -> list[Event]:
    """The adjustments that make what was billed equal to what billing in order would have posted.

    Loans with a schedule of their own are left alone: their contract says what each month's interest is.
    """
    if card.is_loan and card.method != Loan.Method.ACTUAL_DAYS:
        return []
    known = {event.sequence: event for event in before}
    changed_from = min(event.effective_on for event in after[len(before) :])
    if not any(event.closes_period and event.effective_on >= changed_from for event in before):
        return []
    was, is_now = billed_in_order(card, before), billed_in_order(card, after)
    amounts: dict[date, Decimal] = {}
    for key in sorted(was.keys() & is_now.keys()):
        day = known[key].effective_on
        amounts[day] = amounts.get(day, ZERO) + is_now[key] - was[key]
    billed_on = {event.effective_on for event in after if event.sequence in is_now}
    for event in after[len(before) :]:
        target = known.get(event.reverses or 0)
        if target is None or target.effective_on not in billed_on:
            continue
        if target.kind is EventKind.ADJUSTMENT or (target.closes_period and not card.is_loan):
            # What it posted is taken back with it already; what corrected it since goes along.
            day = target.effective_on
            amounts[day] = amounts.get(day, ZERO) + target.billed - was.get(target.sequence, ZERO)
    if not card.is_loan:
        undone = {event.reverses for event in after}
        for event in before:
            # Where no billing is left, nothing is left to correct.
            is_left = event.kind is EventKind.ADJUSTMENT and event.sequence not in undone
            if is_left and event.effective_on not in billed_on:
                amounts[event.effective_on] = amounts.get(event.effective_on, ZERO) - event.billed
    return adjustments(amounts, position, first_sequence=after[-1].sequence + 1)


def adjustments(amounts: Mapping[date, Decimal], position: Position, *, first_sequence: int) -> list[Event]:
    """Events that correct what was billed on each day by the amount beside it, as if it had been billed so.

    Interest that was paid and turns out not to have been owed is held as credit.
    """
    wanted = sorted((day, amount) for day, amount in amounts.items() if amount)
    with localcontext(WIDE):
        excess = -min(ZERO, position.billed_interest + sum((amount for _, amount in wanted), ZERO))
    return [
        Event(
            kind=EventKind.ADJUSTMENT,
            effective_on=day,
            sequence=first_sequence + number,
            billed=amount,
            interest=excess if number == len(wanted) - 1 else ZERO,
            credit=excess if number == len(wanted) - 1 else ZERO,
        )
        for number, (day, amount) in enumerate(wanted)
    ]


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


def spread(card: Card, *, posted_on: date) -> None:
    """Set what is open of each item from the position: within a portion the oldest due is paid first.

    Corrections that ask for more interest get an item of their own, due with the next bill after `posted_on`.
    """
    _add_corrections(card, posted_on)
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


def _add_corrections(card: Card, posted_on: date) -> None:
    """Give corrections that ask for more interest a due item that shows their calculation."""
    rows = [row for row in card.recorded if row.event.kind is EventKind.ADJUSTMENT]
    with localcontext(WIDE):
        more = sum((row.billed for row in rows), ZERO)
    number = EXTRA + rows[-1].event.sequence if rows else 0
    if more <= 0 or any(item.number == number for item in card.items):
        return
    months = ", ".join(f"{row.event.effective_on:%Y-%m-%d} {row.billed:+}" for row in rows)
    card.items.append(
        Item(
            None,
            DueItem.Kind.INTEREST,
            number,
            next_payment_day(card, posted_on),
            interest=more,
            billed_on=posted_on,
            rule=f"Interest reckoned again after a change with an earlier value date; billed on {months}",
        )
    )
