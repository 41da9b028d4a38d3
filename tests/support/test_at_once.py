"""Double clicks and guesses that really happen at the same moment, committed."""

import uuid
from collections.abc import Callable
from time import sleep

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import AuditEntry, OutgoingMessage, SignInAttempt
from accounts.tenancy import tenant
from support.actions.identity import Judgement, RefusedError, judge_identity_code, send_identity_code
from support.actions.unlock import unlock_person
from support.models import Attachment, IdentityCheck, Ticket, TicketMessage
from tests.at_once import at_once
from tests.cast import Cast, sign_in
from tests.support.staging import a_ticket, an_upload, lock

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

TIMES = 8


def test_a_form_sent_eight_times_at_once_opens_one_ticket(cast: Cast) -> None:
    token = str(uuid.uuid4())
    browsers = [sign_in(cast.owner) for _n in range(TIMES)]

    def click(number: int) -> str:
        form = {"token": token, "topic": "other", "subject": "Once", "message": "Please once."}
        answer = browsers[number].post("/support/tickets/new/", {**form, "attachments": an_upload()})
        return answer["Location"]

    assert len(set(at_once(TIMES, click))) == 1
    with tenant(cast.lender.pk):
        assert [ticket.number for ticket in Ticket.objects.all()] == ["T-100001"]
        assert TicketMessage.objects.count() == 1
        assert Attachment.objects.count() == 1
        assert OutgoingMessage.objects.filter(template="ticket-opened").count() == 1
    # The counter was rolled back with the seven: the next number follows.
    assert a_ticket(cast).number == "T-100002"


def test_eight_pages_open_eight_tickets(cast: Cast) -> None:
    browsers = [sign_in(cast.owner) for _n in range(TIMES)]

    def click(number: int) -> str:
        form = {"token": str(uuid.uuid4()), "topic": "other", "subject": "Once", "message": "Please once."}
        return browsers[number].post("/support/tickets/new/", form)["Location"]

    assert len(set(at_once(TIMES, click))) == TIMES
    with tenant(cast.lender.pk):
        assert sorted(Ticket.objects.values_list("number", flat=True)) == [
            f"T-{100001 + number}" for number in range(TIMES)
        ]


def test_an_answer_sent_eight_times_at_once_stands_once(cast: Cast) -> None:
    ticket = a_ticket(cast)
    token = str(uuid.uuid4())
    browsers = [sign_in(cast.owner) for _n in range(TIMES)]

    def click(number: int) -> int:
        form = {"token": token, "message": "Once more."}
        return browsers[number].post(f"/support/tickets/{ticket.public_id}/", form).status_code

    assert at_once(TIMES, click) == [302] * TIMES
    with tenant(cast.lender.pk):
        assert TicketMessage.objects.filter(body="Once more.").count() == 1
        assert OutgoingMessage.objects.filter(template="ticket-answered").count() == 1


def guess(cast: Cast) -> Callable[[int], Judgement]:
    def one(number: int) -> Judgement:
        with tenant(cast.lender.pk):
            return judge_identity_code(
                person=cast.payer, agent=cast.support, typed=f"guess {number}", now=timezone.now()
            )

    return one


def test_eight_guesses_at_once_get_three_tries(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
    verdicts = at_once(TIMES, guess(cast))
    assert sorted(verdicts) == sorted(
        [Judgement.WRONG, Judgement.WRONG, Judgement.FAILED] + [Judgement.NONE_OPEN] * (TIMES - 3)
    )
    with tenant(cast.lender.pk):
        assert IdentityCheck.objects.get().tries == 3


def test_without_the_lock_eight_guesses_would_get_more(cast: Cast, monkeypatch) -> None:
    """The control: the race is real, and the row lock is what closes it."""

    def unlocked(rows: QuerySet, *_arguments: object, **_options: object) -> QuerySet:
        sleep(0.05)
        return rows.all()

    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
    looked_at = [verdict for verdict in at_once(TIMES, guess(cast)) if verdict != Judgement.NONE_OPEN]
    assert len(looked_at) > 3


def test_one_check_unlocks_once_however_often_it_is_clicked(cast: Cast) -> None:
    lock(cast.payer)
    with tenant(cast.lender.pk):
        send_identity_code(person=cast.payer, agent=cast.support, now=timezone.now())
        code = OutgoingMessage.objects.get(template="identity-code").context["code"]
        judge_identity_code(person=cast.payer, agent=cast.support, typed=code, now=timezone.now())

    def click(_number: int) -> bool:
        try:
            with tenant(cast.lender.pk):
                unlock_person(
                    person=cast.payer,
                    agent=cast.support,
                    reason="Mistyped",
                    lender=cast.lender,
                    now=timezone.now(),
                )
        except RefusedError:
            return False
        return True

    assert sorted(at_once(TIMES, click)) == [False] * (TIMES - 1) + [True]
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.filter(code="person.unlocked").count() == 1
        assert SignInAttempt.objects.filter(outcome="unlocked").count() == 1
        # The person, and the owner of the dealership.
        assert OutgoingMessage.objects.filter(template="unlock-done").count() == 2
