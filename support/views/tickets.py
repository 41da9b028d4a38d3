"""A dealer's tickets: the list, a new one, the conversation."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Dealership, User
from accounts.permissions import Access, actions_of, allowed_to
from support.actions.tickets import AlreadyWrittenError, answer_as_dealer, change_state, open_ticket
from support.forms.tickets import AnswerForm, TicketForm, parse_subject
from support.models import Ticket
from support.queries.announcements import current_announcements
from support.queries.tickets import (
    DEALER_FILTERS,
    NEEDS_ANSWER,
    StateWord,
    conversation,
    dealer_counts,
    dealer_tickets,
    state_word,
    support_rule,
    tickets_seen_by,
)

PAGE_SIZE = 25


@require_GET
@allowed_to("tickets.view")
def ticket_list(request: HttpRequest) -> HttpResponse:
    """The tickets of the dealership on the screen, with filters by state and a search."""
    access = access_of(request)
    if access.kind == User.Kind.SUPPORT:
        return redirect("support:queue")
    chosen, words = request.GET.get("state", ""), request.GET.get("q", "")
    chosen = chosen if chosen in DEALER_FILTERS else ""
    counts = dealer_counts(access, words=words)
    page = page_of(request, dealer_tickets(access, chosen=chosen, words=words), counts[chosen])
    return render(
        request,
        "support/ticket_list.html",
        {
            "page": page,
            "rows": rows_of(page, for_agent=False),
            "chips": chips(DEALER_FILTERS, counts, chosen=chosen, words=words),
            "is_filtered": bool(chosen or words),
            "announcements": current_announcements(access.business_date)[:3],
        },
    )


@require_http_methods(["GET", "POST"])
@allowed_to("tickets.open")
def ticket_new(request: HttpRequest) -> HttpResponse:
    """Open a ticket. `?about=unit:<public id>` says what it is about (unit, loan, payment, statement)."""
    access = access_of(request)
    dealership = dealership_of(access)
    if request.method == "POST":
        form = TicketForm(request.POST, request.FILES, dealership=dealership)
        if form.is_valid():
            values = form.cleaned_data
            try:
                posted = open_ticket(
                    actor=access.user,
                    dealership=dealership,
                    lender=access.lender,
                    token=values["token"],
                    topic=values["topic"],
                    subject=values["subject"],
                    body=values["message"],
                    about=form.about_subject,
                    files=values["attachments"],
                    now=timezone.now(),
                )
            except AlreadyWrittenError:
                form.say_already_written()
            else:
                return redirect("support:ticket-opened", posted.ticket.public_id)
    else:
        about = request.GET.get("about")
        chosen = parse_subject(about, dealership) if about else None
        if about and chosen is None:
            raise Http404
        form = TicketForm(dealership=dealership, chosen=chosen)
    return render(request, "support/ticket_new.html", {"form": form, "rule": support_rule()})


@require_GET
@allowed_to("tickets.view")
def ticket_opened(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The number of the new ticket, and by when it is answered."""
    ticket = _own_ticket(request, public_id)
    return render(request, "support/ticket_opened.html", {"ticket": ticket})


@require_http_methods(["GET", "POST"])
@allowed_to("tickets.view")
def ticket_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The conversation, and the dealer's answer to it."""
    access = access_of(request)
    if access.kind == User.Kind.SUPPORT:
        return redirect("support:queue-ticket", public_id)
    ticket = _own_ticket(request, public_id)
    may_answer = _may_answer(access, ticket)
    form = AnswerForm()
    if request.method == "POST":
        if not may_answer:
            raise Http404
        form = AnswerForm(request.POST, request.FILES)
        if form.is_valid():
            try:
                answer_as_dealer(
                    actor=access.user,
                    ticket=ticket,
                    lender=access.lender,
                    token=form.cleaned_data["token"],
                    body=form.cleaned_data["message"],
                    files=form.cleaned_data["attachments"],
                    now=timezone.now(),
                )
            except AlreadyWrittenError:
                form.say_already_written()
            else:
                messages.success(request, _("Your answer is with us."))
                return redirect(f"{reverse('support:ticket-detail', args=[public_id])}#last")
    return render(
        request,
        "support/ticket_detail.html",
        {
            "form": form,
            "ticket": ticket,
            "talk": conversation(ticket, reader=access.user),
            "state": state_word(ticket.state, for_agent=False),
            "awaits_us": ticket.state in NEEDS_ANSWER,
            "is_late": ticket.state in NEEDS_ANSWER and ticket.answer_due_at < timezone.now(),
            "may_answer": may_answer,
        },
    )


@require_POST
@allowed_to("tickets.open")
def ticket_solved(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The dealer says that it is solved; an answer opens it again."""
    access = access_of(request)
    ticket = _own_ticket(request, public_id)
    if not _may_answer(access, ticket):
        raise Http404
    change_state(
        actor=access.user, ticket=ticket, to=Ticket.State.SOLVED, lender=access.lender, now=timezone.now()
    )
    messages.success(request, _("The ticket is solved. Answer it if it comes up again."))
    return redirect("support:ticket-detail", public_id)


# --- parts, also for the agents' pages -------------------------------------------------------------------------------


def access_of(request: HttpRequest) -> Access:
    """What the signed-in person may do; there is one behind `allowed_to`."""
    access: Access = request.access  # type: ignore[attr-defined]
    return access


def dealership_of(access: Access) -> Dealership:
    """The dealership on the screen; only dealers open tickets, and `allowed_to` lets none through without one."""
    if access.dealership is None:
        raise Http404
    return access.dealership


def chips(
    filters: dict[str, Any], counts: dict[str, int], *, chosen: str, words: str
) -> list[dict[str, object]]:
    """The filters above a list, each with its address and how much it finds."""
    return [
        {
            "label": label,
            "count": counts[name],
            "current": name == chosen,
            "url": "?" + urlencode({key: value for key, value in (("state", name), ("q", words)) if value}),
        }
        for name, (label, _condition) in filters.items()
    ]


def page_of(request: HttpRequest, rows: QuerySet[Ticket], length: int) -> Page[Ticket]:
    """The page that the address asks for, of rows whose number is known already and not counted again."""
    paginator = Paginator(rows, PAGE_SIZE)
    paginator.count = length
    return paginator.get_page(request.GET.get("page"))


def rows_of(page: Page[Ticket], *, for_agent: bool) -> list[tuple[Ticket, StateWord, bool, bool]]:
    """Each ticket with the word for its state, whether the lender owes an answer, and whether that is late."""
    now = timezone.now()
    rows = []
    for ticket in page:
        awaits_us = ticket.state in NEEDS_ANSWER
        word = state_word(ticket.state, for_agent=for_agent)
        rows.append((ticket, word, awaits_us, awaits_us and ticket.answer_due_at < now))
    return rows


def _own_ticket(request: HttpRequest, public_id: UUID) -> Ticket:
    tickets = tickets_seen_by(access_of(request)).select_related("dealership")
    return get_object_or_404(tickets, public_id=public_id)


def _may_answer(access: Access, ticket: Ticket) -> bool:
    """By the person's role in the ticket's dealership, which need not be the one on the screen."""
    return any(
        row.dealership_id == ticket.dealership_id and "tickets.open" in actions_of(row.role)
        for row in access.memberships
    )
