"""Making sure that a caller is who they say: a code to the contact on file, judged by the machine."""

import secrets
import uuid
from datetime import datetime, timedelta
from enum import StrEnum

from django.core.exceptions import PermissionDenied
from django.db import transaction

from accounts.actions.outbox import order_message
from accounts.audit import record
from accounts.encryption import keyed_hash, matches
from accounts.models import OutgoingMessage, User
from accounts.queries.texts import text_number
from support.models import IdentityCheck
from support.queries.people import contact_is_fresh, masked, masked_number

VALID_FOR = timedelta(minutes=10)
TRIES = 3
DIGITS = 8
"""Read out in two groups of four; three tries at a hundred million are no guess."""

SENDS = 3
SENDS_WINDOW = timedelta(minutes=30)

Channel = OutgoingMessage.Channel

_PURPOSE = "identity check"


class Refusal(StrEnum):
    """Why no code is sent, or why an unlock is refused."""

    OWN_ACCOUNT = "own_account"
    SWITCHED_OFF = "switched_off"
    CONTACT_FRESH = "contact_fresh"
    NO_PHONE = "no_phone"
    TOO_MANY_CODES = "too_many_codes"
    NO_CHECK = "no_check"
    NO_REASON = "no_reason"
    NOT_LOCKED = "not_locked"


class RefusedError(Exception):
    """The desk refuses, and nothing has changed; `refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.value)
        self.refusal = refusal


class Judgement(StrEnum):
    """What the machine says of the code that the caller read back."""

    PASSED = "passed"
    WRONG = "wrong"
    FAILED = "failed"
    EXPIRED = "expired"
    NONE_OPEN = "none_open"


def send_identity_code(
    *, person: User, agent: User, now: datetime, channel: str = Channel.EMAIL
) -> IdentityCheck:
    """Send a one-time code to the registered e-mail or mobile phone of `person`; this agent's earlier code dies.

    Raises RefusedError for the own account, an account that is off, a contact that changed in the last 30 days, a text
    message where none can go, and the fourth code within half an hour.
    """
    require_agent(agent)
    with transaction.atomic():
        # The person's row is the lock for everything the desk does about them.
        locked = User.objects.select_for_update().get(pk=person.pk)
        refusal = _refusal_to_send(locked, agent, now=now)
        if refusal:
            raise RefusedError(refusal)
        number = text_number(locked) if channel == Channel.SMS else ""
        if channel == Channel.SMS and not number:
            raise RefusedError(Refusal.NO_PHONE)
        IdentityCheck.objects.filter(
            person=locked, agent=agent, state__in=[IdentityCheck.State.SENT, IdentityCheck.State.PASSED]
        ).update(state=IdentityCheck.State.FAILED)
        public_id = uuid.uuid4()
        code = f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}"
        check = IdentityCheck.objects.create(
            public_id=public_id,
            person=locked,
            agent=agent,
            contact=masked_number(number) or masked(locked.email),
            code_hash=keyed_hash(_PURPOSE, f"{public_id}:{code}"),
            sent_at=now,
            expires_at=now + VALID_FOR,
        )
        order_message(
            key=f"identity-code:{public_id}",
            template="identity-code",
            recipient=number or locked.email,
            channel=Channel(channel),
            user=locked,
            is_secret=True,
            context={
                "name": locked.get_short_name(),
                "code": f"{code[:4]} {code[4:]}",
                "agent": agent.get_full_name(),
                "minutes": int(VALID_FOR.total_seconds() // 60),
            },
        )
        _note("identity.code_sent", check, sent_to=check.contact)
        return check


def judge_identity_code(*, person: User, agent: User, typed: str, now: datetime) -> Judgement:
    """Compare what the caller read back with the agent's open code for `person`.

    Never raises for a wrong code, so that the counted try is committed. The third wrong try ends the code.
    """
    require_agent(agent)
    with transaction.atomic():
        check = (
            IdentityCheck.objects.select_for_update()
            .filter(person=person, agent=agent, state=IdentityCheck.State.SENT)
            .order_by("-sent_at", "-pk")
            .first()
        )
        if check is None:
            return Judgement.NONE_OPEN
        if check.expires_at <= now:
            check.state = IdentityCheck.State.FAILED
            check.save(update_fields=["state"])
            _note("identity.check_expired", check)
            return Judgement.EXPIRED
        check.tries += 1
        digits = "".join(sign for sign in typed if sign.isdecimal() and sign.isascii())
        if matches(_PURPOSE, f"{check.public_id}:{digits}", check.code_hash):
            check.state = IdentityCheck.State.PASSED
            check.passed_at = now
            verdict = Judgement.PASSED
        elif check.tries >= TRIES:
            check.state = IdentityCheck.State.FAILED
            verdict = Judgement.FAILED
        else:
            verdict = Judgement.WRONG
        check.save(update_fields=["state", "tries", "passed_at"])
        _note(f"identity.check_{verdict.value}", check, tries=check.tries)
        return verdict


def require_agent(agent: User) -> None:
    """Raises PermissionDenied for anybody but an active support agent."""
    if agent.kind != User.Kind.SUPPORT or not agent.is_active:
        raise PermissionDenied("people.unlock")


def _refusal_to_send(person: User, agent: User, *, now: datetime) -> Refusal | None:
    if person.pk == agent.pk:
        return Refusal.OWN_ACCOUNT
    if not person.is_active:
        return Refusal.SWITCHED_OFF
    if contact_is_fresh(person, now=now):
        return Refusal.CONTACT_FRESH
    recent = IdentityCheck.objects.filter(person=person, sent_at__gt=now - SENDS_WINDOW).count()
    return Refusal.TOO_MANY_CODES if recent >= SENDS else None


def _note(code: str, check: IdentityCheck, **details: object) -> None:
    """The trail of a check; the code itself is nowhere but in the person's mailbox or phone."""
    record(
        code,
        actor=check.agent,
        subject=f"user:{check.person.username}",
        details={"check": str(check.public_id), **details},
    )
