"""What the support tests put on the stage: tickets, locks, files."""

import struct
import uuid
import zlib
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.models import Dealership, Lender, SignInGuard, User
from accounts.tenancy import tenant
from payments.models import Payment
from support.actions.tickets import answer_as_agent, note_internally, open_ticket
from support.models import Ticket
from support.queries.file_contents import CheckedFile, check_upload
from tests.cast import Cast
from tests.payments.staging import make_method

SECRET = "The dealer must not read this."


def a_png(width: int = 2, height: int = 2) -> bytes:
    """A whole PNG image."""

    def part(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    pixels = b"".join(b"\0" + b"\x10\x20\x30" * width for _row in range(min(height, 64)))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(pixels)) + part(b"IEND", b"")
    )


def an_upload(
    name: str = "screen.png", content: bytes | None = None, kind: str = "image/png"
) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, a_png() if content is None else content, content_type=kind)


def a_file(name: str = "screen.png", content: bytes | None = None) -> CheckedFile:
    return check_upload(an_upload(name, content))


def as_dealer(person: User, dealership: Dealership):
    """The scope of a dealer's request."""
    return tenant(person.lender_id, dealerships=[dealership.pk], user_id=person.pk)


def a_ticket(
    cast: Cast,
    *,
    actor: User | None = None,
    dealership: Dealership | None = None,
    lender: Lender | None = None,
    subject: str = "Payoff of T2044",
    files: tuple[CheckedFile, ...] = (),
    now: datetime | None = None,
) -> Ticket:
    """A ticket as a dealer opens it: in the dealer's own scope."""
    actor, dealership = actor or cast.owner, dealership or cast.dealership
    with as_dealer(actor, dealership):
        return open_ticket(
            actor=actor,
            dealership=dealership,
            lender=lender or cast.lender,
            token=uuid.uuid4(),
            topic=Ticket.Topic.BALANCE,
            subject=subject,
            body="What would a payoff on Friday be?",
            files=files,
            now=now or timezone.now(),
        ).ticket


def an_answer(cast: Cast, ticket: Ticket, *, body: str = "It is $12,340.00.", then: str = "waiting"):
    """An agent's answer."""
    with tenant(cast.lender.pk, user_id=cast.support.pk):
        return answer_as_agent(
            actor=cast.support,
            ticket=ticket,
            lender=cast.lender,
            token=uuid.uuid4(),
            body=body,
            then=then,
            now=timezone.now(),
        )


def a_note(cast: Cast, ticket: Ticket, *, body: str = SECRET, files: tuple[CheckedFile, ...] = ()):
    """An agent's internal note."""
    with tenant(cast.lender.pk, user_id=cast.support.pk):
        return note_internally(actor=cast.support, ticket=ticket, token=uuid.uuid4(), body=body, files=files)


def a_payment(cast: Cast, *, dealership: Dealership | None = None, made_by: User | None = None) -> Payment:
    """A payment that Paula has submitted; the row is all that matters here."""
    dealership, made_by = dealership or cast.dealership, made_by or cast.payer
    now = timezone.now()
    return Payment.objects.create(
        token=uuid.uuid4(),
        number="P-100777",
        dealership=dealership,
        method=make_method(dealership),
        currency="USD",
        amount=Decimal("10.00"),
        value_date=now.date(),
        expected_on=now.date(),
        made_by=made_by,
        made_by_name=made_by.get_full_name(),
        submitted_at=now,
        gateway="bank",
        next_step_at=now,
    )


def lock(
    person: User, *, proof: str = SignInGuard.Proof.PASSWORD, minutes: int = 15, failures: int = 5
) -> SignInGuard:
    """Lock a person as five wrong passwords a moment ago would have."""
    now = timezone.now()
    with tenant(person.lender_id):
        return SignInGuard.objects.create(
            key=f"user:{person.pk}",
            user=person,
            proof=proof,
            failures=failures,
            consecutive_failures=failures,
            window_started_at=now,
            last_attempt_at=now,
            locked_until=now + timedelta(minutes=minutes),
        )
