"""Many at once: real threads, real connections, real commits."""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import OutgoingMessage, User
from accounts.tenancy import tenant
from finance.models import JournalEntry
from payments.actions.errors import PaymentRefusedError
from payments.actions.states import accept_payment, return_payment, settle_payment
from payments.actions.submit import submit_payment
from payments.models import GatewayEvent, Payment, PaymentShare, PaymentStep
from payments.tasks import process_gateway_event
from tests.at_once import at_once
from tests.cast import Cast, anonymous, make_cast, sign_in
from tests.conftest import owner_connection
from tests.payments.staging import Stage, due, make_stage, pay, payoff, position, post_event, shown
from tests.payments.test_webhooks import PATH, event

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def stage(cast: Cast) -> Stage:
    with tenant(cast.lender.pk):
        return make_stage(cast.lender, cast.dealership)


def ready_to_send(person: User, stage: Stage) -> tuple[list[Client], dict[str, str]]:
    """A check page, and twenty browsers of one person that are about to send it."""
    client = sign_in(person)
    answer = client.post(
        "/payments/new/",
        {
            "account": [str(stage.first.public_id), str(stage.second.public_id)],
            f"way_{stage.first.public_id.hex}": "due",
            f"way_{stage.second.public_id.hex}": "payoff",
            "method": str(stage.method.public_id),
        },
    )
    html = client.get(answer["Location"]).content.decode().partition('action="/payments/submit/"')[2]
    fields = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', html))
    return [sign_in(person) for _browser in range(20)], fields


def test_twenty_identical_submissions_at_once_are_one_payment_and_one_receipt(
    cast: Cast, stage: Stage
) -> None:
    browsers, fields = ready_to_send(cast.owner, stage)

    def send(place: int) -> tuple[int, str]:
        answer = browsers[place].post("/payments/submit/", fields)
        return answer.status_code, answer.get("Location", "")

    answers = at_once(20, send)
    assert len(set(answers)) == 1
    status, address = answers[0]
    assert status == 302
    with tenant(cast.lender.pk):
        payment = Payment.objects.get()
        assert address == f"/payments/{payment.public_id}/"
        assert PaymentShare.objects.count() == 2
        assert PaymentStep.objects.count() == 1
        assert OutgoingMessage.objects.filter(template="payment-receipt").count() == 1


@pytest.fixture
def without_the_walls_of_one_intent(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The unique token gone from the database, and nobody waits for anybody."""
    monkeypatch.setattr("payments.actions.submit.lock_payments_of", lambda dealership_id: None)
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_payment DROP CONSTRAINT payments_payment_token")
    owner.close()
    yield
    connection.close()
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("TRUNCATE payments_payment CASCADE")
        cursor.execute(
            "ALTER TABLE payments_payment ADD CONSTRAINT payments_payment_token UNIQUE (lender_id, token)"
        )
    owner.close()


@pytest.mark.usefixtures("without_the_walls_of_one_intent")
def test_control_without_lock_and_unique_token_one_intent_becomes_many(cast: Cast, stage: Stage) -> None:
    """Shows that the test above can fail: the same twenty submissions, with the walls taken down."""
    browsers, fields = ready_to_send(cast.owner, stage)
    at_once(20, lambda place: browsers[place].post("/payments/submit/", fields).status_code)
    with tenant(cast.lender.pk):
        assert Payment.objects.count() > 1


def test_two_people_who_pay_off_the_same_unit_at_once_pay_it_once(cast: Cast, stage: Stage) -> None:
    now = timezone.now()
    with tenant(cast.lender.pk):
        amounts, value_date = shown(stage, [payoff(stage.second)], now)
    people = [cast.owner, cast.payer] * 4

    def send(place: int) -> str:
        try:
            with tenant(cast.lender.pk, dealerships=[cast.dealership.pk], user_id=people[place].pk):
                submit_payment(
                    token=uuid4(),
                    dealership=stage.dealership,
                    method=stage.method,
                    choices=[payoff(stage.second)],
                    shown_amounts=amounts,
                    shown_value_date=value_date,
                    actor=people[place],
                    now=now,
                )
        except PaymentRefusedError as refusal:
            return refusal.code
        return "sent"

    answers = at_once(8, send)
    assert sorted(answers) == ["on_its_way"] * 7 + ["sent"]
    with tenant(cast.lender.pk):
        assert Payment.objects.count() == 1


def test_one_token_with_different_amounts_at_once_takes_one_of_them(cast: Cast, stage: Stage) -> None:
    now = timezone.now()
    token = uuid4()
    with tenant(cast.lender.pk):
        by_choice: list[tuple[Any, dict[UUID, Decimal], Any]] = [
            (choice, *shown(stage, [choice], now)) for choice in (due(stage.first), payoff(stage.second))
        ]

    def send(place: int) -> str:
        choice, amounts, value_date = by_choice[place % 2]
        try:
            with tenant(cast.lender.pk, dealerships=[cast.dealership.pk], user_id=cast.owner.pk):
                payment = submit_payment(
                    token=token,
                    dealership=stage.dealership,
                    method=stage.method,
                    choices=[choice],
                    shown_amounts=amounts,
                    shown_value_date=value_date,
                    actor=cast.owner,
                    now=now,
                )
        except PaymentRefusedError as refusal:
            return refusal.code
        return payment.number

    answers = at_once(10, send)
    assert answers.count("token_used") == 5
    assert len(set(answers)) == 2
    with tenant(cast.lender.pk):
        assert Payment.objects.count() == 1


def test_settling_while_others_pay_the_same_leaves_it_paid_once(cast: Cast, stage: Stage) -> None:
    """A payment moves from "on its way" to "booked" while seven others ask what is owed."""
    now = timezone.now()
    with tenant(cast.lender.pk):
        first = pay(stage, cast.owner, uuid4(), payoff(stage.second), now=now)
        accept_payment(payment_id=first.pk, reference="X", now=now)
        amounts = {stage.second.public_id: first.amount}

    def act(place: int) -> str:
        if place == 0:
            with tenant(cast.lender.pk):
                return str(settle_payment(payment_id=first.pk, now=now).state)
        try:
            with tenant(cast.lender.pk, dealerships=[cast.dealership.pk], user_id=cast.payer.pk):
                submit_payment(
                    token=uuid4(),
                    dealership=stage.dealership,
                    method=stage.method,
                    choices=[payoff(stage.second)],
                    shown_amounts=amounts,
                    shown_value_date=first.value_date,
                    actor=cast.payer,
                    now=now,
                )
        except PaymentRefusedError as refusal:
            return refusal.code
        return "sent"

    answers = at_once(8, act)
    assert answers[0] == "settled"
    assert set(answers[1:]) <= {"on_its_way", "nothing_owed"}
    with tenant(cast.lender.pk):
        assert Payment.objects.count() == 1
        assert position(stage.second).credit == 0


def test_settling_and_returning_at_once_from_many_sides_post_once_each(cast: Cast, stage: Stage) -> None:
    now = timezone.now()
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), payoff(stage.second))
        accept_payment(payment_id=payment.pk, reference="X", now=now)

    def settle(_place: int) -> str:
        with tenant(cast.lender.pk):
            return str(settle_payment(payment_id=payment.pk, now=now).state)

    assert set(at_once(8, settle)) == {"settled"}

    def send_back(_place: int) -> str:
        with tenant(cast.lender.pk):
            return str(return_payment(payment_id=payment.pk, code="R01", now=now).state)

    assert set(at_once(8, send_back)) == {"returned"}
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 1
        assert JournalEntry.objects.filter(source="reversal").count() == 1
        assert JournalEntry.objects.filter(source="fee", key__startswith="return").count() == 1
        assert position(stage.second).principal == Decimal("12000.00")


def test_the_same_message_twenty_times_at_once_is_kept_and_carried_out_once(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        payment = pay(stage, cast.owner, uuid4(), due(stage.first))
    body = event(payment, "settled")
    clients = [anonymous(cast.lender) for _bank in range(20)]
    assert set(at_once(20, lambda place: post_event(clients[place], PATH, body))) == {202}
    with tenant(cast.lender.pk):
        stored = GatewayEvent.objects.get()
    assert set(at_once(8, lambda _place: process_gateway_event(cast.lender.pk, stored.pk))) == {""}
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 1
        assert [step.state for step in PaymentStep.objects.all()] == ["submitted", "processing", "settled"]
