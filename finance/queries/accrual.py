"""Unbilled interest as one SQL expression: the closed form of `finance.interest`, for lists over many accounts."""

from typing import Final

ACCRUED: Final = """
round((p.remainder_parts + CASE
    WHEN p.accrued_through IS NULL OR p.accrued_through >= %(as_of)s THEN p.accrued_parts
    WHEN r.compounding = 'daily' THEN p.accrued_parts
        + round(((p.principal + p.billed_interest) * 1603080 + p.accrued_parts) * s.growth / t.growth, 20)
        - ((p.principal + p.billed_interest) * 1603080 + p.accrued_parts)
    ELSE p.accrued_parts + p.principal * (s.cumulative - t.cumulative)
END) * 1.00000000000000000000 / 1603080, 2)
"""
"""Unbilled interest of the days before %(as_of)s, rounded as it would be posted then, of the position `p`.

NULL where a rate is not known: a figure is never guessed. `%(as_of)s` may lie up to 60 days ahead of the business date,
as far as the rows of the rate plans reach.
"""

RATE_JOINS: Final = """
LEFT JOIN finance_rateplan r ON r.lender_id = a.lender_id AND r.id = a.rate_plan_id
LEFT JOIN finance_rateplanday t
    ON t.lender_id = a.lender_id AND t.plan_id = a.rate_plan_id AND t.day = p.accrued_through
LEFT JOIN finance_rateplanday s
    ON s.lender_id = a.lender_id AND s.plan_id = a.rate_plan_id AND s.day = %(as_of)s
"""
"""The joins that `ACCRUED` needs, for an account `a` with position `p`."""
