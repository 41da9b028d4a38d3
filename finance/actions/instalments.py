"""Interest of instalments, owed from their due dates."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from accounts.models import User
from finance.actions.posting import Posting, post
from finance.queries.cards import ZERO
from finance.queries.reckoning import spread
from finance.queries.settlement import current_cards


def bill_loans(
    account_ids: Iterable[int], *, through: date, business_date: date, actor: User | None
) -> dict[int, Decimal]:
    """Bill the instalments of these loans that are due on or before `through`, one entry a loan.

    Returns the interest by account. Every case is met here, late payments and corrections of the past included; the
    end of day bills the ordinary ones all together (`finance.actions.billing`).
    """
    billed: dict[int, Decimal] = {}
    for card in current_cards(account_ids, through, business_date=business_date, lock=True).values():
        if not card.recorded:
            continue
        items = [
            item for item in card.items if item.id is not None and item.billed_on != card.stored[item.id][0]
        ]
        spread(card, posted_on=business_date)
        last = max(items, key=lambda item: item.due_on)
        post(
            Posting(
                source="instalment",
                key=f"{card.account_id}:{last.number}",
                business_date=business_date,
                effective_on=last.due_on,
                description=f"Interest of instalment {last.number}",
                actor=actor,
                dealership_id=card.dealership_id,
                cards=(card,),
            )
        )
        billed[card.account_id] = sum((item.interest for item in items), ZERO)
    return billed
