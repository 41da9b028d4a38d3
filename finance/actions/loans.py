"""Term loans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from dateutil.relativedelta import relativedelta
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.actions.numbers import next_number
from accounts.audit import record as record_act
from accounts.models import NumberSequence, User
from finance.actions.posting import Posting, post
from finance.actions.refusals import RefusedError
from finance.actions.room import check_room, locked_line, terms_or_refusal
from finance.amortisation import (
    Instalment,
    actual_days_schedule,
    due_dates,
    equal_instalment,
    equal_instalment_schedule,
    interest_only_schedule,
)
from finance.interest import DayCount, Event, RateCurve
from finance.models import Account, AccountPosition, CreditLine, DueItem, Loan, RatePlan
from finance.money import is_whole
from finance.queries.cards import Item, load_cards
from finance.queries.rates import rate_on
from finance.queries.reckoning import record, spread

_MONTHS = 12


@transaction.atomic
def open_loan(
    *,
    line: CreditLine,
    title: str,
    purpose: str,
    method: str,
    amount: Decimal,
    instalment_count: int,
    first_due_on: date,
    funded_on: date,
    business_date: date,
    instalment: Decimal | None = None,
    vehicle: str = "",
    registration: str = "",
    number: str | None = None,
    reason: str = "",
    actor: User | None,
) -> Loan:
    """Open a term loan and pay it out: its instalments are due items whose last one leaves exactly 0.00.

    The rate is that of the line's plan on `funded_on`. Loans with interest by the month need a plan that counts 30/360,
    so that what accrues is what the schedule says.
    """
    locked = locked_line(line.pk)
    if locked.kind != CreditLine.Kind.TERM:
        raise RefusedError(_("Line %(line)s is not for term loans.") % {"line": locked.number})
    if amount <= 0 or not is_whole(amount, locked.currency):
        raise RefusedError(_("The loan must be a positive amount in whole cents."))
    if first_due_on <= funded_on:
        raise RefusedError(_("The first instalment falls due after the day on which the loan is paid out."))
    terms = terms_or_refusal(locked, funded_on)
    check_room(locked, amount, reason, on=business_date)
    plan = terms.rate_plan
    if method != Loan.Method.ACTUAL_DAYS and plan.day_count != RatePlan.DayCount.THIRTY_360:
        raise RefusedError(_("Interest by the month needs a rate plan that counts 30/360."))
    rate = rate_on(plan, funded_on)
    regular = instalment or _regular(method, amount, rate, instalment_count, locked.currency)
    loan = Loan(
        dealership_id=locked.dealership_id,
        purpose=Loan.Purpose(purpose).value,
        method=Loan.Method(method).value,
        amount=amount,
        instalment=regular,
        instalment_count=instalment_count,
        first_due_on=first_due_on,
        vehicle=vehicle,
        registration=registration,
    )
    try:
        rows = _schedule(loan, plan, rate, funded_on=funded_on, currency=locked.currency)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    account = _account(locked, plan, number, title, funded_on)
    loan.account = account
    loan.save(force_insert=True)
    AccountPosition.objects.create(account=account, dealership_id=locked.dealership_id)
    card = load_cards([account.pk], funded_on, lock=True).by_account[account.pk]
    card.items += [_item(row) for row in rows]
    record(card, [Event.advance(1, funded_on, amount)])
    spread(card, posted_on=business_date)
    post(
        Posting(
            source="advance",
            key=str(account.public_id),
            business_date=business_date,
            effective_on=funded_on,
            description=f"Loan {account.number} {account.title}",
            actor=actor,
            dealership_id=account.dealership_id,
            cards=(card,),
        )
    )
    record_act(
        "loan.opened",
        actor=actor,
        subject=account.number,
        dealership=account.dealership_id,
        reason=reason,
        details={"amount": str(amount), "instalment": str(regular), "instalments": instalment_count},
    )
    return loan


def _account(line: CreditLine, plan: RatePlan, number: str | None, title: str, funded_on: date) -> Account:
    try:
        with transaction.atomic():
            return Account.objects.create(
                dealership_id=line.dealership_id,
                line=line,
                rate_plan=plan,
                kind=Account.Kind.LOAN,
                number=number or next_number(NumberSequence.Kind.LOAN, prefix="L"),
                title=title[:120],
                currency=line.currency,
                state=Account.State.OPEN,
                opened_on=funded_on,
            )
    except IntegrityError as error:
        raise RefusedError(
            _("There is an account with the number %(number)s already.") % {"number": number}
        ) from error


def _regular(method: str, amount: Decimal, rate: Decimal, count: int, currency: str) -> Decimal:
    """The regular instalment: of an interest-only loan its monthly interest, else the equal instalment."""
    if count < 1:
        raise RefusedError(_("A loan has at least one instalment."))
    if method == Loan.Method.INTEREST_ONLY:
        first_due = date(2000, 1, 1)
        rows = interest_only_schedule(amount, rate, count=count, first_due=first_due, currency=currency)
        return rows[0].interest
    return equal_instalment(amount, rate / _MONTHS, count, currency)


def _schedule(
    loan: Loan, plan: RatePlan, rate: Decimal, *, funded_on: date, currency: str
) -> Sequence[Instalment]:
    count, first_due = loan.instalment_count, loan.first_due_on
    if loan.method == Loan.Method.INTEREST_ONLY:
        return interest_only_schedule(loan.amount, rate, count=count, first_due=first_due, currency=currency)
    if loan.method == Loan.Method.EQUAL_INSTALMENT and funded_on + relativedelta(months=1) == first_due:
        return equal_instalment_schedule(
            loan.amount, rate, count=count, first_due=first_due, currency=currency, instalment=loan.instalment
        )
    # A first period that is not one month, or interest on actual days.
    return actual_days_schedule(
        loan.amount,
        RateCurve([(funded_on, rate)], day_count=DayCount(plan.day_count)),
        start=funded_on,
        dates=due_dates(first_due, count),
        instalment=loan.instalment,
        currency=currency,
    )


def _item(row: Instalment) -> Item:
    return Item(
        None,
        DueItem.Kind.INSTALMENT,
        row.number,
        row.due_on,
        principal=row.principal,
        interest=row.interest,
        open_principal=row.principal,
        open_interest=row.interest,
    )
