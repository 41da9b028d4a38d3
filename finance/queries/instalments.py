"""Term loans: instalments falling due, paid late, paid early, and the plan that follows the balance.

The items of a loan always hold its whole principal: instalments that fell due, principal paid ahead of the plan (an
item of its own, settled at once), and instalments still to come, which are reckoned again when the balance leaves them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal, localcontext

from finance.allocation import Portion
from finance.amortisation import Instalment, actual_days_schedule, interest_only_schedule
from finance.interest import Event, EventKind, RateCurve, fold, interest_to_bill, money_of
from finance.models import DueItem, Loan
from finance.money import WIDE, round_money
from finance.queries.cards import EXTRA, ZERO, Card, Item
from finance.queries.reckoning import final_position, place_of, position_of, record, spread, spread_principal
from finance.queries.splits import Purpose, Split, fill, is_paid, payment_event


def fallen_due(card: Card, through: date) -> list[Item]:
    """Instalments due on or before `through` whose interest is not owed yet, oldest first."""
    return sorted((item for item in card.items if item.is_planned and item.due_on <= through), key=place_of)


def bill_fallen_due(card: Card, through: date, *, business_date: date) -> list[Item]:
    """Let the interest of instalments become owed on their due dates; return those instalments.

    A loan that counts days owes what has accrued, and its principal takes the rest of the instalment. The card knows
    the rates of the due dates, and its history where one lies in the past.
    """
    billed = fallen_due(card, through)
    for item in billed:
        if card.counts_days:
            planned = item.principal + item.interest
            item.interest = interest_to_bill(position_of(card, item.due_on), card.currency)
            if any(other.is_planned for other in card.items if other is not item):
                item.principal = max(ZERO, planned - item.interest)
        item.billed_on = item.due_on
        item.open_principal = item.principal
        if item.interest:
            event = Event.interest_billed(card.last_sequence + 1, item.due_on, item.interest)
            record(card, [event])
        _follow(card, _open_principal(card), start=item.due_on)
    spread(card, posted_on=business_date)
    return billed


def settle_loan_share(
    card: Card, amount: Decimal, *, day: date, business_date: date, purpose: Purpose
) -> tuple[Split, bool]:
    """Let a share that does not close the loan happen to it; its instalments fallen due are billed already.

    What is due comes first. With the purpose "due" whole instalments still to come may follow, as if paid on time.
    Everything beyond is paid ahead: it covers the interest to the day, then principal, and the loan ends earlier.
    """
    events = _interest_to_day(card, day, amount=amount, purpose=purpose) if card.counts_days else []
    portions = dict.fromkeys(Portion, ZERO)
    left = _take(card, [item for item in card.items if item.owes_interest], amount, portions)
    if purpose == "due" and not card.counts_days:
        for item in sorted((item for item in card.items if item.is_planned), key=place_of):
            if left < item.principal + item.interest or not left:
                break
            item.billed_on, item.open_principal, item.open_interest = day, item.principal, item.interest
            if item.interest:
                events.append(Event.interest_billed(card.last_sequence + len(events) + 1, day, item.interest))
            left = _take(card, [item], left, portions)
    open_principal = _open_principal(card) - portions[Portion.PRINCIPAL]
    if left and not events and not card.counts_days:
        accrued = interest_to_bill(position_of(card, day), card.currency)
        if accrued > 0:
            events.append(Event.interest_billed(card.last_sequence + 1, day, accrued))
            item = _interest_item(events[-1], day, "Interest to the day of an extra payment")
            card.items.append(item)
            left = _take(card, [item], left, portions)
    ahead = min(left, final_position(card).principal - portions[Portion.PRINCIPAL])
    split = Split(
        portions[Portion.PRINCIPAL] + ahead, portions[Portion.INTEREST], portions[Portion.FEES], left - ahead
    )
    events.append(payment_event(card, card.last_sequence + len(events) + 1, day, split))
    record(card, events)
    if ahead:
        card.items.append(_extra_item(events[-1], ahead))
    _follow(card, open_principal, start=day)
    spread(card, posted_on=business_date)
    return split, is_paid(card)


def plan_closed(card: Card, payoff: Event) -> None:
    """Bring the items in line with a payoff that has just happened: what was not due yet counts as paid ahead."""
    ahead = -payoff.principal - _open_principal(card)
    if ahead > 0:
        card.items.append(_extra_item(payoff, ahead))
    _follow(card, ZERO, start=payoff.effective_on)


def plan_reopened(
    card: Card, taken_back: Sequence[Event], reversals: Sequence[Event], *, business_date: date
) -> None:
    """Let reversals happen to a loan: what the events had paid is open again, and the plan follows the balance."""
    open_principal = _open_principal(card)
    by_number = {item.number: item for item in card.items if item.number >= EXTRA}
    for event in taken_back:
        item = by_number.get(EXTRA + event.sequence)
        if event.principal < 0:
            open_principal -= event.principal
            if item is not None:
                open_principal -= item.principal
                item.principal = ZERO
        elif event.kind is EventKind.INTEREST_BILLED:
            if item is not None:
                open_principal += _give_back(card, item)
            else:
                open_principal -= _plan_again(card, event.effective_on)
    record(card, reversals)
    live = _live(card)
    closings = [event.effective_on for event in live if event.closes_period]
    start = max(closings, default=min(event.effective_on for event in live))
    _follow(card, min(max(ZERO, open_principal), final_position(card).principal), start=start)


def _give_back(card: Card, item: Item) -> Decimal:
    """Undo the interest of a late instalment: its principal has its old size again. Returns what it grew by."""
    interest, item.interest = item.interest, ZERO
    for late in card.items:
        if late.kind == DueItem.Kind.INSTALMENT and late.billed_on and late.due_on == item.due_on:
            late.principal += interest
            return interest
    return ZERO


def _plan_again(card: Card, paid_on: date) -> Decimal:
    """Put instalments that were paid early on `paid_on` back into the plan. Returns the principal they held."""
    principal = ZERO
    for item in card.items:
        if item.kind == DueItem.Kind.INSTALMENT and item.billed_on == paid_on and item.due_on > paid_on:
            principal += item.principal
            item.billed_on = None
    return principal


def _take(card: Card, items: Sequence[Item], amount: Decimal, portions: dict[Portion, Decimal]) -> Decimal:
    if not amount:
        return ZERO
    filled, left = fill(card, items, amount)
    for portion, part in filled.items():
        portions[portion] += part
    return left


def _open_principal(card: Card) -> Decimal:
    return sum((item.open_principal for item in card.items if not item.is_planned), ZERO)


def _follow(card: Card, open_principal: Decimal, *, start: date) -> None:
    """Leave `open_principal` open in what fell due, and let the instalments to come hold the rest of the principal."""
    remaining = final_position(card).principal - open_principal
    planned = sorted((item for item in card.items if item.is_planned), key=place_of)
    if sum((item.principal for item in planned), ZERO) != remaining:
        if remaining and not planned:
            last = max(item.due_on for item in card.items)
            item = Item(
                None, DueItem.Kind.MATURITY, EXTRA + card.last_sequence, max(last, start), billed_on=start
            )
            item.principal = remaining
            item.rule = "The rest of the loan"
            card.items.append(item)
            open_principal += remaining
        rows = _rows(card, remaining, planned, start=start) if remaining and planned else ()
        for number, item in enumerate(planned):
            row = rows[number] if number < len(rows) else None
            item.principal = row.principal if row else ZERO
            item.interest = row.interest if row else ZERO
    for item in planned:
        item.open_principal, item.open_interest = item.principal, item.interest
    due = [item for item in card.items if not item.is_planned and not item.is_extra]
    spread_principal(sorted(due, key=place_of, reverse=True), open_principal)


def _rows(card: Card, remaining: Decimal, planned: Sequence[Item], *, start: date) -> tuple[Instalment, ...]:
    rate = card.rates.annual_rate(start)
    curve = RateCurve([(start, rate)], day_count=card.day_count, compounding=card.compounding)
    if card.method == Loan.Method.INTEREST_ONLY:
        first, *rest = interest_only_schedule(
            remaining, rate, count=len(planned), first_due=planned[0].due_on, currency=card.currency
        )
        position = fold([Event.advance(1, start, remaining)], curve, first.due_on)
        return (replace(first, interest=interest_to_bill(position, card.currency)), *rest)
    return actual_days_schedule(
        remaining,
        curve,
        start=start,
        dates=[item.due_on for item in planned],
        instalment=card.instalment or remaining,
        currency=card.currency,
    )


def _interest_to_day(card: Card, day: date, *, amount: Decimal, purpose: Purpose) -> list[Event]:
    """A payment on a loan that counts days first owes the interest since the last one, rounded once for all the days.

    The oldest open instalment keeps its amount: what interest takes of it, principal gives.
    """
    history, live = card.history or [], _live(card)
    paid = [event.effective_on for event in live if event.principal < 0 or event.interest < 0]
    since = max(paid, default=min((event.effective_on for event in live), default=day))
    kind = EventKind.INTEREST_BILLED
    billed = sum((event.billed for event in live if event.kind is kind and event.effective_on > since), ZERO)
    start = fold(history, card.rates, since, interest_from=card.interest_from)
    now = position_of(card, day)
    with localcontext(WIDE):
        # One division, of the difference: two would lose a tie.
        whole = money_of(now.unbilled_parts - start.unbilled_parts) + billed
    interest = round_money(whole, card.currency) - billed
    if interest <= 0:
        return []
    event = Event.interest_billed(card.last_sequence + 1, day, interest)
    instalments = sorted((item for item in card.items if item.kind == DueItem.Kind.INSTALMENT), key=place_of)
    late = next((item for item in instalments if item.billed_on and item.open_principal), None)
    coming = next((item for item in instalments if item.is_planned), None)
    if late is None and coming is not None and purpose == "due":
        total = coming.principal + coming.interest
        if interest <= total <= amount:
            # The next instalment, paid early: it counts as paid, with the interest of fewer days.
            coming.billed_on, coming.interest, coming.principal = day, interest, total - interest
            coming.open_interest, coming.open_principal = coming.interest, coming.principal
            return [event]
    item = _interest_item(event, late.due_on if late else day, "Interest from payment to payment")
    if late is not None:
        given = min(interest, late.open_principal)
        late.principal -= given
        late.open_principal -= given
    card.items.append(item)
    return [event]


def _live(card: Card) -> list[Event]:
    """The card's events without those that were taken back."""
    history = card.history or []
    undone = {event.reverses for event in history if event.reverses is not None}
    return [event for event in history if event.sequence not in undone and event.reverses is None]


def _interest_item(event: Event, due_on: date, rule: str) -> Item:
    return Item(
        None,
        DueItem.Kind.INTEREST,
        EXTRA + event.sequence,
        due_on,
        interest=event.billed,
        open_interest=event.billed,
        billed_on=event.effective_on,
        rule=rule,
    )


def _extra_item(event: Event, principal: Decimal) -> Item:
    return Item(
        None,
        DueItem.Kind.CURTAILMENT,
        EXTRA + event.sequence,
        event.effective_on,
        principal=principal,
        billed_on=event.effective_on,
        rule="Principal paid ahead of the plan",
    )
