"""The check that the timed work was done: the portal's own proof of the books, by sums and by a sample of folds."""

from __future__ import annotations

from datetime import date

from bench.measure import must
from bench.stock import Stock


def prove(stock: Stock, *, moved_since: date | None = None, sample: int = 300) -> str:
    """Prove the lender's books, or raise WrongAnswerError with the first faults; returns what was proved in words.

    All sums, over everything that all sides wrote; and the positions of `sample` accounts, spread over those with a
    posting on `moved_since` or later, folded again from their events, digit for digit.
    """
    from django.db import connection  # noqa: PLC0415 (Django is set up late)

    from accounts.tenancy import tenant  # noqa: PLC0415
    from finance.interest import fold  # noqa: PLC0415
    from finance.queries.cards import load_cards  # noqa: PLC0415
    from finance.queries.proof import sum_problems  # noqa: PLC0415

    with tenant(stock.lender_id):
        found = [str(problem) for problem in sum_problems()]
        must(not found, f"the books do not add up: {found[:3]}")
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT v.account_id FROM finance_accountevent v "
                "WHERE v.lender_id = %s AND v.effective_on >= %s ORDER BY 1",
                [stock.lender_id, moved_since or date.min],
            )
            accounts = [row[0] for row in cursor.fetchall()]
        chosen = accounts[:: max(1, len(accounts) // sample)]
        for card in load_cards(chosen, date.min, history=True).by_account.values():
            must(card.position is not None, f"account {card.account_id} has no position")
            assert card.position is not None
            folded = fold(
                card.history or [],
                card.rates,
                card.position.accrued_through,
                interest_from=card.interest_from,
            )
            must(folded == card.position, f"account {card.account_id} is not the fold of its events")
    return f"ledger proved: every sum, and {len(chosen):,} positions folded again"
