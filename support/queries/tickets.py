"""Lists of tickets, and one ticket as a conversation."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Prefetch, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import AuditEntry, User
from accounts.permissions import Access, actions_of
from support.models import Attachment, SupportRule, Ticket, TicketMessage
from support.queries.subjects import subject_url

NEEDS_ANSWER = (Ticket.State.NEW, Ticket.State.OPEN)
"""States in which the lender owes the dealer an answer."""

# state -> word and tone, as the dealer and as the agent reads it
_DEALER_WORDS: dict[str, tuple[Promise, str]] = {
    Ticket.State.NEW: (gettext_lazy("New"), "wait"),
    Ticket.State.OPEN: (gettext_lazy("In work"), "busy"),
    Ticket.State.WAITING: (gettext_lazy("Waiting for you"), "warn"),
    Ticket.State.SOLVED: (gettext_lazy("Solved"), "good"),
}
_AGENT_WORDS: dict[str, tuple[Promise, str]] = {
    **_DEALER_WORDS,
    Ticket.State.NEW: (gettext_lazy("New"), "warn"),
    Ticket.State.WAITING: (gettext_lazy("Waiting for the dealer"), "wait"),
}

# What a filter's name in the address stands for.
DEALER_FILTERS: dict[str, tuple[Promise, Q]] = {
    "": (gettext_lazy("All"), Q()),
    "open": (gettext_lazy("With us"), Q(state__in=NEEDS_ANSWER)),
    "waiting": (gettext_lazy("Waiting for you"), Q(state=Ticket.State.WAITING)),
    "solved": (gettext_lazy("Solved"), Q(state=Ticket.State.SOLVED)),
}


@dataclass(frozen=True, slots=True)
class StateWord:
    """How a state is called and toned for one kind of reader."""

    code: str
    label: str
    tone: str


def state_word(state: str, *, for_agent: bool) -> StateWord:
    """The word for a ticket's state."""
    label, tone = (_AGENT_WORDS if for_agent else _DEALER_WORDS)[state]
    return StateWord(state, str(label), tone)


def tickets_seen_by(access: Access) -> QuerySet[Ticket]:
    """Every ticket that this person may open: of the dealerships where the role allows it, for agents all."""
    if access.kind == User.Kind.SUPPORT:
        return Ticket.objects.all() if access.may("tickets.work") else Ticket.objects.none()
    allowed = [row.dealership_id for row in access.memberships if "tickets.view" in actions_of(row.role)]
    return Ticket.objects.filter(dealership_id__in=allowed)


def dealer_tickets(access: Access, *, chosen: str = "", words: str = "") -> QuerySet[Ticket]:
    """The tickets of the dealership on the screen, latest change first."""
    _label, condition = DEALER_FILTERS.get(chosen, DEALER_FILTERS[""])
    return (
        tickets_seen_by(access)
        .filter(_matching(words), condition, dealership=access.dealership)
        .order_by("-updated_at", "-pk")
    )


def dealer_counts(access: Access, *, words: str = "") -> dict[str, int]:
    """How many tickets each filter of the dealer's list finds."""
    return _counts(
        tickets_seen_by(access).filter(_matching(words), dealership=access.dealership),
        {name: condition for name, (_label, condition) in DEALER_FILTERS.items()},
    )


def agent_filters(agent: User) -> dict[str, tuple[Promise, Q]]:
    """The filters of the queue; the first is what an agent opens the day with."""
    return {
        "": (gettext_lazy("To answer"), Q(state__in=NEEDS_ANSWER)),
        "mine": (gettext_lazy("Mine"), Q(agent=agent) & ~Q(state=Ticket.State.SOLVED)),
        "free": (gettext_lazy("Nobody's"), Q(agent=None) & ~Q(state=Ticket.State.SOLVED)),
        "waiting": (gettext_lazy("Waiting for the dealer"), Q(state=Ticket.State.WAITING)),
        "solved": (gettext_lazy("Solved"), Q(state=Ticket.State.SOLVED)),
        "all": (gettext_lazy("All"), Q()),
    }


def queue(agent: User, *, chosen: str = "", words: str = "") -> QuerySet[Ticket]:
    """Tickets for agents: what owes an answer by its deadline, the rest by its latest change."""
    filters = agent_filters(agent)
    name = chosen if chosen in filters else ""
    tickets = Ticket.objects.filter(_matching(words), filters[name][1]).select_related("dealership")
    if name in {"waiting", "solved", "all"}:
        return tickets.order_by("-updated_at", "-pk")
    return tickets.order_by("answer_due_at", "pk")


def queue_counts(agent: User, *, words: str = "") -> dict[str, int]:
    """How many tickets each filter of the queue finds."""
    return _counts(
        Ticket.objects.filter(_matching(words)),
        {name: condition for name, (_label, condition) in agent_filters(agent).items()},
    )


def _counts(tickets: QuerySet[Ticket], conditions: dict[str, Q]) -> dict[str, int]:
    figures = tickets.aggregate(
        **{f"in_{name or 'first'}": Count("pk", filter=condition) for name, condition in conditions.items()}
    )
    return {name: figures[f"in_{name or 'first'}"] for name in conditions}


def _matching(words: str) -> Q:
    text = words.strip()[:80]
    if not text or "\x00" in text:
        return Q()
    return Q(number=text.upper()) | Q(subject__icontains=text) | Q(dealership__name__icontains=text)


# --- one ticket ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in a conversation: a message, an agent's internal note, or a change of state."""

    kind: str
    at: datetime
    author: str
    text: str
    from_staff: bool = False
    is_own: bool = False
    attachments: Sequence[Attachment] = field(default=())


@dataclass(frozen=True, slots=True)
class Conversation:
    """A ticket and all that was said and done, oldest first."""

    ticket: Ticket
    entries: Sequence[Entry]
    about_url: str


def conversation(ticket: Ticket, *, reader: User) -> Conversation:
    """The ticket as `reader` may see it: internal notes for agents only."""
    for_agent = reader.kind == User.Kind.SUPPORT
    messages = TicketMessage.objects.filter(ticket=ticket).order_by("pk")
    if not for_agent:
        messages = messages.filter(is_internal=False)
    messages = messages.prefetch_related(Prefetch("attachments", Attachment.objects.order_by("pk")))
    entries = [
        Entry(
            kind="note" if message.is_internal else "message",
            at=message.written_at,
            author=message.author_name,
            text=message.body,
            from_staff=message.from_staff,
            is_own=message.author_id == reader.pk,
            attachments=message.attachments.all(),
        )
        for message in messages
    ]
    acts = AuditEntry.objects.filter(subject=subject_of_ticket(ticket), code__in=_ACTS)
    entries += [Entry(kind="act", at=act.recorded_at, author=act.actor_name, text=_act(act)) for act in acts]
    return Conversation(
        ticket=ticket,
        entries=sorted(entries, key=lambda entry: entry.at),
        about_url=subject_url(ticket.about_kind, ticket.about_public_id),
    )


def subject_of_ticket(ticket: Ticket) -> str:
    """How the trail names a ticket."""
    return f"ticket:{ticket.number}"


_ACTS = ("ticket.assigned", "ticket.state_changed")


def _act(act: AuditEntry) -> str:
    names = {"who": act.actor_name, "agent": act.details.get("agent", "")}
    if act.code == "ticket.assigned":
        if names["who"] == names["agent"]:
            return _("%(who)s took the ticket") % names
        return _("%(who)s gave the ticket to %(agent)s") % names
    match act.details.get("to"):
        case Ticket.State.SOLVED:
            return _("%(who)s marked the ticket as solved") % names
        case Ticket.State.WAITING:
            return _("%(who)s waits for the dealership") % names
        case _ if act.details.get("from") == Ticket.State.SOLVED:
            return _("%(who)s opened the ticket again") % names
        case _:
            return _("%(who)s took the ticket back into work") % names


def other_tickets(ticket: Ticket, *, at_most: int = 5) -> QuerySet[Ticket]:
    """Further tickets of the same dealership, for the agent's side column."""
    return (
        Ticket.objects.filter(dealership_id=ticket.dealership_id)
        .exclude(pk=ticket.pk)
        .order_by("-updated_at")[:at_most]
    )


def agents() -> QuerySet[User]:
    """Agents to whom a ticket can be given."""
    return User.objects.filter(kind=User.Kind.SUPPORT, is_active=True).order_by("full_name", "username")


def support_rule() -> SupportRule:
    """The lender's rule for answers, or the default one."""
    return SupportRule.objects.first() or SupportRule()
