"""Amortisation: repayment schedules of term loans, and what an early payment changes.

Two ways of counting interest: by period (nominal rate / 12 for each month) and on actual days. Each row's interest is
rounded by itself, half up unless told otherwise; each row's payment is interest + principal to the cent; the principal
column adds up to the loan; the last row is adjusted so that the balance is exactly 0.00.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Final

from dateutil.relativedelta import relativedelta

from finance.interest import Rates, fold
from finance.interest.history import Event
from finance.money import WIDE, exact, is_whole, round_money

__all__ = [
    "Instalment",
    "PrepaymentEffect",
    "actual_days_schedule",
    "bullet_schedule",
    "due_dates",
    "equal_instalment",
    "equal_instalment_schedule",
    "interest_only_schedule",
    "prepayment_effect",
]

ZERO: Final = Decimal(0)
_MONTHS: Final = 12


@dataclass(frozen=True, slots=True)
class Instalment:
    """A row of a schedule, in posted amounts.

    :param due_on: the day on which it is due, or was paid where the schedule was told so.
    :param payment: ``interest`` + ``principal``, exactly.
    :param balance: principal left after it.
    :param adjusted: the payment differs from the regular instalment (the last row, as a rule).
    :param unpaid_interest: interest that the payment did not cover; it is paid before principal and earns none.
    """

    number: int
    due_on: date
    payment: Decimal
    interest: Decimal
    principal: Decimal
    balance: Decimal
    adjusted: bool
    unpaid_interest: Decimal = ZERO


def due_dates(first_due: date, count: int, *, every_months: int = 1) -> list[date]:
    """Return ``count`` due dates on the day of the month of ``first_due``, or the last day of shorter months."""
    return [first_due + relativedelta(months=every_months * number) for number in range(count)]


def equal_instalment(
    principal: Decimal, period_rate: Decimal, count: int, currency: str, rounding: str = ROUND_HALF_UP
) -> Decimal:
    """Return the equal instalment ``P i / (1 - (1 + i)^-n)``, rounded; ``period_rate`` i is a fraction per period."""
    _check_loan(principal, count, currency)
    with localcontext(WIDE):
        if exact(period_rate) == 0:
            return round_money(principal / count, currency, rounding)
        growth = (1 + period_rate) ** count
        return round_money(principal * period_rate * growth / (growth - 1), currency, rounding)


def equal_instalment_schedule(
    principal: Decimal,
    annual_rate: Decimal,
    *,
    count: int,
    first_due: date,
    currency: str,
    periods_per_year: int = 12,
    instalment: Decimal | None = None,
    rounding: str = ROUND_HALF_UP,
) -> tuple[Instalment, ...]:
    """Return the schedule of equal instalments with the nominal rate divided by ``periods_per_year``.

    ``instalment`` replaces the computed one (a contract that rounds to whole units); the loan then ends when it is
    paid, at the latest with row ``count``, which takes what is left. Raises ``ValueError`` when it does not cover the
    interest.
    """
    every_months, period_rate = _period(annual_rate, periods_per_year)
    regular = instalment or equal_instalment(principal, period_rate, count, currency, rounding)
    _check_loan(principal, count, currency)
    rows: list[Instalment] = []
    balance = principal
    with localcontext(WIDE):
        for number, due_on in enumerate(due_dates(first_due, count, every_months=every_months), start=1):
            interest = round_money(balance * period_rate, currency, rounding)
            if regular <= interest and number < count:
                raise ValueError(
                    f"An instalment of {regular} {currency} does not cover the interest of {interest}"
                )
            payment = balance + interest if number == count else min(regular, balance + interest)
            part = payment - interest
            balance -= part
            rows.append(
                Instalment(number, due_on, payment, interest, part, balance, adjusted=payment != regular)
            )
            if not balance:
                break
    return tuple(rows)


def interest_only_schedule(
    principal: Decimal,
    annual_rate: Decimal,
    *,
    count: int,
    first_due: date,
    currency: str,
    periods_per_year: int = 12,
    rounding: str = ROUND_HALF_UP,
) -> tuple[Instalment, ...]:
    """Return a schedule that pays interest each period and the whole principal with the last row."""
    _check_loan(principal, count, currency)
    every_months, period_rate = _period(annual_rate, periods_per_year)
    with localcontext(WIDE):
        interest = round_money(principal * period_rate, currency, rounding)
        nothing = principal - principal
        *regular, last = due_dates(first_due, count, every_months=every_months)
        rows = [
            Instalment(number, due_on, interest, interest, nothing, principal, adjusted=False)
            for number, due_on in enumerate(regular, start=1)
        ]
        final = Instalment(count, last, principal + interest, interest, principal, nothing, adjusted=True)
    return (*rows, final)


def bullet_schedule(
    principal: Decimal,
    rates: Rates,
    *,
    start: date,
    due_on: date,
    currency: str,
    rounding: str = ROUND_HALF_UP,
) -> tuple[Instalment, ...]:
    """Return the one row of a loan that pays principal and all interest, on actual days, at the end."""
    return actual_days_schedule(
        principal,
        rates,
        start=start,
        dates=[due_on],
        instalment=principal,
        currency=currency,
        rounding=rounding,
    )


def actual_days_schedule(
    principal: Decimal,
    rates: Rates,
    *,
    start: date,
    dates: Sequence[date],
    instalment: Decimal,
    currency: str,
    paid_on: Mapping[int, date] | None = None,
    unpaid_interest: Decimal = ZERO,
    rounding: str = ROUND_HALF_UP,
) -> tuple[Instalment, ...]:
    """Return the schedule of a simple-interest loan: interest runs from payment to payment on the days between.

    ``dates`` are the due dates; ``paid_on`` says, by row number, on which day a payment really came. Paying late raises
    the interest and slows the principal. A payment smaller than the interest due leaves ``unpaid_interest``, which the
    next one pays first; it is never added to the principal. The last row takes what is left. With rates that count
    30/360 a month is a twelfth of a year, which gives the schedule of a nominal monthly rate.
    """
    _check_loan(principal, len(dates), currency)
    rows: list[Instalment] = []
    balance, since, unpaid = principal, start, unpaid_interest
    with localcontext(WIDE):
        for number, due_on in enumerate(dates, start=1):
            day = (paid_on or {}).get(number, due_on)
            if day < since:
                raise ValueError(
                    f"Row {number} would be paid on {day.isoformat()}, before {since.isoformat()}"
                )
            charged = unpaid + _interest(balance, rates, since, day, currency=currency, rounding=rounding)
            payment = balance + charged if number == len(dates) else min(instalment, balance + charged)
            interest = min(payment, charged)
            part = payment - interest
            balance, unpaid, since = balance - part, charged - interest, day
            adjusted = payment != instalment
            rows.append(Instalment(number, day, payment, interest, part, balance, adjusted, unpaid))
            if not balance and not unpaid:
                break
    return tuple(rows)


@dataclass(frozen=True, slots=True)
class PrepaymentEffect:
    """What an extra payment does: where it goes, and how the rest of the loan changes.

    ``interest`` and ``principal`` are the parts of the payment, ``excess`` what the loan does not need.
    ``interest_saved`` compares all interest still to be paid without and with it; ``rows`` is the schedule that
    remains.
    """

    interest: Decimal
    principal: Decimal
    excess: Decimal
    balance: Decimal
    interest_saved: Decimal
    old_end: date
    new_end: date
    instalments_saved: int
    rows: tuple[Instalment, ...]


def prepayment_effect(
    balance: Decimal,
    rates: Rates,
    *,
    last_paid_on: date,
    dates: Sequence[date],
    instalment: Decimal,
    currency: str,
    amount: Decimal,
    paid_on: date,
    unpaid_interest: Decimal = ZERO,
    rounding: str = ROUND_HALF_UP,
) -> PrepaymentEffect:
    """Return what paying ``amount`` on ``paid_on`` changes, the instalment staying as it is so that the loan ends
    earlier.

    The payment covers the interest due to the day first, then principal. ``dates`` are the due dates still to come;
    none may lie before ``paid_on``, since what is overdue is paid first.
    """
    if exact(amount) <= 0 or not is_whole(amount, currency):
        raise ValueError(f"A payment must be a positive, whole amount of {currency}, not {amount}")
    if paid_on < last_paid_on or (dates and dates[0] < paid_on):
        raise ValueError("An extra payment lies between the last payment and the next due date")
    without = actual_days_schedule(
        balance,
        rates,
        start=last_paid_on,
        dates=dates,
        instalment=instalment,
        currency=currency,
        unpaid_interest=unpaid_interest,
        rounding=rounding,
    )
    with localcontext(WIDE):
        charged = unpaid_interest + _interest(
            balance, rates, last_paid_on, paid_on, currency=currency, rounding=rounding
        )
        interest = min(amount, charged)
        principal = min(amount - interest, balance)
        left, unpaid = balance - principal, charged - interest
        rows: tuple[Instalment, ...] = ()
        if left:
            rows = actual_days_schedule(
                left,
                rates,
                start=paid_on,
                dates=dates,
                instalment=instalment,
                currency=currency,
                unpaid_interest=unpaid,
                rounding=rounding,
            )
        saved = (
            sum((row.interest for row in without), ZERO)
            - interest
            - sum((row.interest for row in rows), ZERO)
        )
        return PrepaymentEffect(
            interest=interest,
            principal=principal,
            excess=amount - interest - principal,
            balance=left,
            interest_saved=saved,
            old_end=without[-1].due_on,
            new_end=rows[-1].due_on if rows else paid_on,
            instalments_saved=len(without) - len(rows),
            rows=rows,
        )


def _interest(
    balance: Decimal, rates: Rates, start: date, end: date, *, currency: str, rounding: str
) -> Decimal:
    if not balance:
        return ZERO
    position = fold([Event.advance(1, start, balance)], rates, end)
    return round_money(position.accrued, currency, rounding)


def _check_loan(principal: Decimal, count: int, currency: str) -> None:
    if exact(principal) <= 0 or not is_whole(principal, currency):
        raise ValueError(f"The principal must be a positive, whole amount of {currency}, not {principal}")
    if count < 1:
        raise ValueError("A schedule needs at least one instalment")


def _period(annual_rate: Decimal, periods_per_year: int) -> tuple[int, Decimal]:
    if periods_per_year < 1 or _MONTHS % periods_per_year:
        raise ValueError(f"A year has 1, 2, 3, 4, 6 or 12 periods, not {periods_per_year}")
    with localcontext(WIDE):
        return _MONTHS // periods_per_year, exact(annual_rate) / periods_per_year
