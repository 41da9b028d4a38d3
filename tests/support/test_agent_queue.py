"""Agents see what is due first, take it, answer, note, move on."""

import uuid
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import Error, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, OutgoingMessage, User
from accounts.tenancy import tenant
from support.actions.tickets import (
    answer_as_agent,
    answer_as_dealer,
    assign_ticket,
    change_state,
    note_internally,
)
from support.models import Attachment, Ticket, TicketMessage
from tests.cast import anonymous, make_person
from tests.support.staging import SECRET, a_file, a_note, a_ticket, an_answer, an_upload, as_dealer

QUEUE = "/support/queue/"


def page_of(ticket: Ticket) -> str:
    return reverse("support:queue-ticket", args=[ticket.public_id])


def answering(**changes):
    return {
        "act": "answer",
        "answer-token": str(uuid.uuid4()),
        "answer-message": "It is due on Friday.",
        "answer-then": "waiting",
        **changes,
    }


def noting(**changes):
    return {"act": "note", "note-token": str(uuid.uuid4()), "note-message": SECRET, **changes}


def snapshot(cast):
    with tenant(cast.lender.pk):
        return (
            list(Ticket.objects.order_by("pk").values()),
            TicketMessage.objects.count(),
            AuditEntry.objects.count(),
            OutgoingMessage.objects.count(),
        )


@pytest.mark.parametrize("page", ["queue", "queue-ticket", "queue-assign", "queue-state"])
def test_only_agents_find_the_queue(cast, client_of, page) -> None:
    ticket = a_ticket(cast)
    path = QUEUE if page == "queue" else reverse(f"support:{page}", args=[ticket.public_id])
    before = snapshot(cast)
    for person in (
        cast.owner,
        cast.payer,
        cast.viewer,
        cast.stranger,
        cast.finance,
        cast.other_owner,
        cast.other_finance,
    ):
        if page in {"queue", "queue-ticket"}:
            assert client_of(person).get(path).status_code == 404, person
        for body in (answering(), noting(), {"state": "solved"}, {"agent": cast.support.username}):
            assert client_of(person).post(path, body).status_code in {404, 405}, person
    visitor = anonymous(cast.lender).get(path)
    assert visitor.status_code in {302, 405}
    assert snapshot(cast) == before


def test_an_agent_of_another_lender_finds_nothing(cast, client_of) -> None:
    ticket = a_ticket(cast, subject="Private matter")
    with tenant(cast.other_lender.pk):
        foreign = make_person("ugo", kind=User.Kind.SUPPORT)
    client = client_of(foreign)
    assert "Private matter" not in client.get(QUEUE, {"state": "all"}).content.decode()
    assert "Private matter" not in client.get(QUEUE, {"state": "all", "q": "T-100001"}).content.decode()
    before = snapshot(cast)
    assert client.get(page_of(ticket)).status_code == 404
    assert client.post(page_of(ticket), answering()).status_code == 404
    assert client.post(page_of(ticket), noting()).status_code == 404
    assert snapshot(cast) == before


def test_what_is_due_first_stands_first_and_lateness_is_said(cast, client_of) -> None:
    now = timezone.now()
    for subject, days in (("Second", 0), ("Third", -3), ("First", 9)):
        a_ticket(cast, subject=subject, now=now - timedelta(days=days))
    answer = client_of(cast.support).get(QUEUE)
    assert [ticket.subject for ticket, *_rest in answer.context["rows"]] == ["First", "Second", "Third"]
    assert [late for *_rest, late in answer.context["rows"]] == [True, False, False]
    assert "late:" in answer.content.decode()


def test_the_filters_of_the_queue(cast, client_of) -> None:
    new, waiting, solved = (a_ticket(cast, subject=subject) for subject in ("New", "Waiting", "Done"))
    an_answer(cast, waiting)
    an_answer(cast, solved, then="solved")
    client = client_of(cast.support)
    expected = {
        "": {"New"},
        "mine": {"Waiting"},
        "free": {"New"},
        "waiting": {"Waiting"},
        "solved": {"Done"},
        "all": {"New", "Waiting", "Done"},
    }
    for state, subjects in expected.items():
        answer = client.get(QUEUE, {"state": state})
        assert {ticket.subject for ticket, *_rest in answer.context["rows"]} == subjects
        chip = next(chip for chip in answer.context["chips"] if chip["current"])
        assert chip["count"] == len(subjects)
    found = client.get(QUEUE, {"state": "all", "q": "alder"}).context["rows"]
    assert len(found) == 3
    assert not client.get(QUEUE, {"state": "all", "q": "birch"}).context["rows"]
    assert new.number == "T-100001"


@pytest.mark.parametrize(
    "query", [{"page": "x"}, {"state": "\x00"}, {"q": "\x00"}, {"q": "%"}, {"page": "-5"}]
)
def test_odd_addresses_give_a_queue_and_no_crash(cast, client_of, query) -> None:
    assert client_of(cast.support).get(QUEUE, query).status_code == 200


def test_taking_a_ticket_names_the_agent_to_the_dealer(cast, client_of) -> None:
    ticket = a_ticket(cast)
    url = reverse("support:queue-assign", args=[ticket.public_id])
    for _click in range(2):
        assert client_of(cast.support).post(url).status_code == 302
    with tenant(cast.lender.pk):
        ticket.refresh_from_db()
        assert (ticket.agent, ticket.agent_name, ticket.state) == (cast.support, "Ursula", Ticket.State.OPEN)
        assert AuditEntry.objects.filter(code="ticket.assigned").count() == 1
    page = (
        client_of(cast.owner).get(reverse("support:ticket-detail", args=[ticket.public_id])).content.decode()
    )
    assert "Ursula took the ticket" in page


def test_a_ticket_is_given_to_agents_only(cast, client_of) -> None:
    ticket = a_ticket(cast)
    with tenant(cast.lender.pk):
        uma = make_person("uma", kind=User.Kind.SUPPORT)
        gone = make_person("gone", kind=User.Kind.SUPPORT)
        User.objects.filter(pk=gone.pk).update(is_active=False)
    url = reverse("support:queue-assign", args=[ticket.public_id])
    before = snapshot(cast)
    for name in ("owen", "fiona", "gone", "nobody", "\x00"):
        assert client_of(cast.support).post(url, {"agent": name}).status_code == 404, name
    assert snapshot(cast) == before
    assert client_of(cast.support).post(url, {"agent": "uma"}).status_code == 302
    with tenant(cast.lender.pk):
        ticket.refresh_from_db()
        assert ticket.agent == uma


def test_the_state_changes_without_a_word_to_the_dealer(cast, client_of) -> None:
    ticket = a_ticket(cast)
    url = reverse("support:queue-state", args=[ticket.public_id])
    client = client_of(cast.support)
    with tenant(cast.lender.pk):
        mails = OutgoingMessage.objects.count()
    for state in ("solved", "open", "waiting", "open"):
        assert client.post(url, {"state": state}).status_code == 302
        with tenant(cast.lender.pk):
            ticket.refresh_from_db()
            assert ticket.state == state
    with tenant(cast.lender.pk):
        assert OutgoingMessage.objects.count() == mails
    before = snapshot(cast)
    for state in ("new", "", "burnt", "\x00"):
        assert client.post(url, {"state": state}).status_code == 302
    assert snapshot(cast) == before


def test_an_answer_takes_the_ticket_and_moves_it(cast, client_of) -> None:
    ticket = a_ticket(cast)
    form = answering(**{"answer-then": "solved"})
    for _click in range(2):
        assert client_of(cast.support).post(page_of(ticket), form).status_code == 302
    with tenant(cast.lender.pk):
        ticket.refresh_from_db()
        assert (ticket.state, ticket.agent_name) == (Ticket.State.SOLVED, "Ursula")
        assert TicketMessage.objects.filter(from_staff=True).count() == 1
        assert OutgoingMessage.objects.filter(template="ticket-answered").count() == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"answer-message": ""}, "Write your answer."),
        ({"answer-then": "new"}, "Choose one of the states."),
        ({"answer-token": "x"}, "This page was not complete."),
        ({"answer-attachments": "html"}, "cannot be attached"),
    ],
)
def test_an_incomplete_answer_changes_nothing(cast, client_of, changes, said) -> None:
    ticket = a_ticket(cast)
    before = snapshot(cast)
    form = answering(**changes)
    if "answer-attachments" in form:
        form["answer-attachments"] = an_upload("evil.html", b"<html>", "text/html")
    answer = client_of(cast.support).post(page_of(ticket), form)
    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert snapshot(cast) == before


# --- internal notes --------------------------------------------------------------------------------------------------


def test_an_internal_note_is_for_agents_only(cast, client_of) -> None:
    ticket = a_ticket(cast)
    answer = client_of(cast.support).post(
        page_of(ticket), {**noting(), "note-attachments": an_upload("evidence.png")}
    )
    assert answer.status_code == 302
    page = client_of(cast.support).get(page_of(ticket)).content.decode()
    assert SECRET in page
    assert "Internal note. The dealer does not see this." in page
    for person in (cast.owner, cast.viewer):
        client = client_of(person)
        page = client.get(reverse("support:ticket-detail", args=[ticket.public_id])).content.decode()
        assert SECRET not in page
        assert "evidence" not in page
        listing = client.get(reverse("support:ticket-list"), {"q": SECRET}).content.decode()
        assert "No ticket matches" in listing


def test_a_note_changes_nothing_that_a_dealer_sees(cast, client_of) -> None:
    ticket = a_ticket(cast)
    with as_dealer(cast.owner, cast.dealership):
        before = list(Ticket.objects.values()), AuditEntry.objects.count(), OutgoingMessage.objects.count()
    a_note(cast, ticket)
    with as_dealer(cast.owner, cast.dealership):
        after = list(Ticket.objects.values()), AuditEntry.objects.count(), OutgoingMessage.objects.count()
    assert after == before


def test_the_database_hides_notes_and_their_files_from_dealers(cast) -> None:
    ticket = a_ticket(cast, files=(a_file(),))
    a_note(cast, ticket, files=(a_file("evidence.png"),))
    with tenant(cast.lender.pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM support_ticketmessage WHERE is_internal")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(*) FROM support_attachment")
        assert cursor.fetchone() == (2,)
    with as_dealer(cast.owner, cast.dealership), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), count(*) FILTER (WHERE is_internal) FROM support_ticketmessage")
        assert cursor.fetchone() == (1, 0)
        cursor.execute("SELECT name FROM support_attachment")
        assert cursor.fetchall() == [("screen.png",)]
        cursor.execute("SELECT code FROM accounts_auditentry WHERE code LIKE 'ticket.%%'")
        assert ("ticket.noted",) not in cursor.fetchall()


def test_the_database_lets_no_dealer_touch_what_agents_wrote(cast) -> None:
    ticket = a_ticket(cast)
    an_answer(cast, ticket)
    a_note(cast, ticket)
    announcement = (
        "INSERT INTO support_announcement (lender_id, public_id, title, body, shown_from, shown_until) "
        f"VALUES ({cast.lender.pk}, gen_random_uuid(), 'x', 'x', now(), now())"
    )
    for sql in (
        "UPDATE support_ticketmessage SET body = 'changed'",
        "DELETE FROM support_ticketmessage",
        "SELECT * FROM support_identitycheck",
        "UPDATE support_attachment SET scan = 'clean'",
        "UPDATE support_supportrule SET answer_hours = 80",
        announcement,
        f"UPDATE support_ticket SET dealership_id = {cast.stranger_dealership.pk}",
    ):
        with as_dealer(cast.owner, cast.dealership), pytest.raises(Error), transaction.atomic():
            connection.cursor().execute(sql)
    with as_dealer(cast.stranger, cast.stranger_dealership), connection.cursor() as cursor:
        for table in ("support_ticket", "support_ticketmessage", "support_attachment"):
            cursor.execute(f"SELECT count(*) FROM {table}")
            assert cursor.fetchone() == (0,)


def test_nobody_but_the_right_kind_of_person_acts(cast) -> None:
    ticket = a_ticket(cast)
    before = snapshot(cast)
    common = {
        "ticket": ticket,
        "lender": cast.lender,
        "token": uuid.uuid4(),
        "body": "x",
        "now": timezone.now(),
    }
    with tenant(cast.lender.pk):
        for person in (cast.owner, cast.finance):
            with pytest.raises(PermissionDenied):
                answer_as_agent(actor=person, **common)
            with pytest.raises(PermissionDenied):
                note_internally(actor=person, ticket=ticket, token=uuid.uuid4(), body="x")
            with pytest.raises(PermissionDenied):
                assign_ticket(actor=person, ticket=ticket, agent=cast.support)
            with pytest.raises(PermissionDenied):
                assign_ticket(actor=cast.support, ticket=ticket, agent=person)
            with pytest.raises(PermissionDenied):
                change_state(
                    actor=person, ticket=ticket, to="waiting", lender=cast.lender, now=timezone.now()
                )
        for person in (cast.support, cast.finance):
            with pytest.raises(PermissionDenied):
                answer_as_dealer(actor=person, **common)
    assert snapshot(cast) == before


def test_the_queue_and_a_ticket_cost_the_same_however_long(cast, client_of) -> None:
    client = client_of(cast.support)
    ticket = a_ticket(cast)
    an_answer(cast, ticket, then="open")

    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    cost(QUEUE)
    few = cost(QUEUE), cost(page_of(ticket))
    for n in range(10):
        a_ticket(cast, subject=f"Question {n}")
        an_answer(cast, ticket, then="open", body=f"{n}")
        a_note(cast, ticket, files=(a_file(),))
    assert (cost(QUEUE), cost(page_of(ticket))) == few
    assert Attachment._meta.db_table == "support_attachment"
