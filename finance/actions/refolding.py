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
from finance.interest import fold
from finance.models import Account, IndexFixing
from finance.queries.cards import ZERO, Card, load_cards
from finance.queries.reckoning import adjustments, billed_in_order, final_position, record, spread

CHUNK = 1000

_BEYOND = """
SELECT p.account_id FROM finance_accountposition p
JOIN finance_account a ON a.lender_id = p.lender_id AND a.id = p.account_id
WHERE p.lender_id = %s AND a.rate_plan_id = %s AND p.accrued_through > %s
ORDER BY 1
"""


def remember_billing(*, plan_id: int, since: date) -> dict[int, dict[date, Decimal]]:
    """What billing in order posts by the rates as they are, by account and day, for accounts beyond `since`."""
    with connection.cursor() as cursor:
        cursor.execute(_BEYOND, [current_lender_id(), plan_id, since])
        ids = [row[0] for row in cursor.fetchall()]
    billed: dict[int, dict[date, Decimal]] = {}
    for start in range(0, len(ids), CHUNK):
        for card in load_cards(
            ids[start : start + CHUNK], since, lock=True, history=True
        ).by_account.values():
            billed[card.account_id] = _billed(card)
    return billed


def correct_accounts(
    billed: dict[int, dict[date, Decimal]],
    *,
    fixing: IndexFixing,
    business_date: date | None,
    actor: User | None,
) -> None:
    """Fold the remembered accounts again by the new rates; what was billed differently follows as adjustments."""
    ids = sorted(billed)
    for start in range(0, len(ids), CHUNK):
        cards = load_cards(ids[start : start + CHUNK], fixing.effective_from, history=True).by_account
        for card in cards.values():
            was = billed[card.account_id]
            differences = {
                day: amount - was[day] for day, amount in _billed(card).items() if amount != was[day]
            }
            card.position = fold(
                card.history or [],
                card.rates,
                final_position(card).accrued_through,
                interest_from=card.interest_from,
            )
            # A debt that was paid off stays paid off.
            if differences and card.state == Account.State.OPEN and not _is_scheduled(card):
                if business_date is None:
                    raise RefusedError(
                        _("Interest was billed since then: say on which day to post the corrections.")
                    )
                _adjust(card, differences, fixing=fixing, business_date=business_date, actor=actor)
        restate([card for card in cards.values() if not card.recorded])


def _billed(card: Card) -> dict[date, Decimal]:
    dates = {event.sequence: event.effective_on for event in card.history or []}
    by_day: dict[date, Decimal] = {}
    for sequence, amount in billed_in_order(card, card.history or []).items():
        by_day[dates[sequence]] = by_day.get(dates[sequence], ZERO) + amount
    return by_day


def _is_scheduled(card: Card) -> bool:
    """Whether its contract fixes each month's interest, whatever the index does."""
    return card.is_loan and not card.counts_days


def _adjust(
    card: Card,
    differences: dict[date, Decimal],
    *,
    fixing: IndexFixing,
    business_date: date,
    actor: User | None,
) -> None:
    record(card, adjustments(differences, final_position(card), first_sequence=card.last_sequence + 1))
    spread(card, posted_on=business_date)
    post(
        Posting(
            source="adjustment",
            key=f"fixing:{fixing.pk}:{card.account_id}",
            business_date=business_date,
            effective_on=fixing.effective_from,
            description=f"Interest since {fixing.effective_from:%Y-%m-%d} by the fixing recorded late",
            actor=actor,
            dealership_id=card.dealership_id,
            cards=(card,),
        )
    )
