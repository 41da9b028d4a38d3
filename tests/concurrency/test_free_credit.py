"""Credit that is free before a payment has settled, while the payment moves: real threads, each race with a control."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Event
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts.tenancy import tenant
from finance.actions import room, units
from finance.actions.lines import change_limit
from finance.actions.refusals import OverLimitError
from finance.actions.units import approve_advance, fund_advance, request_advance
from finance.models import AccountPosition, CreditLine, ExpectedPrincipal, LineTerms, Unit
from finance.queries.availability import line_availability
from finance.vin import make_vin
from payments.actions.states import (
    accept_payment,
    cancel_payment,
    decline_payment,
    return_payment,
    settle_payment,
)
from payments.models import Payment
from tests.cast import Cast, make_cast
from tests.payments.staging import Stage, amount, make_stage, pay, payoff

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

LIMIT = Decimal("40000.00")
FREE = Decimal("20000.00")  # 40,000 less 32,000 owed, with 12,000 on its way
DRAWN = Decimal("15000.00")  # fits only while the payment is good


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def stage(cast: Cast) -> Stage:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership)
        LineTerms.objects.filter(line=stage.line).update(releases_credit_at="submission")
        change_limit(line=stage.line, limit=LIMIT, reason="Small", actor=None)
    return stage


def sent(cast: Cast, stage: Stage, state: str) -> Payment:
    """A payoff of 12,000.00 of principal in that state."""
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second))
        if state != "submitted":
            accept_payment(payment_id=payment.pk, reference="B-1", now=timezone.now())
        if state == "settled":
            settle_payment(payment_id=payment.pk, now=timezone.now())
    return payment


def promised(cast: Cast, stage: Stage) -> Unit:
    """An approved advance that only the money on its way makes room for."""
    with tenant(cast.lender.pk):
        unit = request_advance(
            line=stage.line,
            vin=make_vin("1FT", "EW1E5", "N", "F", "000001"),
            model_year=2024,
            make="Ford",
            model="F-150",
            advance_amount=DRAWN,
            requested_at=timezone.now(),
            actor=None,
        )
        return approve_advance(unit=unit, approved_at=timezone.now(), actor=None)


def fund(cast: Cast, stage: Stage, unit: Unit) -> Any:
    with tenant(cast.lender.pk):
        return fund_advance(unit=unit, funded_on=stage.today, business_date=stage.today, actor=None)


def take_back(cast: Cast, stage: Stage, payment: Payment) -> None:
    with tenant(cast.lender.pk):
        return_payment(payment_id=payment.pk, code="R01", now=timezone.now())


def decline(cast: Cast, stage: Stage, payment: Payment) -> None:
    with tenant(cast.lender.pk):
        decline_payment(payment_id=payment.pk, code="R03", now=timezone.now())


def cancel(cast: Cast, stage: Stage, payment: Payment) -> None:
    with tenant(cast.lender.pk, dealerships=[stage.dealership.pk], user_id=cast.owner.pk):
        cancel_payment(payment=payment, actor=cast.owner, now=timezone.now())


WAYS = [
    ("submitted", cancel),
    ("submitted", decline),
    ("processing", take_back),
    ("settled", take_back),
]


def gone_before_granted(
    cast: Cast, stage: Stage, unit: Unit, go: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Fund while the credit goes, at the worst moment: whether it had gone when the advance was granted."""
    has_read, has_gone = Event(), Event()
    seen: list[bool] = []
    read = room.line_availability

    def slowly(*args: Any, **kwargs: Any) -> Any:
        answer = read(*args, **kwargs)
        has_read.set()
        seen.append(has_gone.wait(timeout=2))
        return answer

    def advance() -> Any:
        try:
            return fund(cast, stage, unit)
        finally:
            connection.close()

    def let_go() -> None:
        try:
            assert has_read.wait(timeout=20)
            go()
            has_gone.set()
        finally:
            connection.close()

    monkeypatch.setattr(room, "line_availability", slowly)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(advance), pool.submit(let_go)]
        assert answers[0].result(timeout=60)
        answers[1].result(timeout=60)
    monkeypatch.setattr(room, "line_availability", read)
    return seen[0]


@pytest.mark.parametrize(("state", "way"), WAYS)
def test_credit_does_not_go_while_an_advance_on_it_is_granted(
    cast: Cast, stage: Stage, state: str, way: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = sent(cast, stage, state)
    unit = promised(cast, stage)
    assert not gone_before_granted(cast, stage, unit, lambda: way(cast, stage, payment), monkeypatch)
    with tenant(cast.lender.pk):
        payment.refresh_from_db()
        assert payment.state in {"cancelled", "declined", "returned"}
        # The advance came first; what went then is missing, in view of everybody, and the next one is refused.
        assert line_availability(stage.line, as_of=stage.today).available == FREE - DRAWN - Decimal(12000)


@pytest.mark.parametrize(("state", "way"), WAYS)
def test_without_the_hold_on_the_room_an_advance_is_granted_on_credit_that_has_gone(
    cast: Cast, stage: Stage, state: str, way: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    payment = sent(cast, stage, state)
    unit = promised(cast, stage)
    monkeypatch.setattr(
        units, "locked_line", lambda line: CreditLine.objects.select_for_update().get(pk=line)
    )
    assert gone_before_granted(cast, stage, unit, lambda: way(cast, stage, payment), monkeypatch)


@pytest.mark.parametrize(("state", "way"), WAYS)
def test_an_advance_that_comes_after_the_return_is_refused(
    cast: Cast, stage: Stage, state: str, way: Callable[..., None]
) -> None:
    payment = sent(cast, stage, state)
    unit = promised(cast, stage)
    is_going, may_end = Event(), Event()

    def go() -> None:
        try:
            with tenant(cast.lender.pk):
                way(cast, stage, payment)
                is_going.set()
                assert may_end.wait(timeout=20)
        finally:
            connection.close()

    def advance() -> Any:
        try:
            assert is_going.wait(timeout=20)
            return fund(cast, stage, unit)
        except OverLimitError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        going, granting = pool.submit(go), pool.submit(advance)
        # It waits for the return to end, whose rows it could not see otherwise.
        with pytest.raises(TimeoutError):
            granting.result(timeout=1)
        may_end.set()
        going.result(timeout=60)
        assert isinstance(granting.result(timeout=60), OverLimitError)
    with tenant(cast.lender.pk):
        unit.refresh_from_db()
        assert unit.state == Unit.State.APPROVED


def test_money_that_settles_is_seen_once_by_every_reader(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payments = [
            pay(stage, cast.owner, uuid4(), amount(stage.second, "1500.00"), amount(stage.first, "1200.00"))
            for _number in range(4)
        ]
        free = line_availability(stage.line, as_of=stage.today).available
        assert ExpectedPrincipal.objects.count() >= 4
    done = Event()

    def settle() -> None:
        try:
            for payment in payments:
                with tenant(cast.lender.pk):
                    settle_payment(payment_id=payment.pk, now=timezone.now())
        finally:
            done.set()
            connection.close()

    def watch() -> set[Decimal]:
        seen = set()
        try:
            while not done.is_set():
                with tenant(cast.lender.pk):
                    seen.add(line_availability(stage.line, as_of=stage.today).available)
        finally:
            connection.close()
        return seen

    with ThreadPoolExecutor(3) as pool:
        watchers = [pool.submit(watch) for _place in range(2)]
        pool.submit(settle).result(timeout=60)
        assert [watcher.result(timeout=60) for watcher in watchers] == [{free}, {free}]
    with tenant(cast.lender.pk):
        assert ExpectedPrincipal.objects.count() == 0


def test_read_in_two_statements_the_same_money_is_seen_twice(cast: Cast, stage: Stage) -> None:
    payment = sent(cast, stage, "processing")

    def settle() -> None:
        try:
            with tenant(cast.lender.pk):
                settle_payment(payment_id=payment.pk, now=timezone.now())
        finally:
            connection.close()

    with tenant(cast.lender.pk):
        expected = ExpectedPrincipal.objects.aggregate(all=Sum("principal"))["all"]
        with ThreadPoolExecutor(1) as pool:
            pool.submit(settle).result(timeout=60)
        principal = AccountPosition.objects.aggregate(all=Sum("principal"))["all"]
        assert LIMIT - principal + expected == FREE + Decimal(12000)
        assert line_availability(stage.line, as_of=stage.today).available == FREE


def test_payments_that_move_all_at_once_leave_nothing_expected_behind(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payments = [pay(stage, cast.owner, uuid4(), amount(stage.second, "900.00")) for _number in range(6)]

    def move(place: int) -> None:
        try:
            now = timezone.now()
            with tenant(cast.lender.pk):
                accept_payment(payment_id=payments[place].pk, reference=f"B-{place}", now=now)
            with tenant(cast.lender.pk):
                if place % 2:
                    settle_payment(payment_id=payments[place].pk, now=now)
                else:
                    return_payment(payment_id=payments[place].pk, code="R01", now=now)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(move, range(6)))
    with tenant(cast.lender.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM finance_expectedprincipal")
        assert cursor.fetchone() == (0,)
        room_left = line_availability(stage.line, as_of=stage.today)
        owed = AccountPosition.objects.aggregate(all=Sum("principal"))["all"]
        assert room_left.available == LIMIT - owed
