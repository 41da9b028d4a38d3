"""Messages from banks: stored once, then judged and carried out."""

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from django.db import transaction

from accounts import audit
from finance.actions.refusals import RefusedError
from payments.actions.card_mails import tell_card_taken
from payments.actions.locks import locked_payment
from payments.actions.states import accept_payment, decline_payment, return_payment, settle_payment
from payments.models import GatewayEvent, Payment
from payments.queries.debits import LONGEST_CODE
from payments.queries.offered import CARD_PAGE

State = Payment.State

_KINDS = {
    "debit.accepted": State.PROCESSING,
    "debit.settled": State.SETTLED,
    "debit.declined": State.DECLINED,
    "debit.returned": State.RETURNED,
    "session.accepted": State.PROCESSING,
    "session.settled": State.SETTLED,
    "session.declined": State.DECLINED,
    "session.returned": State.RETURNED,
}
_OPEN = {State.SUBMITTED, State.CHECKING, State.PROCESSING}
# What the bank says -> states in which that is old news, because the message came late or again.
_KNOWN = {
    State.PROCESSING: {State.PROCESSING, State.SETTLED, State.RETURNED, State.DECLINED},
    State.SETTLED: {State.SETTLED, State.RETURNED},
    State.DECLINED: {State.DECLINED},
    State.RETURNED: {State.RETURNED},
}
# What the bank says -> states from which it moves the payment on.
_FROM = {
    State.PROCESSING: _OPEN,
    State.SETTLED: _OPEN,
    State.DECLINED: _OPEN,
    State.RETURNED: _OPEN | {State.SETTLED},
}
_UNREADABLE = "The message cannot be read."


@transaction.atomic
def store_event(
    *, gateway: str, event_id: str, kind: str, payload: dict[str, Any]
) -> tuple[GatewayEvent, bool]:
    """Keep a verified message under the gateway's own id; the second value is False when it was known already."""
    return GatewayEvent.objects.get_or_create(
        gateway=gateway,
        event_id=event_id,
        defaults={"kind": kind, "payload": payload},
    )


@transaction.atomic
def process_event(*, event_pk: int, now: datetime) -> GatewayEvent:
    """Carry out a stored message, once. What does not fit is not booked: its problem stays for people to see."""
    event = GatewayEvent.objects.select_for_update().get(pk=event_pk)
    if event.processed_at is not None:
        return event
    try:
        with transaction.atomic():
            event.problem = _carry_out(event, now=now)[:200]
    except RefusedError as refusal:
        # The books say no: nothing of it is kept, and people see why.
        event.problem = str(refusal)[:200]
    event.processed_at = now
    event.save(update_fields=["problem", "processed_at"])
    return event


def _carry_out(event: GatewayEvent, *, now: datetime) -> str:
    """Move the payment that the message is about; returns what is wrong with the message, or nothing."""
    wanted = _KINDS.get(event.kind)
    if wanted is None:
        return f"Nothing is known about messages of kind {event.kind[:40]}."
    try:
        # What the message is about has the name under which it was ordered: a debit, or a session at the card page.
        debit = event.payload[event.kind.partition(".")[0]]
        key, client = UUID(str(debit["key"])), str(debit["client"])
        amount, currency = Decimal(str(debit["amount"])), str(debit["currency"])
        last_four = str(debit.get("last_four", ""))
        code, reference = str(debit.get("code", ""))[:LONGEST_CODE], str(debit.get("reference", ""))[:80]
    except (KeyError, TypeError, ValueError, AttributeError, InvalidOperation):
        return _UNREADABLE
    if amount.is_snan() or not (code + reference + currency).isprintable():
        return _UNREADABLE
    known = Payment.objects.filter(public_id=key, gateway=event.gateway).first()
    if known is None or client != known.lender.slug:
        return "No payment of this lender has that key."
    payment = locked_payment(known.pk)
    if (amount, currency) != (payment.amount, payment.currency):
        audit.record(
            "payment.event-refused",
            actor=None,
            subject=f"payment:{payment.number}",
            dealership=payment.dealership,
            details={
                "event": event.event_id,
                "said": f"{amount} {currency}",
                "is": f"{payment.amount} {payment.currency}",
            },
        )
        return f"The bank says {amount} {currency}, the payment is {payment.amount} {payment.currency}."
    return _move(payment, State(wanted), code=code, reference=reference, last_four=last_four, now=now)


def _move(
    payment: Payment, wanted: State, *, code: str, reference: str, last_four: str, now: datetime
) -> str:
    if payment.state in _KNOWN[wanted]:
        return ""
    if payment.state not in _FROM[wanted]:
        return f"The payment is {payment.state}; the bank says {wanted.value}."
    if payment.gateway == CARD_PAGE and len(last_four) == 4 and last_four.isascii() and last_four.isdigit():
        Payment.objects.filter(pk=payment.pk).update(card_last_four=last_four)
    if wanted != State.DECLINED and payment.state in {State.SUBMITTED, State.CHECKING}:
        # The message overtook the bank's own answer to our request.
        accept_payment(payment_id=payment.pk, reference=reference, now=now)
        if wanted != State.RETURNED:
            tell_card_taken(payment_id=payment.pk)
    match wanted:
        case State.SETTLED:
            settle_payment(payment_id=payment.pk, now=now)
        case State.RETURNED:
            return_payment(payment_id=payment.pk, code=code, now=now)
        case State.DECLINED:
            decline_payment(payment_id=payment.pk, code=code, now=now)
    return ""
