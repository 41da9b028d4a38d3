"""An account on one card: position, rates, terms and due items, read in one round trip.

Payments, quotes and corrections all reckon on cards, so that what a quote says is what a posting charges. Actions read
them under the positions' locks.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Final

from dateutil.relativedelta import relativedelta
from django.db import connection

from accounts.tenancy import current_lender_id
from finance.allocation import Portion
from finance.interest import Compounding, DayCount, DayRows, Event, EventKind, PlanDay, Position
from finance.models import Account, DueItem, Loan

ZERO: Final = Decimal("0.00")

#: Items written beside the ordinary ones take the number of the event that made them, above any month or step.
EXTRA: Final = 1_000_000


@dataclass(slots=True)
class Item:
    """A due item while it is being reckoned with; `id` is None until it is stored."""

    id: int | None
    kind: str
    number: int
    due_on: date
    principal: Decimal = ZERO
    interest: Decimal = ZERO
    fees: Decimal = ZERO
    open_principal: Decimal = ZERO
    open_interest: Decimal = ZERO
    open_fees: Decimal = ZERO
    billed_on: date | None = None
    grace_until: date | None = None
    rule: str = ""

    @property
    def owes_interest(self) -> bool:
        """Whether its interest is owed already: that of an instalment is only from its due date."""
        return self.kind != DueItem.Kind.INSTALMENT or self.billed_on is not None

    @property
    def is_extra(self) -> bool:
        """Whether it records principal paid ahead of the plan."""
        return self.kind == DueItem.Kind.CURTAILMENT and self.number >= EXTRA

    @property
    def is_planned(self) -> bool:
        """Whether it is an instalment that is still to come: it follows the balance."""
        return self.kind == DueItem.Kind.INSTALMENT and self.billed_on is None

    @property
    def open_total(self) -> Decimal:
        """What is still to be paid of it."""
        return self.open_principal + self.open_interest + self.open_fees

    def state(self) -> tuple[Any, ...]:
        """What of it may change."""
        return (
            self.billed_on,
            self.principal,
            self.interest,
            self.fees,
            self.open_principal,
            self.open_interest,
            self.open_fees,
        )


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event to be stored: with the amounts it changes, and for a reversal the kind of what it takes back."""

    event: Event
    kind: str
    principal: Decimal
    billed: Decimal
    interest: Decimal
    fees: Decimal
    credit: Decimal


@dataclass(slots=True)
class Card:
    """One account as it stands. `position` is None while nothing has happened to it.

    `history` holds all its events where they were needed, else None. `rates` knows the days of the position and of the
    question, and with a history each of its days. `lent` is the principal advanced, `scheduled` what its items hold.
    `recorded` are the events that happened to the card since it was read, `stored` its items as they were read.
    """

    account_id: int
    dealership_id: int
    line_id: int
    kind: str
    state: str
    currency: str
    plan_id: int
    day_count: DayCount
    compounding: Compounding
    interest_from: date | None
    position: Position | None
    last_sequence: int
    order: tuple[Portion, ...]
    payment_day: int
    unit_state: str | None
    is_sold: bool
    lent: Decimal
    scheduled: Decimal
    method: str | None
    instalment: Decimal | None
    days: list[PlanDay]
    rates: DayRows
    items: list[Item] = field(default_factory=list)
    history: list[Event] | None = None
    recorded: list[Recorded] = field(default_factory=list)
    stored: dict[int, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def is_loan(self) -> bool:
        """Whether it is a term loan; else a floor-planned unit."""
        return self.kind == Account.Kind.LOAN

    @property
    def counts_days(self) -> bool:
        """Whether it is a loan whose interest runs from payment to payment."""
        return self.method == Loan.Method.ACTUAL_DAYS

    @property
    def unscheduled(self) -> Decimal:
        """Principal that no due item holds: a programme may stop before everything is paid."""
        return max(ZERO, self.lent - self.scheduled)


def next_payment_day(card: Card, day: date) -> date:
    """The payment day of the month after the one that contains `day`: when what is billed then falls due."""
    return day.replace(day=1) + relativedelta(months=1, day=card.payment_day)


#: First key of the advisory lock under which the rates of a lender stand still; the second is the lender.
RATES_LOCK: Final = 4101

# The function locks if asked to, and then reads what the last holder of the locks left: one round trip.
_READ = """
SELECT * FROM finance_read_cards(%(lender)s, %(accounts)s::bigint[], %(day)s, %(settled)s, %(source)s, %(key)s,
                                 %(hold_rates)s, %(hold_accounts)s)
"""
_EVENTS = """
SELECT account_id, sequence, kind, effective_on, principal, billed, interest, fees, credit, reverses_sequence
FROM finance_accountevent
WHERE lender_id = %(lender)s AND account_id = ANY(%(accounts)s::bigint[])
ORDER BY account_id, sequence
"""
_DAYS = """
SELECT d.plan_id, d.day, d.annual_rate, d.cumulative, d.growth
FROM unnest(%(plans)s::bigint[], %(days)s::date[]) AS w(plan_id, day)
JOIN finance_rateplanday d ON d.lender_id = %(lender)s AND d.plan_id = w.plan_id AND d.day = w.day
"""


@dataclass(frozen=True, slots=True)
class Cards:
    """The cards by account, and the entry that has been posted under the asked-for source and key, if any."""

    by_account: dict[int, Card]
    entry_id: int | None


def load_cards(
    account_ids: Iterable[int],
    day: date,
    *,
    lock: bool = False,
    once: tuple[str, str] = ("", ""),
    history: bool = False,
    also: Sequence[date] = (),
) -> Cards:
    """Read the cards of `account_ids` for reckoning on `day`.

    `lock` takes the positions' locks first, in the order of their keys, and reads what the last holder left. `once` is
    the (source, key) about to be posted. With `history`, or where `day` lies before a position, events and settled
    items come along, and the rates of `also`. Accounts outside the running scope are missing from the answer.
    """
    ids = sorted(set(account_ids))
    if not ids:
        return Cards({}, None)
    parameters: dict[str, Any] = {
        "lender": current_lender_id(),
        "accounts": ids,
        "day": day,
        "source": once[0],
        "key": once[1],
        "settled": history,
        "hold_rates": lock,
        "hold_accounts": lock,
    }
    with connection.cursor() as cursor:
        cursor.execute(_READ, parameters)
        rows = cursor.fetchall()
    cards = {row[0]: _card(row, day) for row in rows}
    behind = [
        card
        for card in cards.values()
        if history
        or card.counts_days
        or (card.position is not None and day < card.position.accrued_through)
        or (card.interest_from is not None and day < card.interest_from)
    ]
    if behind:
        if not history:
            late = load_cards([card.account_id for card in behind], day, history=True, also=also).by_account
            cards.update(late)
        else:
            _load_history(behind, [day, *also])
    return Cards(cards, rows[0][-1] if rows else None)


def _card(row: tuple[Any, ...], day: date) -> Card:
    (
        account_id, dealership_id, line_id, kind, state, currency, plan_id, opened_on, day_count, compounding,
        principal, accrued, remainder, through, billed, fees, credit, last_sequence,
        start_rate, start_sum, start_growth, end_rate, end_sum, end_growth,
        order, payment_day, unit_state, is_sold, lent, scheduled, method, instalment, items, _,
    ) = row  # fmt: skip
    days = []
    if start_rate is not None:
        days.append(PlanDay(through, start_rate, start_sum, start_growth))
    if end_rate is not None:
        days.append(PlanDay(day, end_rate, end_sum, end_growth))
    counted, compounded = DayCount(day_count), Compounding(compounding)
    known = [_item(values) for values in json.loads(items)] if items else []
    return Card(
        account_id=account_id,
        dealership_id=dealership_id,
        line_id=line_id,
        kind=kind,
        state=state,
        currency=currency,
        plan_id=plan_id,
        day_count=counted,
        compounding=compounded,
        interest_from=opened_on,
        position=Position(principal, accrued, remainder, through, billed, fees, credit) if through else None,
        last_sequence=last_sequence,
        order=tuple(Portion(word) for word in (order or "fees,interest,principal").split(",")),
        payment_day=payment_day or 10,
        unit_state=unit_state,
        is_sold=bool(is_sold),
        lent=lent,
        scheduled=scheduled,
        method=method,
        instalment=instalment,
        days=days,
        rates=DayRows(days, day_count=counted, compounding=compounded),
        items=known,
        # An account to which nothing has happened has a complete history: none.
        history=None if through else [],
        stored={item.id: item.state() for item in known if item.id is not None},
    )


def _item(values: list[Any]) -> Item:
    key, kind, number, due_on, billed_on, grace_until, *amounts, rule = values
    principal, interest, fees, open_principal, open_interest, open_fees = (
        Decimal(amount) for amount in amounts
    )
    return Item(
        id=key,
        kind=kind,
        number=number,
        due_on=date.fromisoformat(due_on),
        principal=principal,
        interest=interest,
        fees=fees,
        open_principal=open_principal,
        open_interest=open_interest,
        open_fees=open_fees,
        billed_on=date.fromisoformat(billed_on) if billed_on else None,
        grace_until=date.fromisoformat(grace_until) if grace_until else None,
        rule=rule,
    )


def event_of(
    kind: str,
    effective_on: date,
    sequence: int,
    amounts: Sequence[Decimal],
    reverses: int | None,
) -> Event:
    """The engine's event for a stored row; a stored reversal also holds what it took back, which the engine derives."""
    if reverses is not None:
        return Event(kind=EventKind(kind), effective_on=effective_on, sequence=sequence, reverses=reverses)
    principal, billed, interest, fees, credit = amounts
    return Event(
        kind=EventKind(kind),
        effective_on=effective_on,
        sequence=sequence,
        principal=principal,
        billed=billed,
        interest=interest,
        fees=fees,
        credit=credit,
    )


def load_events(account_ids: Iterable[int]) -> dict[int, list[Event]]:
    """Every event of each account, in the order of recording: one query."""
    ids = sorted(set(account_ids))
    found: dict[int, list[Event]] = {key: [] for key in ids}
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, {"lender": current_lender_id(), "accounts": ids})
        for account_id, sequence, kind, effective_on, *amounts, reverses in cursor.fetchall():
            found[account_id].append(event_of(kind, effective_on, sequence, amounts, reverses))
    return found


def load_days(wanted: Iterable[tuple[int, date]]) -> dict[int, list[PlanDay]]:
    """The rows of (plan, day) pairs, by plan: one query. Days that a plan has no row for are missing."""
    pairs = sorted(set(wanted))
    found: dict[int, list[PlanDay]] = {plan: [] for plan, _ in pairs}
    with connection.cursor() as cursor:
        cursor.execute(
            _DAYS,
            {
                "lender": current_lender_id(),
                "plans": [plan for plan, _ in pairs],
                "days": [day for _, day in pairs],
            },
        )
        for plan_id, *values in cursor.fetchall():
            found[plan_id].append(PlanDay(*values))
    return found


def know_days(card: Card, days: Iterable[date]) -> None:
    """Let the card know the rates of `days`, too: one query."""
    missing = set(days) - {row.day for row in card.days}
    if missing:
        _learn(card, load_days((card.plan_id, day) for day in missing)[card.plan_id])


def _learn(card: Card, rows: Sequence[PlanDay]) -> None:
    card.days += rows
    card.rates = DayRows(card.days, day_count=card.day_count, compounding=card.compounding)


def _load_history(cards: Sequence[Card], days: Sequence[date]) -> None:
    events = load_events(card.account_id for card in cards)
    wanted = {
        (card.plan_id, day)
        for card in cards
        for day in (
            *days,
            *(event.effective_on for event in events[card.account_id]),
            *([card.interest_from] if card.interest_from else []),
            *([card.position.accrued_through] if card.position else []),
        )
    }
    rows = load_days(wanted)
    for card in cards:
        card.history = events[card.account_id]
        card.days = []
        _learn(card, rows[card.plan_id])
