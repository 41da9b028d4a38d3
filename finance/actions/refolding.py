"""Accounts whose past has changed because an index fixing came late."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.tenancy import current_lender_id
from finance.actions.posting import Posting, post, restate
from finance.actions.refusals import RefusedError
from finance.interest import Event, EventKind, fold
from finance.models import Account, IndexFixing
from finance.queries.cards import ZERO, Card, load_cards
from finance.queries.reckoning import billed_in_order, final_position, record, settle_corrections, spread
from finance.queries.splits import next_payment_day

CHUNK = 1000

_BEYOND = """
SELECT p.account_id FROM finance_accountposition p
JOIN finance_account a ON a.lender_id = p.lender_id AND a.id = p.account_id
WHERE p.lender_id = %s AND a.rate_plan_id = %s AND p.accrued_through > %s
ORDER BY 1
"""


def remember_billing(*, plan_id: int, since: date) -> dict[int, Decimal]:
    """What billing in order posts by the rates as they are, of each account of the plan that counted beyond `since`."""
    with connection.cursor() as cursor:
        cursor.execute(_BEYOND, [current_lender_id(), plan_id, since])
        ids = [row[0] for row in cursor.fetchall()]
    billed: dict[int, Decimal] = {}
    for start in range(0, len(ids), CHUNK):
        for card in load_cards(
            ids[start : start + CHUNK], since, lock=True, history=True
        ).by_account.values():
            billed[card.account_id] = _billed(card)
    return billed


def correct_accounts(
    billed: dict[int, Decimal], *, fixing: IndexFixing, business_date: date | None, actor: User | None
) -> None:
    """Fold the remembered accounts again by the new rates; what was billed differently follows as an adjustment."""
    ids = sorted(billed)
    for start in range(0, len(ids), CHUNK):
        cards = load_cards(ids[start : start + CHUNK], fixing.effective_from, history=True).by_account
        for card in cards.values():
            difference = _billed(card) - billed[card.account_id]
            card.position = fold(
                card.history or [],
                card.rates,
                final_position(card).accrued_through,
                interest_from=card.interest_from,
            )
            # A debt that was paid off stays paid off.
            if difference and card.state == Account.State.OPEN:
                if business_date is None:
                    raise RefusedError(
                        _("Interest was billed since then: say on which day to post the corrections.")
                    )
                _adjust(card, difference, fixing=fixing, business_date=business_date, actor=actor)
        restate([card for card in cards.values() if not card.recorded])


def _billed(card: Card) -> Decimal:
    return sum(billed_in_order(card, card.history or []).values(), ZERO)


def _adjust(
    card: Card, amount: Decimal, *, fixing: IndexFixing, business_date: date, actor: User | None
) -> None:
    excess = -min(ZERO, final_position(card).billed_interest + amount)
    event = Event(
        kind=EventKind.ADJUSTMENT,
        effective_on=business_date,
        sequence=card.last_sequence + 1,
        billed=amount,
        interest=excess,
        credit=excess,
    )
    record(card, [event], business_date=business_date)
    settle_corrections(card, due_on=next_payment_day(card, business_date))
    spread(card)
    post(
        Posting(
            source="adjustment",
            key=f"fixing:{fixing.pk}:{card.account_id}",
            business_date=business_date,
            effective_on=business_date,
            description=f"Interest since {fixing.effective_from:%Y-%m-%d} by the fixing recorded late",
            actor=actor,
            dealership_id=card.dealership_id,
            cards=(card,),
        )
    )
