"""The worked examples of the trade, to the cent, through the actions and the database."""

from __future__ import annotations

from datetime import date

import pytest

from finance.actions.receipts import Share, post_payment
from finance.models import Account, AccountPosition, Unit
from finance.queries.payoff import payoff_split
from tests.cast import Cast
from tests.finance.books import D, open_books


@pytest.mark.django_db
def test_a_unit_with_one_curtailment_costs_what_the_example_says(inside: Cast) -> None:
    books = open_books(inside.dealership)
    unit = books.fund("20000.00", date(2025, 1, 17))

    post_payment(
        key="c1",
        shares=[Share(unit.pk, "due", D("2000.00"))],
        value_date=date(2025, 3, 18),
        business_date=date(2025, 3, 18),
        description="Curtailment",
        actor=None,
    )
    split = payoff_split(unit.pk, date(2025, 4, 30))
    assert (split.principal, split.interest, split.total) == (D("18000.00"), D("520.92"), D("18520.92"))
    paid = post_payment(
        key="p1",
        shares=[Share(unit.pk, "payoff", D("18520.92"))],
        value_date=date(2025, 4, 30),
        business_date=date(2025, 4, 30),
        description="Payoff",
        actor=None,
    )
    assert paid.closed == (unit.pk,)
    position = AccountPosition.objects.get(account_id=unit.pk)
    assert (position.principal, position.billed_interest, position.fees, position.credit) == (0, 0, 0, 0)
    unit.refresh_from_db()
    assert unit.state == Unit.State.PAID
    assert unit.account.state == Account.State.CLOSED
