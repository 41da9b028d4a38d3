"""A dealer asks, sees the answer, answers, and closes."""

import uuid
from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, Membership, OutgoingMessage
from accounts.tenancy import tenant
from support.models import Announcement, Attachment, SupportRule, Ticket, TicketMessage
from tests.cast import anonymous
from tests.support.staging import a_ticket, an_answer, an_upload

NEW = "/support/tickets/new/"
LIST = "/support/tickets/"


def typed(**changes):
    return {
        "token": str(uuid.uuid4()),
        "topic": "payment",
        "subject": "Returned payment",
        "message": "Why was it returned?",
        **changes,
    }


def detail(ticket: Ticket) -> str:
    return reverse("support:ticket-detail", args=[ticket.public_id])


def counts(cast) -> tuple[int, int, int]:
    with tenant(cast.lender.pk):
        return Ticket.objects.count(), TicketMessage.objects.count(), OutgoingMessage.objects.count()


def test_a_dealer_opens_a_ticket_and_reads_its_number(cast, client_of) -> None:
    client = client_of(cast.owner)
    answer = client.post(NEW, {**typed(), "attachments": [an_upload()]})
    with tenant(cast.lender.pk):
        ticket = Ticket.objects.get()
        assert ticket.number == "T-100001"
        assert ticket.state == Ticket.State.NEW
        assert ticket.opened_by_name == "Owen"
        message = TicketMessage.objects.get()
        assert (message.body, message.from_staff, message.is_internal) == (
            "Why was it returned?",
            False,
            False,
        )
        assert Attachment.objects.get().message == message
        assert AuditEntry.objects.filter(code="ticket.opened", actor=cast.owner).count() == 1
    assert answer.status_code == 302
    assert answer["Location"] == reverse("support:ticket-opened", args=[ticket.public_id])
    page = client.get(answer["Location"]).content.decode()
    assert "Ticket T-100001 is open" in page


def test_the_lender_gets_one_mail_without_the_message(cast, client_of) -> None:
    form = typed()
    for _click in range(2):
        client_of(cast.owner).post(NEW, form)
    with tenant(cast.lender.pk):
        mail = OutgoingMessage.objects.get(template="ticket-opened")
        assert mail.recipient == cast.lender.support_email
        assert "Why was it returned?" not in str(mail.context)
        assert mail.context["number"] == "T-100001"


def test_the_same_page_sent_twice_opens_one_ticket_with_the_same_number(cast, client_of) -> None:
    form = typed()
    first, second = (client_of(cast.owner).post(NEW, form) for _click in range(2))
    assert first["Location"] == second["Location"]
    assert counts(cast)[:2] == (1, 1)


def test_other_words_on_a_used_page_are_kept_and_need_a_second_click(cast, client_of) -> None:
    client = client_of(cast.owner)
    form = typed()
    client.post(NEW, form)
    answer = client.post(NEW, {**form, "message": "Another question."})
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "already sent a message" in page
    assert "Another question." in page
    assert form["token"] not in page
    assert counts(cast)[:2] == (1, 1)


def test_another_persons_token_opens_nothing(cast, client_of) -> None:
    form = typed()
    client_of(cast.owner).post(NEW, form)
    for person in (cast.payer, cast.stranger):
        answer = client_of(person).post(NEW, form)
        assert answer.status_code == 200
        assert "already sent a message" in answer.content.decode()
    assert counts(cast)[:2] == (1, 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"topic": ""}, "Choose what it is about."),
        ({"topic": "bribe"}, "Choose what it is about."),
        ({"subject": ""}, "Say in a few words what it is about."),
        ({"subject": "x" * 141}, "at most 140 characters"),
        ({"message": "  "}, "Write your question."),
        ({"message": "x" * 5001}, "Attach a long text as a file."),
        ({"message": "a\x00b"}, "Null characters are not allowed."),
        ({"token": "no-token"}, "This page was not complete."),
        ({"token": ""}, "This page was not complete."),
        ({"about": "T-9 9999"}, "Nothing of Alder Motors has the number"),
        ({"about": "x" * 41}, "at most 40 characters"),
    ],
)
def test_what_is_missing_is_said_and_what_was_typed_is_kept(cast, client_of, changes, said) -> None:
    answer = client_of(cast.owner).post(NEW, typed(**{"message": "Kept words", **changes}))
    page = answer.content.decode()
    assert answer.status_code == 200
    assert said in page
    assert "There is a problem" in page
    assert "<title>Error:" in page
    if "message" not in changes:
        assert "Kept words" in page
    assert counts(cast) == (0, 0, 0)


def test_a_page_with_a_broken_token_works_at_the_second_try(cast, client_of) -> None:
    client = client_of(cast.owner)
    answer = client.post(NEW, typed(token="broken"))
    token = answer.context["form"]["token"].value()
    assert client.post(NEW, typed(token=token)).status_code == 302


def test_more_than_three_files_are_refused(cast, client_of) -> None:
    form = {**typed(), "attachments": [an_upload(f"{n}.png") for n in range(4)]}
    assert "up to 3 files" in client_of(cast.owner).post(NEW, form).content.decode()
    assert counts(cast) == (0, 0, 0)


# --- who sees it -----------------------------------------------------------------------------------------------------


def test_everybody_meets_every_page_of_a_ticket(cast, client_of) -> None:
    ticket = a_ticket(cast)
    paths = {
        LIST: {"colleague": 200, "stranger": 200, "finance": 404, "support": 302},
        NEW: {"colleague": 200, "stranger": 200, "finance": 404, "support": 404},
        detail(ticket): {"colleague": 200, "stranger": 404, "finance": 404, "support": 302},
        reverse("support:ticket-opened", args=[ticket.public_id]): {
            "colleague": 200,
            "stranger": 404,
            "finance": 404,
            "support": 200,
        },
        reverse("support:announcement-list"): {
            "colleague": 200,
            "stranger": 200,
            "finance": 404,
            "support": 200,
        },
    }
    for path, statuses in paths.items():
        for person in (cast.owner, cast.payer, cast.viewer):
            assert client_of(person).get(path).status_code == statuses["colleague"], (path, person)
        assert client_of(cast.stranger).get(path).status_code == statuses["stranger"], path
        assert client_of(cast.finance).get(path).status_code == statuses["finance"], path
        assert client_of(cast.support).get(path).status_code == statuses["support"], path
        visitor = anonymous(cast.lender).get(path)
        assert visitor.status_code == 302
        assert reverse("account_login") in visitor["Location"]
    for path in (detail(ticket), reverse("support:ticket-opened", args=[ticket.public_id])):
        assert client_of(cast.other_owner).get(path).status_code == 404
        assert client_of(cast.owner).get(path).status_code == 200


def test_a_strangers_list_holds_nothing_of_the_neighbour(cast, client_of) -> None:
    a_ticket(cast, subject="Private matter")
    for person in (cast.stranger, cast.other_owner):
        page = client_of(person).get(LIST).content.decode()
        assert "Private matter" not in page
        assert "No tickets yet" in page
        assert "Private matter" not in client_of(person).get(LIST, {"q": "T-100001"}).content.decode()
    assert "Private matter" in client_of(cast.viewer).get(LIST).content.decode()


@pytest.mark.parametrize("path", ["ticket-detail", "ticket-solved"])
def test_nobody_else_writes_into_a_ticket(cast, client_of, path) -> None:
    ticket = a_ticket(cast)
    before = counts(cast)
    url = reverse(f"support:{path}", args=[ticket.public_id])
    for person, status in ((cast.stranger, 404), (cast.finance, 404), (cast.other_owner, 404)):
        assert (
            client_of(person).post(url, {"token": str(uuid.uuid4()), "message": "Hello"}).status_code
            == status
        )
    assert anonymous(cast.lender).post(url, {"message": "Hello"}).status_code == 302
    assert counts(cast) == before
    with tenant(cast.lender.pk):
        assert Ticket.objects.get().state == Ticket.State.NEW


def test_a_person_of_two_dealerships_opens_the_ticket_of_the_other_one(cast, client_of) -> None:
    ticket = a_ticket(cast)
    with tenant(cast.lender.pk):
        Membership.objects.create(user=cast.stranger, dealership=cast.dealership, role="viewer")
    client = client_of(cast.stranger)
    assert client.get(detail(ticket)).status_code == 200
    answer = {"token": str(uuid.uuid4()), "message": "From the other rooftop."}
    assert client.post(detail(ticket), answer).status_code == 302
    with tenant(cast.lender.pk):
        assert TicketMessage.objects.get(author=cast.stranger).dealership == cast.dealership


@pytest.mark.parametrize("key", [uuid.UUID(int=0), "not-a-key", "1", "../../etc/passwd"])
def test_a_made_up_ticket_is_not_found(cast, client_of, key) -> None:
    assert client_of(cast.owner).get(f"/support/tickets/{key}/").status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"page": "x"},
        {"page": "-1"},
        {"page": "999999999999999999999999"},
        {"state": "'; DROP TABLE"},
        {"q": "a\x00b"},
        {"q": "%_\\"},
        {"q": "x" * 5000},
        {"sort": "lender__name"},
        {"state": "waiting", "q": "T-1"},
    ],
)
def test_odd_addresses_give_a_list_and_no_crash(cast, client_of, query) -> None:
    a_ticket(cast)
    assert client_of(cast.owner).get(LIST, query).status_code == 200


# --- the life of a ticket --------------------------------------------------------------------------------------------


def test_the_dealer_reads_the_agents_name_and_the_answer(cast, client_of) -> None:
    ticket = a_ticket(cast)
    an_answer(cast, ticket, body="It is due on Friday.")
    page = client_of(cast.viewer).get(detail(ticket)).content.decode()
    assert "It is due on Friday." in page
    assert "Ursula" in page
    assert "Waiting for you" in page
    assert "Ursula took the ticket" in page


def test_an_answer_is_mailed_once_to_those_who_wrote(cast, client_of) -> None:
    ticket = a_ticket(cast)
    client_of(cast.payer).post(detail(ticket), {"token": str(uuid.uuid4()), "message": "Me, too."})
    an_answer(cast, ticket)
    with tenant(cast.lender.pk):
        mails = OutgoingMessage.objects.filter(template="ticket-answered", context__for_agent=False)
        assert sorted(mail.recipient for mail in mails) == ["owen@people.example", "paula@people.example"]
        assert "$12,340.00" not in str([mail.context for mail in mails])


def test_a_leaver_gets_no_mail(cast) -> None:
    ticket = a_ticket(cast)
    with tenant(cast.lender.pk):
        Membership.objects.filter(user=cast.owner).update(expires_on=date(2020, 1, 1))
    an_answer(cast, ticket)
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(template="ticket-answered").exists()


@pytest.mark.parametrize("state", [Ticket.State.WAITING, Ticket.State.SOLVED])
def test_a_dealers_answer_puts_a_waiting_or_solved_ticket_back_into_work(cast, client_of, state) -> None:
    ticket = a_ticket(cast)
    an_answer(cast, ticket, then=state)
    with tenant(cast.lender.pk):
        Ticket.objects.filter(pk=ticket.pk).update(answer_due_at=timezone.now() - timedelta(days=9))
    form = {"token": str(uuid.uuid4()), "message": "Still open."}
    assert client_of(cast.owner).post(detail(ticket), form).status_code == 302
    with tenant(cast.lender.pk):
        ticket.refresh_from_db()
        assert (ticket.state, ticket.agent) == (Ticket.State.OPEN, cast.support)
        assert ticket.answer_due_at > timezone.now()
        mail = OutgoingMessage.objects.get(template="ticket-answered", context__for_agent=True)
        assert mail.recipient == cast.lender.support_email
    page = client_of(cast.owner).get(detail(ticket)).content.decode()
    assert ("Owen opened the ticket again" in page) == (state == Ticket.State.SOLVED)


def test_a_second_message_does_not_move_the_deadline(cast, client_of) -> None:
    ticket = a_ticket(cast, now=timezone.now() - timedelta(days=3))
    client_of(cast.owner).post(detail(ticket), {"token": str(uuid.uuid4()), "message": "Hello?"})
    with tenant(cast.lender.pk):
        after = Ticket.objects.get()
    assert (after.answer_due_at, after.state) == (ticket.answer_due_at, Ticket.State.NEW)
    assert "Our answer is late" in client_of(cast.owner).get(detail(ticket)).content.decode()


def test_the_same_answer_twice_stands_once_and_mails_once(cast, client_of) -> None:
    ticket = a_ticket(cast)
    form = {"token": str(uuid.uuid4()), "message": "Once."}
    for _click in range(3):
        assert client_of(cast.owner).post(detail(ticket), form).status_code == 302
    with tenant(cast.lender.pk):
        assert TicketMessage.objects.filter(body="Once.").count() == 1
        assert OutgoingMessage.objects.filter(template="ticket-answered").count() == 1


def test_a_token_of_one_ticket_does_not_pass_for_another(cast, client_of) -> None:
    first, second = a_ticket(cast), a_ticket(cast)
    form = {"token": str(uuid.uuid4()), "message": "Same words."}
    client_of(cast.owner).post(detail(first), form)
    answer = client_of(cast.owner).post(detail(second), form)
    assert "already sent a message" in answer.content.decode()
    with tenant(cast.lender.pk):
        assert TicketMessage.objects.filter(ticket=second).count() == 1


def test_the_dealer_marks_it_solved_once(cast, client_of) -> None:
    ticket = a_ticket(cast)
    url = reverse("support:ticket-solved", args=[ticket.public_id])
    for _click in range(2):
        assert client_of(cast.viewer).post(url).status_code == 302
    with tenant(cast.lender.pk):
        assert Ticket.objects.get().state == Ticket.State.SOLVED
        assert AuditEntry.objects.filter(code="ticket.state_changed").count() == 1
    assert client_of(cast.owner).get(url).status_code == 405


def test_the_filters_count_what_they_show(cast, client_of) -> None:
    tickets = [a_ticket(cast, subject=f"Question {n}") for n in range(4)]
    an_answer(cast, tickets[0])
    an_answer(cast, tickets[1], then="solved")
    client = client_of(cast.owner)
    for state, expected in (("", 4), ("open", 2), ("waiting", 1), ("solved", 1)):
        answer = client.get(LIST, {"state": state})
        chip = next(chip for chip in answer.context["chips"] if chip["current"])
        assert (chip["count"], len(answer.context["rows"])) == (expected, expected)
    assert len(client.get(LIST, {"q": "question 3"}).context["rows"]) == 1
    assert len(client.get(LIST, {"q": tickets[2].number.lower()}).context["rows"]) == 1


def test_the_list_pages(cast, client_of) -> None:
    for n in range(27):
        a_ticket(cast, subject=f"Question {n}")
    client = client_of(cast.owner)
    assert len(client.get(LIST).context["rows"]) == 25
    assert len(client.get(LIST, {"page": 2}).context["rows"]) == 2


def test_lists_and_tickets_cost_the_same_however_long(cast, client_of) -> None:
    client = client_of(cast.owner)
    ticket = a_ticket(cast)
    an_answer(cast, ticket)

    def cost(path: str) -> int:
        with CaptureQueriesContext(connection) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    cost(LIST)
    few = cost(LIST), cost(detail(ticket))
    for n in range(12):
        more = a_ticket(cast, subject=f"Question {n}")
        an_answer(cast, more)
        client.post(
            detail(ticket), {"token": str(uuid.uuid4()), "message": f"{n}", "attachments": [an_upload()]}
        )
    assert (cost(LIST), cost(detail(ticket))) == few


# --- deadlines and news ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-11-23 09:00", "2026-11-23 13:00"),
        ("2026-11-23 06:00", "2026-11-23 12:00"),
        # Monday at five: an hour is left that day.
        ("2026-11-23 17:00", "2026-11-24 11:00"),
        # Friday night: the weekend does not count.
        ("2026-11-20 19:00", "2026-11-23 12:00"),
        # The eve of Thanksgiving.
        ("2026-11-25 16:00", "2026-11-27 10:00"),
        # The clocks change in the night to Sunday, 1 November.
        ("2026-10-30 17:00", "2026-11-02 11:00"),
    ],
)
def test_an_answer_is_due_after_so_many_working_hours(cast, asked, due) -> None:
    zone = cast.lender.zone
    moment, expected = (datetime.fromisoformat(text).replace(tzinfo=zone) for text in (asked, due))
    assert SupportRule().answer_due_at(moment, cast.lender) == expected


def test_the_lenders_own_rule_counts(cast) -> None:
    with tenant(cast.lender.pk):
        SupportRule.objects.create(opens_at=time(9), closes_at=time(17), answer_hours=10)
    zone = cast.lender.zone
    ticket = a_ticket(cast, now=datetime(2026, 11, 23, 9, 0, tzinfo=zone))
    assert ticket.answer_due_at == datetime(2026, 11, 24, 11, 0, tzinfo=zone)
    assert ticket.answer_due_at.astimezone(zone).hour == 11


def test_news_is_shown_from_its_first_to_its_last_day(cast, client_of) -> None:
    with tenant(cast.lender.pk):
        today = cast.lender.business_date(timezone.now())
        for title, start, end in (
            ("Rates change", 0, 0),
            ("Not yet", 1, 5),
            ("Over", -9, -1),
        ):
            Announcement.objects.create(
                title=title,
                body="More.",
                shown_from=today + timedelta(days=start),
                shown_until=today + timedelta(days=end),
            )
    page = client_of(cast.viewer).get(LIST).content.decode()
    assert "Rates change" in page
    assert "Not yet" not in page
    assert "Over</h3>" not in page
    page = client_of(cast.viewer).get(reverse("support:announcement-list")).content.decode()
    assert "Not yet" not in page
    assert page.index("Rates change") < page.index("Earlier") < page.index("Over")
    assert "Rates change" not in client_of(cast.other_owner).get(LIST).content.decode()
