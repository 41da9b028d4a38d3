"""Moving a payment on: claimed before the outside is asked, written down after it has answered.

Asking happens between two transactions. `claim_payment` says what to do and keeps others away for a while;
`record_answer` takes what came of it. Whoever dies in between leaves a payment that the next one asks about by its
key, and never sends a second time.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext_noop as _

from accounts import audit
from payments.actions.card_mails import tell_card_taken
from payments.actions.locks import locked_payment
from payments.actions.states import POLL, accept_payment, decline_payment, return_payment, settle_payment
from payments.actions.steps import record_step
from payments.models import Payment
from payments.queries.debits import PAGE_OPEN_FOR, Answer, DebitOrder, Outcome, debit_order, page_closes_at
from payments.queries.offered import CARD_PAGE
from payments.queries.return_reasons import ABANDONED

State = Payment.State

# Nobody else takes a claimed payment up before this; longer than the longest wait for a bank.
CLAIM = timedelta(seconds=60)
# When to ask again what became of a payment whose state is unknown; after the last one people take over.
LADDER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(hours=1),
    *(timedelta(days=1) for _day in range(5)),
)
# When to try again a bank that was not reached at all.
RETRIES = tuple(timedelta(seconds=seconds) for seconds in (15, 30, 60, 120, 300))
NEVER = timedelta(days=3650)
# How often an open card page is asked about, in case its message got lost.
PAGE_POLL = timedelta(minutes=1)
# How long after its closing time an open page, or no answer about it, is still put down to slow clocks.
PAGE_GRACE = timedelta(minutes=2)

# Sentences about the bank, and about the card processor.
_BROKE_OFF = (
    _("The connection to the bank broke off. We are asking the bank."),
    _("The connection to the card processor broke off. We are asking it."),
)
_UNREACHED = (
    _("The bank cannot be reached just now. We keep trying."),
    _("The card processor cannot be reached just now. We keep trying."),
)
_UNRECEIVED = (
    _("The bank had not received it. We send it again."),
    _("The card processor had not received it. We ask for a card page again."),
)
_UNANSWERED = (
    _("The bank's answer did not arrive. We are asking the bank."),
    _("The card processor's answer did not arrive. We are asking it."),
)
_SILENT = (
    _("The bank gives no answer. Our staff clears it up with the bank."),
    _("The card processor gives no answer. Our staff clears it up."),
)


class Act(StrEnum):
    """What to do with a claimed payment."""

    SEND = "send"
    LOOK_UP = "look up"


@dataclass(frozen=True, slots=True)
class Claim:
    """A payment that is ours for a minute, and what to do with it outside of any transaction."""

    payment_id: int
    gateway: str
    act: Act
    order: DebitOrder


@transaction.atomic
def claim_payment(*, payment_id: int, now: datetime) -> Claim | None:
    """Take the next step of a payment upon oneself; None when nothing is to be done or somebody else has it."""
    until = now + CLAIM
    if _closed_unopened(payment_id, now=now):
        return None
    open_payment = Payment.objects.filter(pk=payment_id, next_step_at__lte=now)
    if open_payment.filter(state=State.SUBMITTED, sending_since=None).update(
        sending_since=now, next_step_at=until
    ):
        act = Act.SEND
    elif open_payment.filter(state=State.SUBMITTED).exclude(processor_page="").update(next_step_at=until):
        # The payer has the processor's page before them, or has left it.
        act = Act.LOOK_UP
    elif open_payment.filter(state=State.SUBMITTED).update(
        state=State.CHECKING, lookups=0, next_step_at=until
    ):
        # Somebody began to send and never came back with an answer.
        payment = Payment.objects.get(pk=payment_id)
        record_step(payment, State.CHECKING, _BROKE_OFF[payment.gateway == CARD_PAGE])
        act = Act.LOOK_UP
    elif open_payment.filter(Q(state=State.CHECKING) | Q(state=State.PROCESSING)).update(next_step_at=until):
        act = Act.LOOK_UP
    else:
        return None
    payment = Payment.objects.select_related("method", "lender").get(pk=payment_id)
    return Claim(payment.pk, payment.gateway, act, debit_order(payment))


@transaction.atomic
def record_answer(*, payment_id: int, act: Act, answer: Answer, now: datetime) -> Payment:
    """Write down what the gateway said to a claimed payment. A payment that has moved on meanwhile stays as it is."""
    payment = locked_payment(payment_id)
    if payment.state not in {State.SUBMITTED, State.CHECKING, State.PROCESSING}:
        return payment
    outcome = answer.outcome
    holds_something = outcome in {Outcome.OPENED, Outcome.ACCEPTED, Outcome.SETTLED, Outcome.RETURNED}
    if holds_something and not answer.is_about(payment.amount, payment.currency):
        audit.record(
            "payment.bank-disagrees",
            actor=None,
            subject=f"payment:{payment.number}",
            dealership=payment.dealership_id,
            details={
                "bank_amount": str(answer.amount),
                "bank_currency": answer.currency,
                "amount": str(payment.amount),
            },
        )
        outcome = Outcome.UNCLEAR
    if answer.last_four:
        Payment.objects.filter(pk=payment_id).update(card_last_four=answer.last_four)
    match outcome:
        case Outcome.OPENED if answer.page and not _is_past_closing(payment, now=now):
            _opened(payment, answer, now=now)
        case Outcome.ACCEPTED | Outcome.SETTLED | Outcome.RETURNED:
            _taken(payment_id, outcome, answer, now=now)
        case Outcome.DECLINED:
            decline_payment(payment_id=payment_id, code=answer.code, now=now)
        case Outcome.NOT_SENT if act == Act.SEND:
            _not_reached(payment, now=now)
        case Outcome.NOT_FOUND if payment.state != State.PROCESSING and _is_past_closing(payment, now=now):
            decline_payment(payment_id=payment_id, code=ABANDONED, now=now)
        case Outcome.NOT_FOUND if payment.state == State.CHECKING:
            _send_again(payment, now=now)
        case _:
            _still_unknown(payment, now=now)
    payment.refresh_from_db()
    return payment


def _taken(payment_id: int, outcome: Outcome, answer: Answer, *, now: datetime) -> None:
    """The gateway has it, or even the money, or has sent it back already."""
    accept_payment(payment_id=payment_id, reference=answer.reference, now=now)
    if outcome == Outcome.RETURNED:
        return_payment(payment_id=payment_id, code=answer.code, now=now)
        return
    tell_card_taken(payment_id=payment_id)
    if outcome == Outcome.SETTLED:
        settle_payment(payment_id=payment_id, now=now)


def _closed_unopened(payment_id: int, *, now: datetime) -> bool:
    """Decline a card payment for which no page was ever opened and whose time is over: nobody waits for it."""
    late = Payment.objects.filter(
        pk=payment_id,
        gateway=CARD_PAGE,
        state=State.SUBMITTED,
        sending_since=None,
        submitted_at__lte=now - PAGE_OPEN_FOR,
    )
    if not late.exists():
        return False
    locked_payment(payment_id)
    if late.exists():
        decline_payment(payment_id=payment_id, code=ABANDONED, now=now)
    return True


def _is_past_closing(payment: Payment, *, now: datetime) -> bool:
    closes_at = page_closes_at(payment)
    return closes_at is not None and now > closes_at + PAGE_GRACE


def _opened(payment: Payment, answer: Answer, *, now: datetime) -> None:
    """The processor's page is open: the payer is sent there, and it is asked about until its time is over."""
    if payment.state == State.PROCESSING:
        # Old news: the card has been taken meanwhile.
        return
    is_new = payment.processor_page != answer.page or payment.state != State.SUBMITTED
    payment.state = State.SUBMITTED
    payment.processor_page = answer.page
    payment.gateway_reference = answer.reference or payment.gateway_reference
    payment.lookups = 0
    payment.next_step_at = now + PAGE_POLL
    payment.save(update_fields=["state", "processor_page", "gateway_reference", "lookups", "next_step_at"])
    if is_new:
        record_step(payment, State.SUBMITTED, _("The card page is open."))


def _not_reached(payment: Payment, *, now: datetime) -> None:
    """The bank never got it: it stays submitted, may be cancelled, and is sent a little later."""
    payment.next_step_at = now + RETRIES[min(payment.lookups, len(RETRIES) - 1)]
    payment.sending_since = None
    if payment.lookups == 0:
        record_step(payment, State.SUBMITTED, _UNREACHED[payment.gateway == CARD_PAGE])
    payment.lookups += 1
    payment.save(update_fields=["next_step_at", "sending_since", "lookups"])


def _send_again(payment: Payment, *, now: datetime) -> None:
    """The bank says that it never took the key, so sending it under the same key cannot be a second debit."""
    payment.state = State.SUBMITTED
    payment.sending_since = None
    payment.lookups = 0
    payment.next_step_at = now
    payment.save(update_fields=["state", "sending_since", "lookups", "next_step_at"])
    record_step(payment, State.SUBMITTED, _UNRECEIVED[payment.gateway == CARD_PAGE])


def _still_unknown(payment: Payment, *, now: datetime) -> None:
    """Nobody knows: being checked, and asked again later and later; after the last time people take over."""
    if payment.state == State.PROCESSING:
        # The bank has taken it; that it does not answer now changes nothing.
        payment.next_step_at = now + POLL
        payment.save(update_fields=["next_step_at"])
        return
    if payment.processor_page and payment.state == State.SUBMITTED and not _is_past_closing(payment, now=now):
        # The payer may still be entering the card; whether the processor answers us just now says nothing.
        payment.next_step_at = now + PAGE_POLL
        payment.save(update_fields=["next_step_at"])
        return
    first = payment.state == State.SUBMITTED
    step = 0 if first else payment.lookups + 1
    payment.state = State.CHECKING
    payment.lookups = step
    payment.next_step_at = now + (LADDER[step] if step < len(LADDER) else NEVER)
    payment.save(update_fields=["state", "lookups", "next_step_at"])
    if first:
        record_step(payment, State.CHECKING, _UNANSWERED[payment.gateway == CARD_PAGE])
    if step == len(LADDER):
        record_step(payment, State.CHECKING, _SILENT[payment.gateway == CARD_PAGE])
        audit.record(
            "payment.unresolved",
            actor=None,
            subject=f"payment:{payment.number}",
            dealership=payment.dealership_id,
        )
