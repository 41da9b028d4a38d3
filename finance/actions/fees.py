"""Fees."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from finance.actions.accounts import reopen_accounts
from finance.actions.posting import Posting, post
from finance.actions.refusals import RefusedError
from finance.interest import Event
from finance.models import Account, DueItem, JournalEntry
from finance.queries.cards import Item, load_cards, next_payment_day
from finance.queries.reckoning import record, spread


@transaction.atomic
def assess_fee(
    *,
    account: Account | int,
    amount: Decimal,
    name: str,
    effective_on: date,
    business_date: date,
    key: str,
    due_on: date | None = None,
    actor: User | None,
) -> JournalEntry:
    """Charge a fee on an account, due with the next bill unless `due_on` says otherwise. The same key again is once."""
    if amount <= 0:
        raise RefusedError(_("A fee must be a positive amount."))
    account_id = account.pk if isinstance(account, Account) else account
    cards = load_cards([account_id], effective_on, lock=True, once=("fee", key), also=[business_date])
    if cards.entry_id is not None:
        return JournalEntry.objects.get(pk=cards.entry_id)
    card = cards.by_account.get(account_id)
    if card is None or card.position is None:
        raise RefusedError(_("The account is not there, or was never paid out."))
    sequence = card.last_sequence + 1
    item = Item(None, DueItem.Kind.FEE, sequence, due_on or next_payment_day(card, effective_on))
    item.fees, item.billed_on, item.rule = amount, effective_on, name
    card.items.append(item)
    record(card, [Event.fee_assessed(sequence, effective_on, amount)])
    spread(card, posted_on=business_date)
    posted = post(
        Posting(
            source="fee",
            key=key,
            business_date=business_date,
            effective_on=effective_on,
            description=name,
            actor=actor,
            dealership_id=card.dealership_id,
            cards=(card,),
        )
    )
    reopen_accounts([account_id])
    return posted.entry
