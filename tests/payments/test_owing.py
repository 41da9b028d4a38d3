"""What may be paid: units with billed interest, sold units, loans; always just what will be booked."""

import random
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from dateutil.relativedelta import relativedelta
from django.utils import timezone

from accounts.tenancy import tenant
from finance.actions.billing import bill_interest
from finance.actions.lines import open_line, set_line_terms
from finance.actions.loans import open_loan
from finance.actions.rates import create_rate_plan
from finance.actions.units import report_unit_sold
from finance.models import Account, CreditLine, DueItem, Unit
from finance.queries.dues import amount_due
from finance.queries.payoff import payoff_split, payoffs_on
from payments.actions.errors import PaymentRefusedError
from payments.actions.states import accept_payment, return_payment, settle_payment
from payments.actions.submit import submit_payment
from payments.models import Payment
from payments.queries.owing import owing_on
from tests.cast import Cast
from tests.payments.staging import Stage, amount, due, floor_unit, pay, payoff, position
from tests.payments.test_submit import assert_booked_as_shown


def loan_line(stage: Stage) -> CreditLine:
    plan = create_rate_plan(
        code="loans",
        name="Loans",
        margin=Decimal("0.084"),
        day_count="30/360",
        starts_on=stage.today - timedelta(days=400),
        through=stage.today + timedelta(days=90),
        actor=None,
    )
    line = open_line(
        dealership=stage.dealership,
        name="Term loans",
        kind="term",
        limit=Decimal(100_000),
        opened_on=stage.today - timedelta(days=399),
        actor=None,
    )
    set_line_terms(line=line, effective_from=stage.today - timedelta(days=399), rate_plan=plan, actor=None)
    return line


def make_loan(stage: Stage, *, first_due_on: date) -> Account:
    """12 instalments of 5,230.41 on 60,000.00, the worked example."""
    loan = open_loan(
        line=loan_line(stage),
        title="Van",
        purpose="equipment",
        method="equal_instalment",
        amount=Decimal("60000.00"),
        instalment_count=12,
        first_due_on=first_due_on,
        funded_on=first_due_on - relativedelta(months=1),
        business_date=first_due_on - relativedelta(months=1),
        actor=None,
    )
    return Account.objects.select_related("rate_plan", "line").get(pk=loan.pk)


def book(payment: Payment) -> None:
    """The bank has taken and paid it."""
    accept_payment(payment_id=payment.pk, reference="X", now=timezone.now())
    settle_payment(payment_id=payment.pk, now=timezone.now())


def test_what_is_owed_agrees_with_the_books_while_nothing_is_on_its_way(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        bill_interest(period_end=stage.today.replace(day=1) - timedelta(days=1))
        day = stage.today + timedelta(days=2)
        accounts = list(Account.objects.select_related("rate_plan", "line"))
        owing = owing_on(accounts, day, business_date=stage.today)
        owed = amount_due([account.pk for account in accounts], on=day)
        payoffs = payoffs_on([account.pk for account in accounts], day)
        for account in accounts:
            one = owing[account.pk]
            assert one.payoff == one.booked
            assert one.payoff.total == payoffs[account.pk]
            assert one.due.total == (owed[account.pk].total if account.pk in owed else 0)


def test_billed_interest_is_due_and_paid_as_interest(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        bill_interest(period_end=stage.today.replace(day=1) - timedelta(days=1))
        bill = DueItem.objects.get(account=stage.first, kind=DueItem.Kind.INTEREST)
        day = max(bill.due_on, stage.today)
        one = owing_on([stage.first], day, business_date=stage.today)[stage.first.pk]
        assert one.due.interest == bill.interest > 0
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        book(payment)
        assert_booked_as_shown(payment)
        assert position(stage.first).fees == 0


def test_a_sold_unit_whose_time_has_come_is_paid_off(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        unit = Unit.objects.get(pk=stage.second.pk)
        report_unit_sold(
            unit=unit,
            sold_at=timezone.now() - timedelta(days=4),
            reported_on=stage.today - timedelta(days=4),
            actor=None,
        )
        one = owing_on([stage.second], stage.today, business_date=stage.today)[stage.second.pk]
        assert one.must_pay_off
        assert one.due == one.payoff
        payment = pay(stage, cast.owner, uuid4(), due(stage.second))
        assert payment.shares.get().purpose == "payoff"
        book(payment)
        assert_booked_as_shown(payment)
        unit.refresh_from_db()
        assert unit.state == Unit.State.PAID
        return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
        unit.refresh_from_db()
        assert unit.state == Unit.State.SOLD


@pytest.mark.parametrize("days", [-3, 0, 20])
def test_an_instalment_is_paid_when_due_late_or_early(cast: Cast, stage: Stage, days: int) -> None:
    with tenant(cast.lender.pk):
        loan = make_loan(stage, first_due_on=stage.today + timedelta(days=days))
        payment = pay(stage, cast.owner, uuid4(), due(loan))
        assert payment.amount == Decimal("5230.41")
        with pytest.raises(PaymentRefusedError):
            pay_what_is_refused(stage, cast, loan)
        book(payment)
        assert_booked_as_shown(payment)
        assert position(loan).principal == Decimal("55189.59")


def pay_what_is_refused(stage: Stage, cast: Cast, loan: Account) -> None:
    """More than is owed less the instalment on its way."""
    choice = amount(loan, "59999.99")
    submit_payment(
        token=uuid4(),
        dealership=stage.dealership,
        method=stage.method,
        choices=[choice],
        shown_amounts={loan.public_id: Decimal("59999.99")},
        shown_value_date=stage.today,
        actor=cast.owner,
        now=timezone.now(),
    )


def test_a_loan_is_paid_off_to_the_cent_after_an_extra_payment_on_its_way(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        loan = make_loan(stage, first_due_on=stage.today - timedelta(days=10))
        extra = pay(stage, cast.owner, uuid4(), amount(loan, "7000.00"))
        rest = pay(stage, cast.owner, uuid4(), payoff(loan))
        for payment in (extra, rest):
            book(payment)
            assert_booked_as_shown(payment)
        loan.refresh_from_db()
        end = position(loan)
        assert loan.state == Account.State.CLOSED
        assert (end.principal, end.billed_interest, end.fees, end.credit) == (0, 0, 0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_whatever_is_on_its_way_the_next_payment_is_booked_as_shown(
    cast: Cast, stage: Stage, seed: int
) -> None:
    """Random payments, days apart, booked later in the order in which they were sent; the last one pays all off."""
    chance = random.Random(seed)
    with tenant(cast.lender.pk):
        bill_interest(period_end=stage.today.replace(day=1) - timedelta(days=1))
        unit = floor_unit(stage.line, 50 + seed, "15000.00", funded_on=stage.today - timedelta(days=25))
        moment = timezone.now()
        sent = []
        for _number in range(chance.randint(1, 4)):
            moment += timedelta(hours=chance.randint(1, 60))
            cents = chance.randint(1, 300_000)
            choice = amount(chance.choice([unit, stage.first]), str(Decimal(cents) / 100))
            sent.append(pay(stage, cast.owner, uuid4(), choice, now=moment))
            if chance.random() < 0.3:
                book(sent[0])
        moment += timedelta(hours=chance.randint(0, 48))
        sent.append(pay(stage, cast.owner, uuid4(), payoff(unit), payoff(stage.first), now=moment))
        for payment in sent:
            book(payment)
            assert_booked_as_shown(payment)
        for account in (unit, stage.first):
            end = position(account)
            assert (end.principal, end.billed_interest, end.fees, end.credit) == (0, 0, 0, 0)
            assert payoff_split(account, moment.date()).total == 0
