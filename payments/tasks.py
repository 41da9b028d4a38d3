"""Work on payments that happens after the request. Every task may run twice; the rows decide, the broker only hints."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.queries.hosts import lenders_reached
from accounts.tenancy import tenant
from accounts.tenant_tasks import sweep_task, tenant_task
from payments.actions.drafts import discard_old_drafts
from payments.actions.events import process_event
from payments.actions.progress import Act, claim_payment, record_answer
from payments.actions.receipts import claim_receipt, receipt_failed, receipt_printed
from payments.gateways import gateway_named
from payments.models import GatewayEvent, Payment, PaymentReceipt
from payments.pdf import receipt_pdf
from payments.queries.pending import PENDING_STATES

logger = logging.getLogger(__name__)

_AT_ONCE = 500
# A message whose hint was lost waits this long for the sweep, so that the sweep does not race the hint.
_SETTLED_DOWN = timedelta(seconds=10)


@sweep_task("payments.tasks.move_payment")
def move_payment(lender_id: int, payment_id: int) -> str:
    """Take a payment's next step: claim it, ask its gateway outside of any transaction, record the answer."""
    with tenant(lender_id):
        claim = claim_payment(payment_id=payment_id, now=timezone.now())
    if claim is None:
        return "nothing to do"
    gateway = gateway_named(claim.gateway)
    answer = gateway.send(claim.order) if claim.act == Act.SEND else gateway.look_up(claim.order.key)
    with tenant(lender_id):
        payment = record_answer(payment_id=payment_id, act=claim.act, answer=answer, now=timezone.now())
        waiting = _waiting_receipts()
    for receipt_id in waiting:
        print_receipt.hint(lender_id, receipt_id)
    if payment.state == Payment.State.SUBMITTED and claim.act == Act.LOOK_UP:
        move_payment.hint(lender_id, payment_id)
    return str(payment.state)


@tenant_task("payments.tasks.process_gateway_event")
def process_gateway_event(lender_id: int, event_pk: int) -> str:
    """Carry out a message of a bank that was stored."""
    event = process_event(event_pk=event_pk, now=timezone.now())
    waiting = _waiting_receipts()
    for receipt_id in waiting:
        _print_after_commit(lender_id, receipt_id)
    return event.problem


@sweep_task("payments.tasks.print_receipt")
def print_receipt(lender_id: int, receipt_id: int) -> bool:
    """Print an ordered receipt; True when it is there now. Printing happens outside of any transaction."""
    with tenant(lender_id):
        work = claim_receipt(receipt_id=receipt_id, now=timezone.now())
    if work is None:
        return False
    try:
        content, total = (receipt_pdf(work.page, itemised=itemised) for itemised in (True, False))
    except Exception:
        logger.exception("A receipt could not be printed", extra={"receipt": receipt_id})
        with tenant(lender_id):
            receipt_failed(receipt_id=receipt_id, now=timezone.now())
        return False
    with tenant(lender_id):
        receipt_printed(receipt_id=receipt_id, content=content, total=total, now=timezone.now())
    return True


@sweep_task("payments.tasks.sweep_payments")
def sweep_payments() -> int:
    """Order the next step of everything that is due, at every lender; catches what a lost broker or worker left."""
    found = 0
    for lender_id in lenders_reached():
        now = timezone.now()
        with tenant(lender_id):
            payments = list(
                Payment.objects.filter(state__in=PENDING_STATES, next_step_at__lte=now)
                .order_by("next_step_at")
                .values_list("pk", flat=True)[:_AT_ONCE]
            )
            events = list(
                GatewayEvent.objects.filter(processed_at=None, received_at__lte=now - _SETTLED_DOWN)
                .order_by("pk")
                .values_list("pk", flat=True)[:_AT_ONCE]
            )
            receipts = _waiting_receipts()
            discard_old_drafts(now=now)
        for payment_id in payments:
            move_payment.hint(lender_id, payment_id)
        for event_pk in events:
            process_gateway_event.hint(lender_id, event_pk)
        for receipt_id in receipts:
            print_receipt.hint(lender_id, receipt_id)
        found += len(payments) + len(events) + len(receipts)
    return found


def _print_after_commit(lender_id: int, receipt_id: int) -> None:
    # No partial: Django names a robust hook that failed, and a partial has no name.
    transaction.on_commit(lambda: print_receipt.hint(lender_id, receipt_id), robust=True)


def _waiting_receipts() -> list[int]:
    """Receipts of the running block's lender that are to be printed now."""
    waiting = PaymentReceipt.objects.filter(
        state=PaymentReceipt.State.WAITING, next_attempt_at__lte=timezone.now()
    )
    return list(waiting.order_by("next_attempt_at").values_list("pk", flat=True)[:_AT_ONCE])
