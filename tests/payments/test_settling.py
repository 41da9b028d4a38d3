"""Settling takes the locks, judges, posts and writes the change in few round trips, and promises as much as ever."""

import json
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from accounts import audit
from accounts.models import AuditEntry, User
from accounts.tenancy import tenant
from finance.models import JournalEntry
from payments.actions.locks import hold_payment, locked_payment
from payments.actions.states import accept_payment, settle_payment
from payments.actions.steps import move, order_receipt
from payments.models import Payment, PaymentReceipt, PaymentStep
from tests.cast import Cast
from tests.payments.staging import Stage, amount, due, pay

State = Payment.State


def taken(cast: Cast, stage: Stage, *choices: object) -> Payment:
    """A payment that the bank works on."""
    payment = pay(stage, cast.owner, uuid4(), *choices)  # type: ignore[arg-type]
    return accept_payment(payment_id=payment.pk, reference="SB1", now=timezone.now())


def trail(payment: Payment) -> tuple[int, int, int, int]:
    """How many steps, receipts, acts and entries there are of a payment."""
    return (
        PaymentStep.objects.filter(payment=payment).count(),
        PaymentReceipt.objects.filter(payment=payment).count(),
        AuditEntry.objects.filter(subject=f"payment:{payment.number}").count(),
        JournalEntry.objects.filter(source="payment", key=payment.number).count(),
    )


def test_settling_takes_the_same_six_round_trips_for_one_account_or_two(
    cast: Cast, stage: Stage, django_assert_num_queries: object
) -> None:
    """Hold the payment, read the accounts' cards, post, write the change; and the savepoint, set and released.

    Round trips and what an object framework makes of them were three quarters of the work, and the locks of the
    dealership and of the accounts are held all the while: one more statement here is waited for by everybody who pays.
    """
    with tenant(cast.lender.pk):
        one = taken(cast, stage, due(stage.first))
        two = taken(cast, stage, amount(stage.first, "100.00"), amount(stage.second, "100.00"))
        for payment in (one, two):
            with django_assert_num_queries(6):  # type: ignore[operator]
                settle_payment(payment_id=payment.pk, now=timezone.now())
            assert trail(payment) == (3, 2, 2, 1)
        # The second time finds it settled, and only looks.
        with django_assert_num_queries(3):  # type: ignore[operator]
            settle_payment(payment_id=one.pk, now=timezone.now())
        assert trail(one) == (3, 2, 2, 1)


def test_what_a_settled_payment_leaves_behind_says_who_when_and_how_much(cast: Cast, stage: Stage) -> None:
    before = timezone.now()
    with tenant(cast.lender.pk):
        # Not taken by the bank yet, as far as we know: it goes by way of `processing`.
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        now = timezone.now()
        with audit.working_from(audit.Origin("task", address="203.0.113.9", reference="ABCD-EFGH")):
            settled = settle_payment(payment_id=payment.pk, now=now)
        payment.refresh_from_db()
        assert (settled.state, settled.entry_id, settled.settled_at) == (State.SETTLED, payment.entry_id, now)
        assert (payment.state, payment.settled_at) == (State.SETTLED, now)
        assert payment.entry is not None
        assert payment.entry.actor_id == cast.owner.pk
        steps = PaymentStep.objects.filter(payment=payment)
        assert [step.state for step in steps] == ["submitted", "processing", "settled"]
        assert all(before < step.recorded_at <= timezone.now() for step in steps)
        act = AuditEntry.objects.get(code="payment.settled")
        assert (act.subject, act.actor_id, act.actor_name) == (f"payment:{payment.number}", None, "Forecourt")
        assert (act.address, act.entrance, act.reference) == ("203.0.113.9", "task", "ABCD-EFGH")
        assert (act.dealership_id, act.reason) == (stage.dealership.pk, "")
        assert act.details == {"amount": "80.00", "entry": payment.entry_id}
        assert before < act.recorded_at <= timezone.now()
        receipt = PaymentReceipt.objects.get(payment=payment, payment_state="settled")
        assert (receipt.state, receipt.next_attempt_at, receipt.attempts) == ("waiting", now, 0)
        assert (receipt.dealership_id, receipt.file.name, receipt.printed_at) == (
            stage.dealership.pk,
            "",
            None,
        )


def test_a_held_payment_is_what_the_models_read(
    cast: Cast, stage: Stage, django_assert_num_queries: object
) -> None:
    with tenant(cast.lender.pk):
        paid = taken(cast, stage, amount(stage.second, "100.00"), amount(stage.first, "90.00"))
        settle_payment(payment_id=paid.pk, now=timezone.now())
        open_one = taken(cast, stage, amount(stage.first, "50.00"))
        for payment in (paid, open_one):
            names = ("lender", "method", "dealership", "made_by", "entry")
            read = Payment.objects.select_related(*names).get(pk=payment.pk)
            with django_assert_num_queries(1):  # type: ignore[operator]
                held = hold_payment(payment.pk)
                brought = [getattr(held.payment, name) for name in names]
            expected = [read, *(getattr(read, name) for name in names)]
            for ours, theirs in zip([held.payment, *brought], expected, strict=True):
                if theirs is None:
                    assert ours is None
                    continue
                for field in theirs._meta.concrete_fields:
                    mine, stored = getattr(ours, field.attname), getattr(theirs, field.attname)
                    assert (type(mine), field.to_python(mine)) == (type(stored), field.to_python(stored)), (
                        field
                    )
            stored_shares = read.shares.order_by("account_id").values_list("account_id", "purpose", "amount")
            assert [(share.account_id, share.purpose, share.amount) for share in held.shares] == list(
                stored_shares
            )
        assert {share.amount for share in hold_payment(paid.pk).shares} == {
            Decimal("100.00"),
            Decimal("90.00"),
        }


def test_another_lenders_payment_cannot_be_held_or_settled(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = taken(cast, stage, due(stage.first))
        before = trail(payment)
    with tenant(cast.other_lender.pk):
        for act in (hold_payment, locked_payment):
            with pytest.raises(Payment.DoesNotExist):
                act(payment.pk)
        with pytest.raises(Payment.DoesNotExist):
            settle_payment(payment_id=payment.pk, now=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM payments_hold(%s, %s)", [cast.lender.pk, payment.pk])
            assert cursor.fetchone() == (0,)
    with tenant(cast.lender.pk):
        payment.refresh_from_db()
        assert payment.state == State.PROCESSING
        assert trail(payment) == before


def test_a_payment_that_moved_on_meanwhile_is_not_moved_again(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        stale = taken(cast, stage, due(stage.first))
        settle_payment(payment_id=stale.pk, now=timezone.now())
        settled = trail(stale)
        act = audit.describe("payment.declined", actor=None, subject=f"payment:{stale.number}")
        with pytest.raises(RuntimeError, match="not processing any more"), transaction.atomic():
            move(stale, State.DECLINED, act=act, now=timezone.now())
        stale.refresh_from_db()
        assert stale.state == State.SETTLED
        assert trail(stale) == settled
        with pytest.raises(ValueError, match="No receipt"):
            move(stale, State.CHECKING, act=act, now=timezone.now())


def test_the_guards_of_a_payments_life_judge_the_quick_way_too(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
        before = trail(payment)
        act = audit.describe("payment.settled", actor=None, subject=f"payment:{payment.number}")
        # Straight from submitted to settled there is no way.
        with (
            pytest.raises(DatabaseError, match="does not go from submitted to settled"),
            transaction.atomic(),
        ):
            move(payment, State.SETTLED, act=act, now=timezone.now())
        payment.refresh_from_db()
        assert payment.state == State.SUBMITTED
        assert trail(payment) == before


def test_a_dealers_own_role_cannot_move_a_payment(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = taken(cast, stage, due(stage.first))
        before = trail(payment)
    with tenant(cast.lender.pk, dealerships=[stage.dealership.pk], user_id=cast.owner.pk):
        act = audit.describe("payment.declined", actor=None, subject=f"payment:{payment.number}")
        change = {"before": "processing", "state": "declined", "dealership": stage.dealership.pk, "note": "",
                  "print_at": timezone.now(), "act": act}  # fmt: skip
        with (
            pytest.raises(DatabaseError, match="nothing else"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(
                "SELECT payments_move(%s, %s, %s::jsonb)",
                [cast.lender.pk, payment.pk, json.dumps(change, default=str)],
            )
    with tenant(cast.lender.pk):
        payment.refresh_from_db()
        assert payment.state == State.PROCESSING
        assert trail(payment) == before


def test_the_receipt_of_a_state_is_ordered_once(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = taken(cast, stage, due(stage.first))
        payment = settle_payment(payment_id=payment.pk, now=timezone.now())
        first = PaymentReceipt.objects.get(payment=payment, payment_state="settled")
        order_receipt(payment, now=timezone.now() + timedelta(hours=1))
        assert PaymentReceipt.objects.get(payment=payment, payment_state="settled").pk == first.pk
        assert PaymentReceipt.objects.filter(payment=payment).count() == 2
        assert User.objects.filter(pk=payment.made_by_id).exists()
