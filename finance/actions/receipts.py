"""Money received: payments posted over accounts, and payments taken back.

What was shown at the review was reckoned with the split functions; when a payment is posted, the accounts' present
state decides within each share's amount, which is always used in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import User
from finance.actions.accounts import close_accounts, reopen_accounts
from finance.actions.fees import assess_fee
from finance.actions.instalments import bill_loans
from finance.actions.posting import Posting, post
from finance.actions.refusals import RefusedError
from finance.actions.room import touch_rooms
from finance.interest import Event
from finance.models import AccountEvent, JournalEntry, JournalLine
from finance.queries.cards import Card, load_cards
from finance.queries.dues import split_due
from finance.queries.instalments import fallen_due, plan_reopened
from finance.queries.payoff import payoff_split, split_amount
from finance.queries.reckoning import drop_items, record, spread
from finance.queries.settlement import Payoff, settle_share
from finance.queries.splits import Purpose, Split, is_paid

__all__ = [
    "PostedPayment",
    "Share",
    "Split",
    "payoff_split",
    "post_payment",
    "reverse_payment",
    "split_amount",
    "split_due",
]


@dataclass(frozen=True, slots=True)
class Share:
    """What of a payment goes to one account, and what the payer asked for."""

    account_id: int
    purpose: Purpose
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PostedPayment:
    """A payment in the books: its entry, where each share went, and the accounts that it closed."""

    entry: JournalEntry
    splits: dict[int, Split]
    closed: tuple[int, ...]


def post_payment(
    *,
    key: str,
    shares: Sequence[Share],
    value_date: date,
    business_date: date,
    description: str,
    actor: User | None,
    source: str = "payment",
) -> PostedPayment:
    """Post a payment of one dealership over its accounts: one entry, in two round trips.

    The same (source, key) again returns what was posted first. Raises RefusedError for an account that is not there or
    was never funded.
    """
    if not shares or any(share.amount <= 0 for share in shares):
        raise RefusedError(_("A payment needs accounts, each with a positive amount."))
    if len({share.account_id for share in shares}) != len(shares):
        raise RefusedError(_("Each account may be named once."))
    cards = load_cards(
        [share.account_id for share in shares],
        value_date,
        lock=True,
        once=(source, key),
        also=[business_date],
    )
    if cards.entry_id is not None:
        return _found(JournalEntry.objects.get(pk=cards.entry_id))
    by_account = _with_due_billed(cards.by_account, value_date, business_date=business_date, actor=actor)
    if len(by_account) != len(shares) or any(card.position is None for card in by_account.values()):
        raise RefusedError(_("One of the accounts is not there, or was never paid out."))
    if len({card.dealership_id for card in by_account.values()}) > 1:
        raise RefusedError(_("A payment concerns accounts of one dealership."))
    splits: dict[int, Split] = {}
    closed = []
    for share in shares:
        card = by_account[share.account_id]
        splits[card.account_id], is_closed = settle_share(
            card, share.amount, day=value_date, business_date=business_date, purpose=share.purpose
        )
        if is_closed:
            closed.append(card.account_id)
    ordered = tuple(by_account[key] for key in sorted(by_account))
    posted = post(
        Posting(
            source=source,
            key=key,
            business_date=business_date,
            effective_on=value_date,
            description=description,
            actor=actor,
            dealership_id=ordered[0].dealership_id,
            cards=ordered,
        )
    )
    if not posted.is_new:
        return _found(posted.entry)
    if closed:
        close_accounts(closed, closed_on=value_date)
    return PostedPayment(posted.entry, splits, tuple(closed))


def _with_due_billed(
    cards: dict[int, Card], value_date: date, *, business_date: date, actor: User | None
) -> dict[int, Card]:
    """Instalments due by the value date are billed before they are paid, should the end of day not have run yet."""
    late = [key for key, card in cards.items() if card.is_loan and fallen_due(card, value_date)]
    if not late:
        return cards
    bill_loans(late, through=value_date, business_date=business_date, actor=actor)
    return {**cards, **load_cards(late, value_date, lock=True, also=[business_date]).by_account}


def _events_of(entry: JournalEntry) -> QuerySet[AccountEvent]:
    # By account, since that is what the events' index begins with.
    accounts = JournalLine.objects.filter(entry_id=entry.pk, account_id__isnull=False).values("account_id")
    return AccountEvent.objects.filter(account_id__in=accounts, entry_id=entry.pk).order_by(
        "account_id", "sequence"
    )


def _found(entry: JournalEntry) -> PostedPayment:
    """What was posted before, told again from the events of its entry."""
    splits: dict[int, Split] = {}
    closed = []
    for row in _events_of(entry):
        if row.kind in {AccountEvent.Kind.INTEREST_BILLED, AccountEvent.Kind.ADJUSTMENT}:
            continue
        excess = max(row.credit, Decimal("0.00"))
        splits[row.account_id] = Split(-row.principal, -row.interest, -row.fees, excess)
        if row.kind == AccountEvent.Kind.PAYOFF:
            closed.append(row.account_id)
            used = Payoff(-row.principal, row.billed, -row.interest, -row.fees, excess - row.credit)
            splits[row.account_id] = used.split(excess)
    return PostedPayment(entry, splits, tuple(closed))


@transaction.atomic
def reverse_payment(
    *, entry: JournalEntry, business_date: date, reason: str, actor: User | None, fee: Decimal | None = None
) -> JournalEntry:
    """Take a payment back, as when the bank returns it: linked, with the original value date.

    Its events count as never having happened: due items are open again, interest runs on, accounts that it closed
    reopen; interest billed since is corrected. `fee` is charged on the entry's first account. Twice is once.
    """
    originals = list(_events_of(entry))
    if not originals:
        raise RefusedError(_("This entry has nothing that could be taken back."))
    key = str(entry.pk)
    touch_rooms([row.account_id for row in originals])
    cards = load_cards(
        [row.account_id for row in originals],
        min(row.effective_on for row in originals),
        lock=True,
        once=("reversal", key),
        history=True,
        also=[business_date],
    )
    if cards.entry_id is not None:
        return JournalEntry.objects.get(pk=cards.entry_id)
    for card in cards.by_account.values():
        numbers = {row.sequence for row in originals if row.account_id == card.account_id}
        taken_back = [event for event in card.history or [] if event.sequence in numbers]
        reversals = [
            Event.reversal_of(event, sequence=card.last_sequence + number)
            for number, event in enumerate(reversed(taken_back), start=1)
        ]
        drop_items(card, taken_back)
        if card.is_loan:
            plan_reopened(card, taken_back, reversals, business_date=business_date)
        else:
            record(card, reversals)
        spread(card, posted_on=business_date)
    ordered = tuple(cards.by_account[key] for key in sorted(cards.by_account))
    posted = post(
        Posting(
            source="reversal",
            key=key,
            business_date=business_date,
            effective_on=entry.effective_on,
            description=f"Reversal of {entry.description}: {reason}",
            actor=actor,
            dealership_id=ordered[0].dealership_id,
            cards=ordered,
            reverses_id=entry.pk,
        )
    )
    reopen_accounts([card.account_id for card in ordered if not is_paid(card)])
    if fee:
        assess_fee(
            account=ordered[0].account_id,
            amount=fee,
            name="Returned payment",
            effective_on=business_date,
            business_date=business_date,
            key=f"return:{entry.pk}",
            actor=actor,
        )
    return posted.entry
