"""Unbilled interest as one SQL expression: the closed form of `finance.interest`, for lists over many accounts."""

from typing import Final

# What payments of later days pay grows with them after a payoff, and the payoff itself does not: beside the plain
# discount of the position this is of second order, a cent on 16,000 for three days.
_COMPOUNDED_AHEAD: Final = """
coalesce((SELECT -sum((e.principal + e.interest)
                      * (s.growth / k.growth - 1 + t.growth / s.growth - t.growth / k.growth))
          FROM finance_accountevent e
          JOIN finance_rateplanday k
            ON k.lender_id = e.lender_id AND k.plan_id = a.rate_plan_id AND k.day = e.effective_on
          WHERE e.lender_id = a.lender_id AND e.account_id = a.id AND e.effective_on > s.day), 0)
"""

ACCRUED: Final = f"""
round((p.remainder_parts + CASE
    WHEN p.accrued_through IS NULL THEN p.accrued_parts
    WHEN r.compounding = 'daily' THEN p.accrued_parts
        + round(((p.principal + p.billed_interest) * 1603080 + p.accrued_parts) * s.growth / t.growth, 20)
        - ((p.principal + p.billed_interest) * 1603080 + p.accrued_parts)
        + CASE WHEN t.day > s.day THEN round({_COMPOUNDED_AHEAD} * 1603080, 20) ELSE 0 END
    ELSE p.accrued_parts + p.principal * (s.cumulative - t.cumulative)
END) * 1.00000000000000000000 / 1603080, 2)
"""
"""Unbilled interest of the days before %(as_of)s, rounded as it would be posted then, of the position `p`.

Where the position lies ahead, because a payment counts only from a later day, this is what a payoff on %(as_of)s has to
bear: the interest up to the later day, less that of the principal that is paid off before it. The same expression says
both, for the days between are counted with their sign. Interest-free days count for nothing on either side.

NULL where a rate is not known: a figure is never guessed. `%(as_of)s` may lie up to 60 days ahead of the business date,
as far as the rows of the rate plans reach.
"""

PAYOFF: Final = f"""
(SELECT o.owed - least(p.credit, o.owed)
 FROM (SELECT p.principal + {ACCRUED} + p.billed_interest + p.fees AS owed) o)
"""  # noqa: S608 - joined from constants; every value is a parameter
"""What closes an account with the position `p` on %(as_of)s: credit pays for it, the rest of it stays."""

RATE_JOINS: Final = """
LEFT JOIN finance_rateplan r ON r.lender_id = a.lender_id AND r.id = a.rate_plan_id
LEFT JOIN finance_rateplanday t
    ON t.lender_id = a.lender_id AND t.plan_id = a.rate_plan_id AND t.day = p.accrued_through
LEFT JOIN finance_rateplanday s
    ON s.lender_id = a.lender_id AND s.plan_id = a.rate_plan_id AND s.day = greatest(%(as_of)s, a.opened_on)
"""
"""The joins that `ACCRUED` and `PAYOFF` need, for an account `a` with position `p`."""
