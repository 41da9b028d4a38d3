"""The agents' side of tickets: the queue, and working on one."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.permissions import allowed_to
from support.actions.tickets import (
    AlreadyWrittenError,
    answer_as_agent,
    assign_ticket,
    change_state,
    note_internally,
)
from support.forms.tickets import AgentAnswerForm, NoteForm
from support.models import Ticket
from support.queries.tickets import (
    NEEDS_ANSWER,
    agent_filters,
    agents,
    conversation,
    other_tickets,
    queue,
    queue_counts,
    state_word,
)
from support.views.tickets import access_of, chips, page_of, rows_of


@require_GET
@allowed_to("tickets.work")
def queue_list(request: HttpRequest) -> HttpResponse:
    """Tickets by state and deadline."""
    agent = access_of(request).user
    filters = agent_filters(agent)
    chosen, words = request.GET.get("state", ""), request.GET.get("q", "")
    chosen = chosen if chosen in filters else ""
    counts = queue_counts(agent, words=words)
    page = page_of(request, queue(agent, chosen=chosen, words=words), counts[chosen])
    return render(
        request,
        "support/queue.html",
        {
            "page": page,
            "rows": rows_of(page, for_agent=True),
            "chips": chips(filters, counts, chosen=chosen, words=words),
            "is_filtered": bool(chosen or words),
            "is_first_filter": not chosen,
        },
    )


@require_http_methods(["GET", "POST"])
@allowed_to("tickets.work")
def queue_ticket(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One ticket for an agent: the conversation, the answer to the dealer, and the note among agents."""
    access = access_of(request)
    ticket = _ticket(public_id)
    answer_form, note_form = AgentAnswerForm(), NoteForm()
    if request.method == "POST" and request.POST.get("act") == "note":
        note_form = NoteForm(request.POST, request.FILES)
        if note_form.is_valid():
            values = note_form.cleaned_data
            try:
                note_internally(
                    actor=access.user,
                    ticket=ticket,
                    token=values["token"],
                    body=values["message"],
                    files=values["attachments"],
                )
            except AlreadyWrittenError:
                note_form.say_already_written()
            else:
                return _back(request, public_id, _("The note is kept. The dealer does not see it."))
    elif request.method == "POST":
        answer_form = AgentAnswerForm(request.POST, request.FILES)
        if answer_form.is_valid():
            values = answer_form.cleaned_data
            try:
                answer_as_agent(
                    actor=access.user,
                    ticket=ticket,
                    lender=access.lender,
                    token=values["token"],
                    body=values["message"],
                    then=values["then"],
                    files=values["attachments"],
                    now=timezone.now(),
                )
            except AlreadyWrittenError:
                answer_form.say_already_written()
            else:
                return _back(request, public_id, _("The answer is sent."))
    return render(
        request,
        "support/queue_ticket.html",
        {
            "form": note_form if note_form.is_bound else answer_form,
            "answer_form": answer_form,
            "note_form": note_form,
            "ticket": ticket,
            "talk": conversation(ticket, reader=access.user),
            "state": state_word(ticket.state, for_agent=True),
            "awaits_us": ticket.state in NEEDS_ANSWER,
            "is_late": ticket.state in NEEDS_ANSWER and ticket.answer_due_at < timezone.now(),
            "is_mine": ticket.agent_id == access.user.pk,
            "agents": agents(),
            "others": [(one, state_word(one.state, for_agent=True)) for one in other_tickets(ticket)],
        },
    )


@require_POST
@allowed_to("tickets.work")
def queue_assign(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give the ticket to an agent: by default to whoever asks."""
    access = access_of(request)
    ticket = _ticket(public_id)
    name = request.POST.get("agent")
    agent = next((one for one in agents() if one.username == name), None) if name else access.user
    if agent is None:
        raise Http404
    assign_ticket(actor=access.user, ticket=ticket, agent=agent)
    said = (
        _("The ticket is yours.")
        if agent == access.user
        else _("%(agent)s has the ticket.") % {"agent": agent}
    )
    return _back(request, public_id, said)


@require_POST
@allowed_to("tickets.work")
def queue_state(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Move the ticket to another state without a word to the dealer."""
    access = access_of(request)
    ticket = _ticket(public_id)
    to = request.POST.get("state", "")
    if to not in {Ticket.State.OPEN, Ticket.State.WAITING, Ticket.State.SOLVED}:
        messages.error(request, _("Choose a state for the ticket."))
        return redirect("support:queue-ticket", public_id)
    moved = change_state(actor=access.user, ticket=ticket, to=to, lender=access.lender, now=timezone.now())
    return _back(
        request,
        public_id,
        _("The ticket is now: %(state)s.") % {"state": state_word(moved.state, for_agent=True).label},
    )


def _ticket(public_id: UUID) -> Ticket:
    return get_object_or_404(Ticket.objects.select_related("dealership", "opened_by"), public_id=public_id)


def _back(request: HttpRequest, public_id: UUID, said: str) -> HttpResponse:
    messages.success(request, said)
    return redirect(reverse("support:queue-ticket", args=[public_id]))
