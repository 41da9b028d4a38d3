"""The life of a payment against a bank that answers over HTTP: states, balances and free credit at each step."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.utils import DatabaseError
from django.test import override_settings
from django.utils import timezone

from accounts.models import AuditEntry, OutgoingMessage
from accounts.tenancy import tenant
from finance.models import JournalEntry
from finance.queries.availability import line_availability
from finance.queries.payoff import payoff_split
from payments.actions import progress
from payments.actions.errors import PaymentRefusedError
from payments.actions.states import cancel_payment, return_payment, settle_payment
from payments.models import Payment, PaymentReceipt, PaymentStep
from payments.queries.owing import owing_on
from payments.queries.pending import pending_of, pending_totals
from payments.queries.receipts import receipt_page
from payments.tasks import move_payment, sweep_payments
from tests.cast import Cast
from tests.payments.staging import (
    RETURN_FEE,
    Bank,
    Stage,
    amount,
    due,
    make_method,
    make_stage,
    pay,
    payoff,
    position,
)


def step(cast: Cast, payment: Payment) -> str:
    """One step of the worker, as if its time had come."""
    with tenant(cast.lender.pk):
        Payment.objects.filter(pk=payment.pk).update(next_step_at=timezone.now() - timedelta(seconds=1))
    return str(move_payment(cast.lender.pk, payment.pk))


def states(payment: Payment) -> list[str]:
    return [row.state for row in PaymentStep.objects.filter(payment=payment)]


def free(stage: Stage) -> Decimal:
    available: Decimal = line_availability(stage.line, as_of=stage.today).available
    return available


def test_submitted_processing_settled_with_balances_at_each_step(
    cast: Cast, stage: Stage, bank: Bank
) -> None:
    with tenant(cast.lender.pk):
        room = free(stage)
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second), due(stage.first))
        assert pending_totals(stage.dealership.pk).amount == payment.amount
        assert pending_of([stage.second.pk])[stage.second.pk].pays_off
    assert step(cast, payment) == "processing"
    assert bank.book.debits[str(payment.public_id)].amount == str(payment.amount)
    with tenant(cast.lender.pk):
        assert position(stage.second).principal == Decimal("12000.00")
        assert free(stage) == room
        assert JournalEntry.objects.filter(source="payment").count() == 0
    bank.book.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    with tenant(cast.lender.pk):
        payment.refresh_from_db()
        assert states(payment) == ["submitted", "processing", "settled"]
        assert payment.gateway_reference == bank.book.debits[str(payment.public_id)].reference
        closed = position(stage.second)
        assert (closed.principal, closed.billed_interest, closed.fees, closed.credit) == (0, 0, 0, 0)
        stage.second.refresh_from_db()
        assert stage.second.state == "closed"
        assert position(stage.first).fees == 0
        assert free(stage) == room + Decimal("12000.00")
        assert pending_totals(stage.dealership.pk).amount == 0
        assert JournalEntry.objects.get(source="payment") == payment.entry
        page = receipt_page(payment)
        assert page.split.total == payment.amount
        assert [row.payment_state for row in PaymentReceipt.objects.filter(payment=payment)] == [
            "submitted",
            "settled",
        ]


def test_settling_twice_posts_once(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        for _time in range(3):
            settle_payment(payment_id=payment.pk, now=timezone.now())
        assert JournalEntry.objects.filter(source="payment").count() == 1
        assert states(payment) == ["submitted", "processing", "settled"]


def test_a_bank_that_takes_and_never_answers_leads_to_checking_then_settled_once(
    cast: Cast, bank: Bank
) -> None:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership, account_number="000000000300")
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    assert step(cast, payment) == "checking"
    with tenant(cast.lender.pk):
        assert position(stage.first).fees == Decimal("80.00")
        assert "asking the bank" in PaymentStep.objects.filter(payment=payment).last().note
        # Unknown is not paid, and cannot be paid again either.
        assert owing_on([stage.first], stage.today, business_date=stage.today)[stage.first.pk].due.total == 0
        with pytest.raises(PaymentRefusedError):
            cancel_payment(payment=payment, actor=cast.owner, now=timezone.now())
    assert step(cast, payment) == "processing"
    bank.book.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    with tenant(cast.lender.pk):
        assert states(payment) == ["submitted", "checking", "processing", "settled"]
        assert position(stage.first).fees == 0
    assert len(bank.book.debits) == 1


def test_an_error_without_a_debit_is_asked_about_and_only_then_sent_again(cast: Cast, bank: Bank) -> None:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership)
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    bank.book.switch("broken", True)
    assert step(cast, payment) == "checking"
    assert step(cast, payment) == "checking"
    assert bank.book.debits == {}
    bank.book.switch("broken", False)
    # The bank says that it never had the key: the payment is to be sent once more.
    assert step(cast, payment) == "submitted"
    assert bank.book.debits == {}
    assert step(cast, payment) == "processing"
    assert len(bank.book.debits) == 1
    with tenant(cast.lender.pk):
        assert states(payment) == ["submitted", "checking", "submitted", "processing"]


def test_a_bank_that_is_not_reached_leaves_it_submitted_and_to_be_cancelled(cast: Cast, stage: Stage) -> None:
    with override_settings(BANK_GATEWAY_URL="http://127.0.0.1:9"), tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    with override_settings(BANK_GATEWAY_URL="http://127.0.0.1:9"):
        assert step(cast, payment) == "submitted"
        assert step(cast, payment) == "submitted"
    with tenant(cast.lender.pk):
        payment.refresh_from_db()
        assert payment.sending_since is None
        assert payment.next_step_at > timezone.now() + timedelta(seconds=20)
        assert states(payment) == ["submitted", "submitted"]
        cancel_payment(payment=payment, actor=cast.owner, now=timezone.now())
        assert payment.state == "cancelled"
        assert owing_on([stage.first], stage.today, business_date=stage.today)[
            stage.first.pk
        ].due.total == Decimal("80.00")
        assert AuditEntry.objects.filter(code="payment.cancelled").count() == 1


def test_the_ladder_asks_later_and_later_and_then_calls_people(cast: Cast, stage: Stage, bank: Bank) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    bank.book.switch("down", True)
    waits: list[timedelta] = []
    for _time in range(len(progress.LADDER) + 1):
        before = timezone.now()
        assert step(cast, payment) == "checking"
        with tenant(cast.lender.pk):
            waits.append(Payment.objects.get(pk=payment.pk).next_step_at - before)
    minutes = [round(wait.total_seconds() / 60) for wait in waits]
    assert minutes[:-1] == [1, 5, 60, 1440, 1440, 1440, 1440, 1440]
    assert minutes[-1] > 1_000_000
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.filter(code="payment.unresolved").count() == 1
        assert position(stage.first).fees == Decimal("80.00")


def test_a_bank_that_holds_another_amount_is_never_booked(cast: Cast, stage: Stage, bank: Bank) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    assert step(cast, payment) == "processing"
    bank.book.settle(str(payment.public_id))
    bank.book.debits[str(payment.public_id)].amount = "8000.00"
    assert step(cast, payment) == "processing"
    with tenant(cast.lender.pk):
        assert position(stage.first).fees == Decimal("80.00")
        assert AuditEntry.objects.filter(code="payment.bank-disagrees").count() == 1


def test_a_declined_debit_changes_nothing_and_says_why(cast: Cast, bank: Bank) -> None:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership, account_number="000000000200")
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    assert step(cast, payment) == "declined"
    with tenant(cast.lender.pk):
        payment.refresh_from_db()
        assert payment.return_code == "R03"
        assert payment.return_reason == "The bank does not know this account."
        assert position(stage.first).fees == Decimal("80.00")
        assert OutgoingMessage.objects.filter(template="payment-declined").count() == 1
        assert owing_on([stage.first], stage.today, business_date=stage.today)[
            stage.first.pk
        ].due.total == Decimal("80.00")


def test_a_return_after_settling_reverses_reopens_interest_and_charges_the_fee(
    cast: Cast, stage: Stage, bank: Bank
) -> None:
    with tenant(cast.lender.pk):
        room = free(stage)
        before = payoff_split(stage.second, stage.today + timedelta(days=10))
        payment = pay(stage, cast.payer, uuid4(), payoff(stage.second))
    step(cast, payment)
    bank.book.settle(str(payment.public_id))
    step(cast, payment)
    with tenant(cast.lender.pk):
        assert free(stage) == room + Decimal("12000.00")
        for _time in range(2):
            return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
        payment.refresh_from_db()
        assert payment.state == "returned"
        assert payment.return_entry.reverses_id == payment.entry_id
        assert payment.return_entry.effective_on == payment.value_date
        stage.second.refresh_from_db()
        assert stage.second.state == "open"
        after = payoff_split(stage.second, stage.today + timedelta(days=10))
        # Interest runs as if nothing had been paid; the fee comes on top.
        assert (after.principal, after.interest) == (before.principal, before.interest)
        assert after.fees == before.fees + RETURN_FEE
        assert free(stage) == room
        mails = OutgoingMessage.objects.filter(template="payment-returned")
        assert sorted(mail.recipient for mail in mails) == [cast.owner.email, cast.payer.email]
        page = receipt_page(payment)
        assert page.fee == RETURN_FEE
        assert str(page.reason.words) == "There was not enough money in the account."


def test_a_return_before_settling_charges_the_fee_and_posts_nothing_else(cast: Cast, bank: Bank) -> None:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership, account_number="000000000101")
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second))
    step(cast, payment)
    bank.book.debits[str(payment.public_id)].due_at = 0.0
    bank.book.move_on()
    assert step(cast, payment) == "returned"
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 0
        assert position(stage.second).principal == Decimal("12000.00")
        assert position(stage.second).fees == RETURN_FEE
        assert states(payment) == ["submitted", "processing", "returned"]


def test_a_payment_is_cancelled_only_before_it_goes_to_the_bank(cast: Cast, stage: Stage, bank: Bank) -> None:
    with tenant(cast.lender.pk):
        first = pay(stage, cast.owner, uuid4(), due(stage.first))
        cancel_payment(payment=first, actor=cast.owner, now=timezone.now())
        cancel_payment(payment=first, actor=cast.owner, now=timezone.now())
        assert states(first) == ["submitted", "cancelled"]
    assert step(cast, first) == "nothing to do"
    assert bank.book.debits == {}
    with tenant(cast.lender.pk):
        second = pay(stage, cast.owner, uuid4(), due(stage.first))
    step(cast, second)
    with tenant(cast.lender.pk):
        with pytest.raises(PaymentRefusedError, match="gone to the bank"):
            cancel_payment(payment=second, actor=cast.owner, now=timezone.now())
        second.refresh_from_db()
        assert second.state == "processing"


def test_a_claimed_payment_is_left_alone_and_taken_over_after_its_claim(
    cast: Cast, stage: Stage, bank: Bank
) -> None:
    now = timezone.now()
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first), now=now)
        claim = progress.claim_payment(payment_id=payment.pk, now=now)
        assert claim is not None
        assert claim.act == progress.Act.SEND
        assert "000123456789" not in repr(claim)
        assert progress.claim_payment(payment_id=payment.pk, now=now + timedelta(seconds=59)) is None
        again = progress.claim_payment(payment_id=payment.pk, now=now + timedelta(seconds=61))
        assert again is not None
        assert again.act == progress.Act.LOOK_UP
        assert states(payment) == ["submitted", "checking"]


def test_the_sweep_finds_what_is_due_at_every_lender(
    cast: Cast, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    hinted: list[tuple[str, int]] = []
    monkeypatch.setattr("payments.tasks.move_payment.hint", lambda lender, key: hinted.append(("move", key)))
    monkeypatch.setattr(
        "payments.tasks.print_receipt.hint", lambda lender, key: hinted.append(("print", key))
    )
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        receipt = PaymentReceipt.objects.get()
    assert sweep_payments() == 2
    assert hinted == [("move", payment.pk), ("print", receipt.pk)]


@pytest.mark.parametrize("state", ["settled", "processing", "returned", "declined"])
def test_a_dealers_own_database_role_cannot_move_a_payment_on(cast: Cast, stage: Stage, state: str) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    with tenant(cast.lender.pk, dealerships=[cast.dealership.pk], user_id=cast.owner.pk):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE payments_payment SET state = %s WHERE id = %s", [state, payment.pk])
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("UPDATE payments_payment SET next_step_at = now() WHERE id = %s", [payment.pk])
    with tenant(cast.lender.pk):
        payment.refresh_from_db()
        assert payment.state == "submitted"


def test_a_submitted_payment_keeps_its_amount_and_ends_are_final(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        with pytest.raises(DatabaseError), transaction.atomic():
            Payment.objects.filter(pk=payment.pk).update(amount=Decimal("1.00"))
        cancel_payment(payment=payment, actor=cast.owner, now=timezone.now())
        with pytest.raises(IntegrityError), transaction.atomic():
            Payment.objects.filter(pk=payment.pk).update(state="settled")


def test_two_accounts_of_one_payment_are_booked_in_one_entry_that_comes_back_whole(
    cast: Cast, stage: Stage
) -> None:
    now: datetime = timezone.now()
    with tenant(cast.lender.pk):
        payment = pay(
            stage, cast.owner, uuid4(), amount(stage.first, "500.00"), amount(stage.second, "700.00")
        )
        settle_payment(payment_id=payment.pk, now=now)
        assert position(stage.first).principal == Decimal("19580.00")
        assert position(stage.second).principal == Decimal("11300.00")
        return_payment(payment_id=payment.pk, code="R10", now=now)
        assert position(stage.first).principal == Decimal("20000.00")
        assert position(stage.second).principal == Decimal("12000.00")
        fees = position(stage.first).fees + position(stage.second).fees
        assert fees == Decimal("80.00") + RETURN_FEE
        assert make_method(cast.dealership, "000123450001").last_four == "0001"


@pytest.mark.parametrize(
    ("account_number", "way"),
    [
        # what the bank does: state after each step, whether the money is booked, whether it is on its way
        ("000123456789", [("processing", 0, 1), ("SETTLE", 0, 0), ("settled", 1, 0), ("RETURN", 0, 0)]),
        ("000000000300", [("checking", 0, 1), ("processing", 0, 1), ("SETTLE", 0, 0), ("settled", 1, 0)]),
        ("000000000101", [("processing", 0, 1), ("BOUNCE", 0, 0), ("returned", 0, 0)]),
        ("000000000200", [("declined", 0, 0)]),
    ],
    ids=["settles, then returns", "times out", "returns unsettled", "declines"],
)
def test_books_free_credit_and_what_is_on_its_way_are_right_at_each_step(
    cast: Cast, bank: Bank, account_number: str, way: list[tuple[str, int, int]]
) -> None:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership, account_number=account_number)
        room = free(stage)
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second))
    floored = Decimal("12000.00")
    key = str(payment.public_id)

    def agrees(is_booked: int, is_pending: int) -> None:
        with tenant(cast.lender.pk):
            assert position(stage.second).principal == (0 if is_booked else floored)
            assert free(stage) == room + (floored if is_booked else 0)
            assert pending_totals(stage.dealership.pk).amount == (payment.amount if is_pending else 0)
            left = owing_on([stage.second], stage.today, business_date=stage.today)
            still = left[stage.second.pk].payoff.principal if stage.second.pk in left else Decimal(0)
            assert still == (0 if is_booked or is_pending else floored)

    agrees(0, 1)
    for state, is_booked, is_pending in way:
        if state == "SETTLE":
            bank.book.settle(key)
        elif state == "BOUNCE":
            bank.book.debits[key].due_at = 0.0
            bank.book.move_on()
        elif state == "RETURN":
            with tenant(cast.lender.pk):
                return_payment(payment_id=payment.pk, code="R01", now=timezone.now())
            agrees(0, 0)
        else:
            assert step(cast, payment) == state
            agrees(is_booked, is_pending)


def test_money_that_comes_days_late_counts_on_the_day_that_was_shown(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second))
        settle_payment(payment_id=payment.pk, now=timezone.now() + timedelta(days=9))
        payment.refresh_from_db()
        assert payment.entry.effective_on == payment.value_date
        assert payment.entry.business_date > payment.expected_on
        closed = position(stage.second)
        assert (closed.principal, closed.billed_interest, closed.fees, closed.credit) == (0, 0, 0, 0)
