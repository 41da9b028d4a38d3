"""What a statement asks the database: one question each for the accounts, the movements, the ledger, the dues, the
lines and the rates, whatever their number.

Parameters: `lender`, `dealership`, `start` and `end` of the period, `night` (the instant at which it ends), and of the
statement before: its `known_start`, `known_end`, the journal entries it `known` and the last one then, `known_last`.
"""

from typing import Final

_MOVED: Final = """
WITH moved AS (
    SELECT a.id AS account_id, e.sequence, e.kind, coalesce(o.kind, e.kind) AS root, e.effective_on,
           e.principal, e.billed, e.interest, e.fees, e.credit,
           j.id AS entry_id, j.business_date, j.description,
           coalesce(
               j.business_date >= %(start)s
               OR (j.business_date BETWEEN %(known_start)s AND %(known_end)s AND j.id <> ALL(%(known)s::bigint[]))
               OR (j.business_date < %(known_start)s AND j.id > %(known_last)s), false) AS is_new
    FROM finance_account a
    JOIN finance_accountevent e ON e.lender_id = a.lender_id AND e.account_id = a.id
    JOIN finance_journalentry j ON j.lender_id = e.lender_id AND j.id = e.entry_id
    LEFT JOIN finance_accountevent o
        ON o.lender_id = e.lender_id AND o.account_id = e.account_id AND o.sequence = e.reverses_sequence
    WHERE a.lender_id = %(lender)s AND a.dealership_id = %(dealership)s AND j.business_date <= %(end)s
)
"""

ACCOUNTS: Final = """{moved}, sums AS (
    SELECT account_id,
           coalesce(sum(principal) FILTER (WHERE NOT is_new), 0) AS opening_principal,
           coalesce(sum(billed + interest) FILTER (WHERE NOT is_new), 0) AS opening_interest,
           coalesce(sum(fees) FILTER (WHERE NOT is_new), 0) AS opening_fees,
           coalesce(sum(credit) FILTER (WHERE NOT is_new), 0) AS opening_credit,
           sum(principal) AS principal, sum(billed + interest) AS interest, sum(fees) AS fees, sum(credit) AS credit,
           coalesce(sum(principal) FILTER (WHERE root = 'advance'), 0) AS lent,
           bool_or(kind = 'interest_billed' AND effective_on = %(end)s + 1) AS is_billed,
           bool_or(is_new) AS has_moved
    FROM moved GROUP BY account_id
)
SELECT a.id, a.public_id::text, a.kind, a.number, a.title, a.line_id, a.rate_plan_id,
       coalesce(u.vin, l.registration, ''), s.lent, s.is_billed, s.principal * (d.next - d.last),
       s.opening_principal, s.opening_interest, s.opening_fees, -s.opening_credit,
       s.principal, s.interest, s.fees, -s.credit
FROM sums s
JOIN finance_account a ON a.lender_id = %(lender)s AND a.id = s.account_id
LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id
LEFT JOIN finance_loan l ON l.lender_id = a.lender_id AND l.account_id = a.id
LEFT JOIN LATERAL (
    SELECT max(cumulative) FILTER (WHERE day = %(end)s) AS last,
           max(cumulative) FILTER (WHERE day = %(end)s + 1) AS next
    FROM finance_rateplanday r
    WHERE r.lender_id = a.lender_id AND r.plan_id = a.rate_plan_id AND r.day IN (%(end)s, %(end)s + 1)
) d ON a.kind = 'unit' AND a.state = 'open' AND a.opened_on <= %(end)s
WHERE s.has_moved OR s.opening_principal <> 0 OR s.opening_interest <> 0 OR s.opening_fees <> 0 OR s.opening_credit <> 0
      OR s.principal <> 0 OR s.interest <> 0 OR s.fees <> 0 OR s.credit <> 0
ORDER BY a.kind DESC, a.opened_on, a.number
""".replace("{moved}", _MOVED)

LINES: Final = """{moved}
SELECT account_id, kind, root, effective_on, principal, billed, interest, fees, credit,
       entry_id, business_date, description
FROM moved WHERE is_new
ORDER BY business_date, entry_id, account_id, sequence
""".replace("{moved}", _MOVED)

# The other side of the proof: the same closing from the double-entry lines.
LEDGER: Final = """
SELECT l.account_id,
       coalesce(sum(l.debit - l.credit) FILTER (WHERE g.code IN ('1200', '1210')), 0),
       coalesce(sum(l.debit - l.credit) FILTER (WHERE g.code = '1300'), 0),
       coalesce(sum(l.debit - l.credit) FILTER (WHERE g.code = '1310'), 0),
       coalesce(sum(l.debit - l.credit) FILTER (WHERE g.code = '2000'), 0)
FROM finance_account a
JOIN finance_journalline l ON l.lender_id = a.lender_id AND l.account_id = a.id
JOIN finance_journalentry j ON j.lender_id = l.lender_id AND j.id = l.entry_id
JOIN finance_ledgeraccount g ON g.lender_id = l.lender_id AND g.id = l.ledger_account_id
WHERE a.lender_id = %(lender)s AND a.dealership_id = %(dealership)s AND j.business_date <= %(end)s
GROUP BY l.account_id
"""

DUE: Final = """
SELECT d.account_id, d.kind, d.number, d.billed_on, d.due_on, d.principal, d.interest, d.fees
FROM finance_dueitem d
WHERE d.lender_id = %(lender)s AND d.account_id = ANY(%(accounts)s)
      AND (d.principal > 0 OR d.interest > 0 OR d.fees > 0)
ORDER BY d.account_id, d.due_on, d.id
"""

CREDIT_LINES: Final = """
SELECT c.id, c.number, c.name, c.kind, c."limit", coalesce(sum(u.advance_amount), 0)
FROM finance_creditline c
LEFT JOIN finance_account a ON a.lender_id = c.lender_id AND a.line_id = c.id AND a.kind = 'unit'
LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id AND u.approved_at < %(night)s
    AND u.state <> 'refused' AND (u.funded_on IS NULL OR u.funded_on > %(end)s)
WHERE c.lender_id = %(lender)s AND c.dealership_id = %(dealership)s AND c.opened_on <= %(end)s AND c.state <> 'closed'
GROUP BY c.id ORDER BY c.kind, c.number
"""

# One row where a plan's rate begins or changes, with the index as it stood then.
RATES: Final = """
SELECT p.id, p.name, p.day_count, p.compounding, p.margin, r.day, r.annual_rate, coalesce(i.name, ''), f.annual_rate,
       coalesce(f.source, '')
FROM (
    SELECT plan_id, day, annual_rate, lag(annual_rate) OVER (PARTITION BY plan_id ORDER BY day) AS before
    FROM finance_rateplanday
    WHERE lender_id = %(lender)s AND plan_id = ANY(%(plans)s) AND day BETWEEN %(start)s AND %(end)s
) r
JOIN finance_rateplan p ON p.lender_id = %(lender)s AND p.id = r.plan_id
LEFT JOIN finance_rateindex i ON i.lender_id = p.lender_id AND i.id = p.index_id
LEFT JOIN LATERAL (
    SELECT annual_rate, source FROM finance_indexfixing
    WHERE lender_id = p.lender_id AND index_id = p.index_id AND effective_from <= r.day
    ORDER BY effective_from DESC LIMIT 1
) f ON true
WHERE r.before IS DISTINCT FROM r.annual_rate
ORDER BY p.name, p.id, r.day
"""

LAST_ENTRY: Final = """
SELECT coalesce(max(id), 0) FROM finance_journalentry WHERE lender_id = %(lender)s AND dealership_id = %(dealership)s
"""
