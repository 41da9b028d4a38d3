"""Open due items as one SQL expression: what lists, figures and charts of a dealership add up."""

from typing import Final

from finance.queries.accrual import ACCRUED, RATE_JOINS

OPEN_ITEM: Final = f"""
sold AS MATERIALIZED (
    SELECT d.account_id, min(d.due_on) AS payoff_on, max({ACCRUED}) AS accrued, max(p.credit) AS credit
    FROM finance_dueitem d
    JOIN finance_unit u ON u.lender_id = d.lender_id AND u.account_id = d.account_id AND u.state = 'sold'
    JOIN finance_account a ON a.lender_id = d.lender_id AND a.id = d.account_id
    JOIN finance_accountposition p ON p.lender_id = d.lender_id AND p.account_id = d.account_id
    {RATE_JOINS}
    WHERE d.lender_id = %(lender)s AND d.dealership_id = %(dealership)s AND d.kind = 'payoff'
      AND (d.outstanding_principal > 0 OR d.outstanding_interest > 0 OR d.outstanding_fees > 0)
    GROUP BY d.account_id
),
open_item AS MATERIALIZED (
    SELECT d.id, d.public_id, d.account_id, d.kind, d.rule, least(d.due_on, s.payoff_on) AS due_on,
           least(coalesce(d.grace_until, d.due_on), s.payoff_on) AS grace_until,
           d.outstanding_principal AS principal,
           d.outstanding_interest + CASE WHEN d.kind = 'payoff' THEN s.accrued - s.credit ELSE 0 END AS interest,
           d.outstanding_fees AS fees
    FROM finance_dueitem d
    LEFT JOIN sold s ON s.account_id = d.account_id
    WHERE d.lender_id = %(lender)s AND d.dealership_id = %(dealership)s
      AND (d.outstanding_principal > 0 OR d.outstanding_interest > 0 OR d.outstanding_fees > 0)
)
"""  # noqa: S608 - joined from constants; every value is a parameter
"""Common table expressions `sold` and `open_item` over %(lender)s, %(dealership)s and %(as_of)s.

All that a sold unit owes falls due with its payoff at the latest, and the payoff takes the interest up to %(as_of)s
along, less credit held: its items add up to what pays it off. Materialised, so that no plan reads the due items once
per account.
"""
