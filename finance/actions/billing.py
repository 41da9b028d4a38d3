"""Monthly interest of units and interest of instalments, billed for all accounts of a lender at once.

One statement per chunk of accounts: it reads positions in closed form, writes an entry per dealership, two lines an
account, events, due items and positions. What the statement cannot do (an account that has gone beyond the day, a late
loan that counts days) is billed by itself; what fails is set aside with its reason and stops nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db import DatabaseError, connection, transaction
from django.utils.translation import gettext as _

from accounts.audit import record as record_act
from accounts.models import Lender, User
from accounts.tenancy import current_lender_id
from finance.actions.chart import Code
from finance.actions.instalments import bill_loans
from finance.actions.posting import Posting, post
from finance.actions.refusals import RefusedError
from finance.interest import YEAR_PARTS, Event, interest_to_bill
from finance.models import DueItem, LedgerAccount
from finance.money import minor_unit
from finance.queries.cards import ZERO, Item, load_cards, next_payment_day
from finance.queries.reckoning import position_of, record, spread

#: Accounts billed by one statement: short locks, and little to do again after a failure.
CHUNK: Final = 10_000


@dataclass(slots=True)
class Billed:
    """How many accounts were billed and how much; `failures` name accounts set aside and why."""

    accounts: int = 0
    amount: Decimal = ZERO
    failures: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: Billed) -> None:
        """Count another run in."""
        self.accounts += other.accounts
        self.amount += other.amount
        self.failures += other.failures


# The statements must be as quick in the night after a large import, while the planner knows nothing of the new rows.
# So the accounts to bill are joined to from the outside (LEFT JOIN), in this order, which keeps the expected number of
# rows at the number of accounts; what is asked of them comes as one yes or no; and the lender is no constant
# ({lender}), since of a constant that it has not met the planner expects no rows.

# The position on the billing day in closed form, as `finance.interest.accrue` does it in Python, digit for digit.
_PARTS: Final = """
           p.accrued_parts + CASE
               WHEN p.accrued_through >= {day} THEN 0
               WHEN r.compounding = 'simple' THEN p.principal * (e.cumulative - s.cumulative)
               ELSE round(((p.principal + p.billed_interest) * {year} + p.accrued_parts) * e.growth / s.growth, 20)
                    - ((p.principal + p.billed_interest) * {year} + p.accrued_parts)
           END"""
_ROUNDED: Final = "round(parts * 1.00000000000000000000 / {year}, %(digits)s)"

_LOCK = """
SELECT set_config('statement_timeout', '600000', true);
SELECT pg_advisory_xact_lock_shared(4101, %(lender)s::int);
SELECT 1 FROM finance_accountposition WHERE lender_id = %(lender)s AND account_id = ANY(%(accounts)s::bigint[])
ORDER BY account_id FOR UPDATE;
"""

_WRITE = """
), billable AS (
    SELECT * FROM rounded WHERE amount <> 0
), entries AS (
    INSERT INTO finance_journalentry (lender_id, dealership_id, source, key, business_date, effective_on, description,
                                      actor_id, recorded_at)
    SELECT %(lender)s, dealership_id, %(source)s, effective_on || ':' || dealership_id || ':' || min(account_id),
           %(business_date)s, effective_on, %(description)s, %(actor)s, now()
    FROM billable GROUP BY dealership_id, effective_on
    RETURNING id, dealership_id, effective_on
), placed AS (
    SELECT b.*, n.id AS entry_id FROM billable b JOIN entries n USING (dealership_id, effective_on)
), events AS (
    INSERT INTO finance_accountevent (lender_id, dealership_id, account_id, entry_id, sequence, kind, effective_on,
                                      recorded_at, principal, billed, interest, fees, credit)
    SELECT %(lender)s, dealership_id, account_id, entry_id, sequence, 'interest_billed', effective_on,
           now(), 0, amount, 0, 0, 0
    FROM placed
), lines AS (
    INSERT INTO finance_journalline (lender_id, dealership_id, entry_id, ledger_account_id, account_id, debit, credit)
    SELECT %(lender)s, dealership_id, entry_id, side.ledger_account_id, account_id,
           greatest(amount * side.sign, 0), greatest(-amount * side.sign, 0)
    FROM placed CROSS JOIN (VALUES (%(receivable)s::bigint, 1), (%(income)s::bigint, -1))
        AS side(ledger_account_id, sign)
), positions AS (
    UPDATE finance_accountposition p
    SET accrued_parts = 0, remainder_parts = b.remainder + b.parts - b.amount * {year},
        accrued_through = b.effective_on, billed_interest = p.billed_interest + b.amount, last_sequence = b.sequence
    FROM placed b
    WHERE p.lender_id = {lender} AND p.account_id = ANY(%(accounts)s::bigint[]) AND p.account_id = b.account_id
)"""
# One number for all rows, but unknown while the statement is planned.
_LENDER: Final = "(SELECT %(lender)s::bigint)"


def _composed(statement: str, *, day: str = "") -> str:
    """A billing statement from its own parts and the common ones; every value in it is a parameter."""
    parts = (("parts", _PARTS), ("rounded", _ROUNDED), ("write", _WRITE), ("day", day), ("lender", _LENDER))
    for name, text in parts:
        statement = statement.replace(f"{{{name}}}", text)
    return statement.replace("{year}", str(YEAR_PARTS))


_UNITS_TO_BILL = _composed(
    """
SELECT a.id FROM finance_account a
JOIN finance_accountposition p ON p.lender_id = a.lender_id AND p.account_id = a.id
WHERE a.lender_id = {lender} AND a.kind = 'unit' AND a.state = 'open' AND a.opened_on <= %(period_end)s
  AND NOT EXISTS (SELECT 1 FROM finance_dueitem d WHERE d.lender_id = a.lender_id AND d.account_id = a.id
                  AND d.kind = 'interest' AND d.number = %(number)s)
ORDER BY a.id
""",
)

_BILL_UNITS = _composed(
    """
WITH terms AS (
    SELECT DISTINCT ON (line_id) line_id, payment_day FROM finance_lineterms
    WHERE lender_id = {lender} AND effective_from <= %(day)s ORDER BY line_id, effective_from DESC
), met AS MATERIALIZED (
    SELECT w.account_id, p.dealership_id, p.last_sequence + 1 AS sequence, p.remainder_parts AS remainder,
           %(day)s::date AS effective_on, coalesce(t.payment_day, 10) AS payment_day,
           {parts} AS parts,
           p.accrued_through <= %(day)s AND a.state = 'open' AND s.day IS NOT NULL AND e.day IS NOT NULL
           AND d.id IS NULL AS is_due
    FROM unnest(%(accounts)s::bigint[]) AS w(account_id)
    LEFT JOIN finance_accountposition p ON p.lender_id = {lender} AND p.account_id = w.account_id
        AND p.account_id = ANY(%(accounts)s::bigint[])
    LEFT JOIN finance_account a ON a.lender_id = {lender} AND a.id = w.account_id
        AND a.id = ANY(%(accounts)s::bigint[])
    LEFT JOIN finance_rateplan r ON r.lender_id = {lender} AND r.id = a.rate_plan_id
    LEFT JOIN finance_rateplanday s ON s.lender_id = {lender} AND s.plan_id = a.rate_plan_id
        AND s.day = p.accrued_through
    LEFT JOIN finance_rateplanday e ON e.lender_id = {lender} AND e.plan_id = a.rate_plan_id AND e.day = %(day)s
    LEFT JOIN terms t ON t.line_id = a.line_id
    LEFT JOIN finance_dueitem d ON d.lender_id = {lender} AND d.account_id = w.account_id
        AND d.account_id = ANY(%(accounts)s::bigint[]) AND d.kind = 'interest' AND d.number = %(number)s
), due AS (
    SELECT * FROM met WHERE is_due
), rounded AS (
    SELECT *, {rounded} AS amount FROM due{write}, items AS (
    INSERT INTO finance_dueitem (lender_id, dealership_id, public_id, account_id, kind, number, billed_on, due_on,
                                 principal, interest, fees, outstanding_principal, outstanding_interest,
                                 outstanding_fees, rule)
    SELECT %(lender)s, dealership_id, gen_random_uuid(), account_id, 'interest', %(number)s, effective_on,
           effective_on + (payment_day - 1), 0, amount, 0, 0, amount, 0, %(rule)s
    FROM billable
)
SELECT (SELECT count(*) FROM due), count(*), coalesce(sum(amount), 0) FROM billable
""",
    day="%(day)s::date",
)

_LOANS_TO_BILL = _composed(
    """
SELECT DISTINCT a.id FROM finance_account a
JOIN finance_dueitem d ON d.lender_id = a.lender_id AND d.account_id = a.id
WHERE a.lender_id = {lender} AND a.kind = 'loan' AND a.state = 'open'
  AND d.kind = 'instalment' AND d.billed_on IS NULL AND d.due_on <= %(through)s AND d.principal + d.interest > 0
ORDER BY a.id
""",
)

# Loans with one instalment to bill, whose interest is what the plan says: all others are billed one by one.
_BILL_LOANS = _composed(
    """
WITH fallen AS (
    SELECT d.account_id, min(d.id) AS item_id, min(d.due_on) AS due_on, min(d.interest) AS planned
    FROM finance_dueitem d
    WHERE d.lender_id = {lender} AND d.account_id = ANY(%(accounts)s::bigint[]) AND d.kind = 'instalment'
      AND d.billed_on IS NULL AND d.due_on <= %(through)s AND d.principal + d.interest > 0
    GROUP BY d.account_id HAVING count(*) = 1
), met AS MATERIALIZED (
    SELECT w.account_id, p.dealership_id, p.last_sequence + 1 AS sequence, p.remainder_parts AS remainder,
           f.due_on AS effective_on, f.item_id, f.planned, l.method,
           {parts} AS parts,
           p.accrued_through <= f.due_on AND a.state = 'open' AND l.account_id IS NOT NULL
           AND s.day IS NOT NULL AND e.day IS NOT NULL AS is_due
    FROM unnest(%(accounts)s::bigint[]) AS w(account_id)
    LEFT JOIN fallen f ON f.account_id = w.account_id
    LEFT JOIN finance_accountposition p ON p.lender_id = {lender} AND p.account_id = w.account_id
        AND p.account_id = ANY(%(accounts)s::bigint[])
    LEFT JOIN finance_account a ON a.lender_id = {lender} AND a.id = w.account_id
        AND a.id = ANY(%(accounts)s::bigint[])
    LEFT JOIN finance_loan l ON l.lender_id = {lender} AND l.account_id = w.account_id
        AND l.account_id = ANY(%(accounts)s::bigint[])
    LEFT JOIN finance_rateplan r ON r.lender_id = {lender} AND r.id = a.rate_plan_id
    LEFT JOIN finance_rateplanday s ON s.lender_id = {lender} AND s.plan_id = a.rate_plan_id
        AND s.day = p.accrued_through
    LEFT JOIN finance_rateplanday e ON e.lender_id = {lender} AND e.plan_id = a.rate_plan_id AND e.day = f.due_on
), due AS (
    SELECT * FROM met WHERE is_due
), rounded AS (
    SELECT *, planned AS amount FROM due
    WHERE planned > 0 AND (method <> 'actual_days' OR planned = {rounded}){write}, items AS (
    UPDATE finance_dueitem d SET billed_on = b.effective_on
    FROM billable b
    WHERE d.lender_id = {lender} AND d.account_id = ANY(%(accounts)s::bigint[]) AND d.id = b.item_id
)
SELECT (SELECT count(*) FROM billable), count(*), coalesce(sum(amount), 0) FROM billable
""",
    day="f.due_on",
)


def units_to_bill(period_end: date) -> list[int]:
    """The units whose interest through `period_end` has not been billed, in the order of their keys."""
    parameters: dict[str, Any] = {
        "lender": current_lender_id(),
        "period_end": period_end,
        "number": _month(period_end),
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNITS_TO_BILL, parameters)
        return [row[0] for row in cursor.fetchall()]


def loans_to_bill(through: date) -> list[int]:
    """The loans with an instalment due by `through` whose interest is not owed yet."""
    with connection.cursor() as cursor:
        cursor.execute(_LOANS_TO_BILL, {"lender": current_lender_id(), "through": through})
        return [row[0] for row in cursor.fetchall()]


def bill_interest(*, period_end: date, actor: User | None = None) -> Billed:
    """Bill every unit's interest of the days through `period_end`, the last day of a month. Twice is once.

    The event takes effect, and the bill is dated, on the day after; it falls due on the line's payment day of that
    month.
    """
    billed = Billed()
    for accounts in chunks(units_to_bill(period_end)):
        billed.add(bill_units(accounts, period_end=period_end, actor=actor))
    record_act(
        "interest.billed",
        actor=actor,
        subject=f"{period_end:%Y-%m}",
        details={"accounts": billed.accounts, "amount": str(billed.amount), "failed": len(billed.failures)},
    )
    return billed


def bill_instalments(
    *, through: date, business_date: date | None = None, actor: User | None = None
) -> Billed:
    """Let the interest of all instalments due on or before `through` become owed. Twice is once."""
    billed = Billed()
    for accounts in chunks(loans_to_bill(through)):
        billed.add(
            bill_loan_chunk(accounts, through=through, business_date=business_date or through, actor=actor)
        )
    return billed


def chunks(accounts: Sequence[int]) -> Iterable[Sequence[int]]:
    """The accounts in pieces, each billed in a short transaction."""
    return (accounts[start : start + CHUNK] for start in range(0, len(accounts), CHUNK))


def bill_units(accounts: Sequence[int], *, period_end: date, actor: User | None = None) -> Billed:
    """Bill these units' interest through `period_end`."""
    if (period_end + timedelta(days=1)).day != 1:
        raise RefusedError(_("Interest is billed for whole months: give the last day of one."))
    parameters = {
        **_common("interest", f"Interest {period_end:%Y-%m}", business_date=period_end, actor=actor),
        "day": period_end + timedelta(days=1),
        "number": _month(period_end),
        "rule": f"Interest through {period_end:%Y-%m-%d}",
    }

    def alone(account_id: int) -> Decimal | None:
        return _bill_unit(account_id, period_end=period_end, actor=actor)

    return _in_halves(accounts, _BILL_UNITS, parameters, alone)


def bill_loan_chunk(
    accounts: Sequence[int], *, through: date, business_date: date, actor: User | None = None
) -> Billed:
    """Bill these loans' instalments due by `through`."""
    parameters = {
        **_common("instalment", "Interest of instalments", business_date=business_date, actor=actor),
        "through": through,
    }

    def alone(account_id: int) -> Decimal | None:
        billed = bill_loans([account_id], through=through, business_date=business_date, actor=actor)
        return billed.get(account_id)

    return _in_halves(accounts, _BILL_LOANS, parameters, alone)


def _common(source: str, description: str, *, business_date: date, actor: User | None) -> dict[str, Any]:
    codes = [Code.INTEREST_RECEIVABLE.value, Code.INTEREST_INCOME.value]
    ledger = dict(LedgerAccount.objects.filter(code__in=codes).values_list("code", "pk"))
    if len(ledger) != len(codes):
        raise RefusedError(_("The lender's chart of accounts is not open."))
    lender = Lender.objects.get(pk=current_lender_id())
    exponent = minor_unit(lender.currency).as_tuple().exponent
    return {
        "lender": lender.pk,
        "source": source,
        "description": description,
        "business_date": business_date,
        "actor": actor.pk if actor else None,
        "digits": -exponent if isinstance(exponent, int) else 2,
        "receivable": ledger[codes[0]],
        "income": ledger[codes[1]],
    }


def _in_halves(
    accounts: Sequence[int],
    statement: str,
    parameters: dict[str, Any],
    alone: Callable[[int], Decimal | None],
) -> Billed:
    """Run the statement for all; should it fail, for each half, so that a bad account is found and left out."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_LOCK + statement, {**parameters, "accounts": list(accounts)})
            met, count, amount = cursor.fetchone()
    except DatabaseError as error:
        if len(accounts) == 1:
            return Billed(failures=[{"account": accounts[0], "reason": _first_line(error)}])
        middle = len(accounts) // 2
        both = _in_halves(accounts[:middle], statement, parameters, alone)
        both.add(_in_halves(accounts[middle:], statement, parameters, alone))
        return both
    billed = Billed(count, amount)
    if met < len(accounts):
        billed.add(_one_by_one(accounts, parameters, alone))
    return billed


def _one_by_one(
    accounts: Sequence[int], parameters: dict[str, Any], alone: Callable[[int], Decimal | None]
) -> Billed:
    """Bill by itself what the statement could not: it is found by asking again what is still to be billed."""
    billed = Billed()
    left = (
        units_to_bill(_period_end(parameters))
        if "number" in parameters
        else loans_to_bill(parameters["through"])
    )
    for account_id in sorted(set(accounts) & set(left)):
        try:
            with transaction.atomic():
                amount = alone(account_id)
        except (DatabaseError, ValueError, LookupError, RuntimeError, RefusedError) as error:
            billed.failures.append({"account": account_id, "reason": _first_line(error)})
            continue
        if amount:
            billed.add(Billed(1, amount))
    return billed


def _bill_unit(account_id: int, *, period_end: date, actor: User | None) -> Decimal | None:
    """Bill one unit, which may have gone beyond the day already."""
    day = period_end + timedelta(days=1)
    cards = load_cards([account_id], day, lock=True, also=[period_end])
    card = cards.by_account[account_id]
    amount = interest_to_bill(position_of(card, day), card.currency)
    if not amount:
        return None
    card.items.append(
        Item(
            None,
            DueItem.Kind.INTEREST,
            _month(period_end),
            next_payment_day(card, period_end),
            interest=amount,
            billed_on=day,
            rule=f"Interest through {period_end:%Y-%m-%d}",
        )
    )
    record(card, [Event.interest_billed(card.last_sequence + 1, day, amount)])
    spread(card, posted_on=period_end)
    post(
        Posting(
            source="interest",
            key=f"{day.isoformat()}:{card.dealership_id}:{account_id}",
            business_date=period_end,
            effective_on=day,
            description=f"Interest {period_end:%Y-%m}",
            actor=actor,
            dealership_id=card.dealership_id,
            cards=(card,),
        )
    )
    return amount


def _month(period_end: date) -> int:
    return period_end.year * 100 + period_end.month


def _period_end(parameters: dict[str, Any]) -> date:
    day: date = parameters["day"]
    return day - timedelta(days=1)


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]
