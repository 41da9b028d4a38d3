"""Asking, answering, noting, assigning, solving."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.urls import reverse

from accounts.actions.numbers import next_number
from accounts.actions.outbox import order_message
from accounts.audit import record
from accounts.models import Dealership, Lender, Membership, NumberSequence, User
from support.actions.attachments import keep_files
from support.models import Ticket, TicketMessage
from support.queries.file_contents import CheckedFile
from support.queries.subjects import Subject
from support.queries.tickets import NEEDS_ANSWER, subject_of_ticket, support_rule

_TOKEN_CONSTRAINT = "support_message_token"  # noqa: S105 (the name of a constraint)


class AlreadyWrittenError(Exception):
    """The page's token was used for another message before; what is typed now was not posted."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message that stands in its ticket; `repeated` when it stood there before this call."""

    ticket: Ticket
    message: TicketMessage
    repeated: bool


def open_ticket(
    *,
    actor: User,
    dealership: Dealership,
    lender: Lender,
    token: UUID,
    topic: str,
    subject: str,
    body: str,
    about: Subject | None = None,
    files: Sequence[CheckedFile] = (),
    now: datetime,
) -> Posted:
    """Open a ticket for `dealership` and tell the lender's support.

    `token` is the page's: the same page sent twice, even at once, opens one ticket, and both calls return it. Raises
    AlreadyWrittenError when the token carried another text.
    """
    if actor.kind != User.Kind.DEALER:
        raise PermissionDenied("tickets.open")

    def write() -> Posted:
        ticket = Ticket.objects.create(
            number=next_number(NumberSequence.Kind.TICKET, prefix="T"),
            dealership=dealership,
            subject=subject,
            topic=topic,
            opened_by=actor,
            opened_by_name=actor.get_full_name(),
            about_kind=about.kind if about else "",
            about_public_id=about.public_id if about else None,
            about_label=about.label if about else "",
            answer_due_at=support_rule().answer_due_at(now, lender),
        )
        message = _write_message(ticket, actor=actor, token=token, body=body, files=files)
        record(
            "ticket.opened",
            actor=actor,
            subject=subject_of_ticket(ticket),
            dealership=dealership,
            details={"topic": topic, "about": ticket.about_label, "files": len(files)},
        )
        _tell_support(
            ticket, actor, lender=lender, template="ticket-opened", key=f"ticket-opened:{ticket.number}"
        )
        return Posted(ticket, message, repeated=False)

    posted = _once(write, token=token, actor=actor, body=body, ticket=None)
    if posted.repeated and posted.ticket.subject != subject:
        raise AlreadyWrittenError
    return posted


def answer_as_dealer(
    *,
    actor: User,
    ticket: Ticket,
    lender: Lender,
    token: UUID,
    body: str,
    files: Sequence[CheckedFile] = (),
    now: datetime,
) -> Posted:
    """Add a dealer's message; a ticket that waited or was solved is in work again. Raises AlreadyWrittenError."""
    if actor.kind != User.Kind.DEALER:
        raise PermissionDenied("tickets.open")

    def write() -> Posted:
        locked = _locked(ticket)
        message = _write_message(locked, actor=actor, token=token, body=body, files=files)
        if locked.state not in NEEDS_ANSWER:
            locked.answer_due_at = support_rule().answer_due_at(now, lender)
            if locked.state == Ticket.State.SOLVED:
                _note_state(locked, actor=actor, to=Ticket.State.OPEN)
            locked.state = Ticket.State.OPEN
        locked.save(update_fields=["state", "answer_due_at", "updated_at"])
        record(
            "ticket.answered",
            actor=actor,
            subject=subject_of_ticket(locked),
            dealership=locked.dealership_id,
            details={"files": len(files)},
        )
        _tell_support(
            locked,
            actor,
            lender=lender,
            template="ticket-answered",
            key=f"ticket-answered:{message.public_id}",
        )
        return Posted(locked, message, repeated=False)

    return _once(write, token=token, actor=actor, body=body, ticket=ticket)


def answer_as_agent(
    *,
    actor: User,
    ticket: Ticket,
    lender: Lender,
    token: UUID,
    body: str,
    then: str = Ticket.State.WAITING,
    files: Sequence[CheckedFile] = (),
    now: datetime,
) -> Posted:
    """Answer the dealer and leave the ticket in state `then`; an answer to a ticket that nobody has takes it.

    Every dealer who wrote in the ticket gets a mail. Raises AlreadyWrittenError.
    """
    _agent_only(actor)

    def write() -> Posted:
        locked = _locked(ticket)
        message = _write_message(locked, actor=actor, token=token, body=body, files=files)
        if locked.agent_id is None:
            _give(locked, to=actor, actor=actor)
        if locked.state not in NEEDS_ANSWER and then == Ticket.State.OPEN:
            locked.answer_due_at = support_rule().answer_due_at(now, lender)
        if locked.state != then and Ticket.State.SOLVED in {locked.state, then}:
            _note_state(locked, actor=actor, to=then)
        locked.state = then
        locked.save(update_fields=["state", "agent", "agent_name", "answer_due_at", "updated_at"])
        record(
            "ticket.answered",
            actor=actor,
            subject=subject_of_ticket(locked),
            dealership=locked.dealership_id,
            details={"files": len(files), "state": then},
        )
        _tell_dealers(locked, message, today=lender.business_date(now))
        return Posted(locked, message, repeated=False)

    return _once(write, token=token, actor=actor, body=body, ticket=ticket)


def note_internally(
    *, actor: User, ticket: Ticket, token: UUID, body: str, files: Sequence[CheckedFile] = ()
) -> Posted:
    """Add a note that only agents see. It touches nothing that a dealer sees. Raises AlreadyWrittenError."""
    _agent_only(actor)

    def write() -> Posted:
        message = _write_message(ticket, actor=actor, token=token, body=body, files=files, is_internal=True)
        # Without the dealership, whose own people may read the entries of their dealership.
        record("ticket.noted", actor=actor, subject=subject_of_ticket(ticket), details={"files": len(files)})
        return Posted(ticket, message, repeated=False)

    return _once(write, token=token, actor=actor, body=body, ticket=ticket)


def assign_ticket(*, actor: User, ticket: Ticket, agent: User) -> Ticket:
    """Give the ticket to an agent (oneself, to take it). A new ticket is in work from then on."""
    _agent_only(actor)
    _agent_only(agent)
    with transaction.atomic():
        locked = _locked(ticket)
        if locked.agent_id == agent.pk:
            return locked
        _give(locked, to=agent, actor=actor)
        if locked.state == Ticket.State.NEW:
            locked.state = Ticket.State.OPEN
        locked.save(update_fields=["state", "agent", "agent_name", "updated_at"])
        return locked


def change_state(*, actor: User, ticket: Ticket, to: str, lender: Lender, now: datetime) -> Ticket:
    """Move a ticket to open, waiting or solved. A dealer may only mark the own ticket as solved.

    Who may see the ticket is the caller's to have checked. The same state again changes nothing.
    """
    if actor.kind == User.Kind.DEALER and to != Ticket.State.SOLVED:
        raise PermissionDenied("tickets.work")
    if actor.kind != User.Kind.DEALER:
        _agent_only(actor)
    if to not in {Ticket.State.OPEN, Ticket.State.WAITING, Ticket.State.SOLVED}:
        raise ValueError(f"A ticket does not go back to {to!r}.")
    with transaction.atomic():
        locked = _locked(ticket)
        if locked.state == to:
            return locked
        if locked.state not in NEEDS_ANSWER and to == Ticket.State.OPEN:
            locked.answer_due_at = support_rule().answer_due_at(now, lender)
        _note_state(locked, actor=actor, to=to)
        locked.state = to
        locked.save(update_fields=["state", "answer_due_at", "updated_at"])
        return locked


# --- parts -----------------------------------------------------------------------------------------------------------


def _once(
    write: Callable[[], Posted], *, token: UUID, actor: User, body: str, ticket: Ticket | None
) -> Posted:
    """Run `write`, unless the token's message exists; two at once are told apart by the unique key of the token."""
    with transaction.atomic():
        if earlier := _earlier(token):
            return _same(earlier, actor=actor, body=body, ticket=ticket)
        try:
            with transaction.atomic():
                return write()
        except IntegrityError as error:
            if _TOKEN_CONSTRAINT not in str(error):
                raise
        earlier = _earlier(token)
        if earlier is None:
            # Somebody whose messages this person may not see sent the same token.
            raise AlreadyWrittenError
        return _same(earlier, actor=actor, body=body, ticket=ticket)


def _earlier(token: UUID) -> TicketMessage | None:
    return TicketMessage.objects.filter(token=token).select_related("ticket").first()


def _same(earlier: TicketMessage, *, actor: User, body: str, ticket: Ticket | None) -> Posted:
    elsewhere = ticket is not None and earlier.ticket_id != ticket.pk
    if earlier.author_id != actor.pk or earlier.body != body or elsewhere:
        raise AlreadyWrittenError
    return Posted(earlier.ticket, earlier, repeated=True)


def _locked(ticket: Ticket) -> Ticket:
    locked: Ticket = Ticket.objects.select_for_update().get(pk=ticket.pk)
    return locked


def _agent_only(person: User) -> None:
    if person.kind != User.Kind.SUPPORT or not person.is_active:
        raise PermissionDenied("tickets.work")


def _write_message(
    ticket: Ticket,
    *,
    actor: User,
    token: UUID,
    body: str,
    files: Sequence[CheckedFile],
    is_internal: bool = False,
) -> TicketMessage:
    message: TicketMessage = TicketMessage.objects.create(
        ticket=ticket,
        dealership_id=ticket.dealership_id,
        author=actor,
        author_name=actor.get_full_name(),
        from_staff=actor.kind != User.Kind.DEALER,
        is_internal=is_internal,
        body=body,
        token=token,
    )
    keep_files(message=message, files=files)
    return message


def _give(ticket: Ticket, *, to: User, actor: User) -> None:
    ticket.agent = to
    ticket.agent_name = to.get_full_name()
    record(
        "ticket.assigned",
        actor=actor,
        subject=subject_of_ticket(ticket),
        dealership=ticket.dealership_id,
        details={"agent": ticket.agent_name},
    )


def _note_state(ticket: Ticket, *, actor: User, to: str) -> None:
    record(
        "ticket.state_changed",
        actor=actor,
        subject=subject_of_ticket(ticket),
        dealership=ticket.dealership_id,
        details={"from": ticket.state, "to": to},
    )


def _tell_support(ticket: Ticket, actor: User, *, lender: Lender, template: str, key: str) -> None:
    order_message(
        key=key,
        template=template,
        recipient=lender.support_email,
        dealership=ticket.dealership,
        context={
            **_mail_context(ticket),
            "for_agent": True,
            "who": actor.get_full_name(),
            "dealership": ticket.dealership.name,
            "answer_due_at": ticket.answer_due_at.isoformat(),
            "action_path": reverse("support:queue-ticket", args=[ticket.public_id]),
        },
    )


def _tell_dealers(ticket: Ticket, message: TicketMessage, *, today: date) -> None:
    """One mail to each dealer who wrote in the ticket and still belongs to the dealership."""
    writers = TicketMessage.objects.filter(ticket=ticket, from_staff=False).values("author_id")
    members = Membership.objects.filter(
        Q(expires_on=None) | Q(expires_on__gte=today), dealership_id=ticket.dealership_id
    ).values("user_id")
    for person in User.objects.filter(Q(pk__in=writers) & Q(pk__in=members), is_active=True).order_by("pk"):
        order_message(
            key=f"ticket-answered:{message.public_id}:{person.pk}",
            template="ticket-answered",
            recipient=person.email,
            user=person,
            dealership=ticket.dealership,
            context={
                **_mail_context(ticket),
                "for_agent": False,
                "name": person.get_short_name(),
                "who": message.author_name,
                "is_solved": ticket.state == Ticket.State.SOLVED,
                "action_path": reverse("support:ticket-detail", args=[ticket.public_id]),
            },
        )


def _mail_context(ticket: Ticket) -> dict[str, str]:
    """What a mail says of a ticket: never the message itself, since mail travels in the open."""
    return {"number": ticket.number, "subject": ticket.subject}
