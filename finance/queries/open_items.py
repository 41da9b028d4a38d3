"""Open due items as one SQL expression: what lists, figures and charts of a dealership add up."""

from typing import Final

from finance.queries.accrual import ACCRUED, RATE_JOINS

IS_OPEN: Final = "(d.outstanding_principal > 0 OR d.outstanding_interest > 0 OR d.outstanding_fees > 0)"
"""Whether the due item `d` is open, in the words of the partial index over open items."""

SOLD: Final = f"""
sold AS MATERIALIZED (
    SELECT u.account_id, o.payoff_on, {ACCRUED} AS accrued, p.credit, p.principal + p.billed_interest + p.fees AS posted
    FROM finance_unit u
    CROSS JOIN LATERAL (
        SELECT min(d.due_on) AS payoff_on FROM finance_dueitem d
        WHERE d.lender_id = u.lender_id AND d.account_id = u.account_id AND d.kind = 'payoff' AND {IS_OPEN}
    ) o
    JOIN finance_account a ON a.lender_id = u.lender_id AND a.id = u.account_id
    JOIN finance_accountposition p ON p.lender_id = u.lender_id AND p.account_id = u.account_id
    {RATE_JOINS}
    WHERE u.lender_id = %(lender)s AND u.dealership_id = %(dealership)s AND u.state = 'sold'
      AND o.payoff_on IS NOT NULL
)
"""  # noqa: S608 - joined from constants; every value is a parameter
"""The sold and unpaid units of %(dealership)s with the day of their payoff, as a common table expression.

All that a sold unit owes falls due with its payoff at the latest, and the payoff takes the interest up to %(as_of)s
along, less credit held: its open items add up to what pays it off.
"""

SOLD_ITEM: Final = """
    d.id, d.public_id, d.account_id, d.kind, d.rule, least(d.due_on, s.payoff_on) AS due_on,
    least(coalesce(d.grace_until, d.due_on), s.payoff_on) AS grace_until, d.outstanding_principal AS principal,
    d.outstanding_interest + CASE WHEN d.kind = 'payoff' AND d.due_on = s.payoff_on
        THEN s.accrued - least(s.credit, s.posted + s.accrued) ELSE 0 END
        AS interest,
    d.outstanding_fees AS fees
"""
"""The columns of an open item `d` beside its sold unit `s`, which is null for other accounts."""

OPEN_ITEM: Final = f"""
{SOLD},
open_item AS MATERIALIZED (
    SELECT {SOLD_ITEM}
    FROM (
        SELECT * FROM finance_dueitem d
        WHERE d.lender_id = %(lender)s AND d.dealership_id = %(dealership)s AND {IS_OPEN}
    ) d
    FULL JOIN sold s ON s.account_id = d.account_id
)
"""  # noqa: S608 - joined from constants; every value is a parameter
"""Common table expressions `sold` and `open_item` over %(lender)s, %(dealership)s and %(as_of)s.

Materialised, so that no plan reads the due items once per account, and joined in full, which is never planned as a loop
in a loop: each sold unit has an open item, so that no row comes in by it.
"""
