"""Printing receipts: claimed, rendered outside of any transaction, stored once."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F

from payments.models import Payment, PaymentReceipt
from payments.queries.receipts import ReceiptPage, receipt_page

# Nobody else prints a claimed receipt before this; longer than the slowest rendering.
CLAIM = timedelta(minutes=2)
# After so many failures people look into it.
MOST_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class ReceiptWork:
    """A receipt that is ours to print, with everything that stands on it."""

    receipt_id: int
    page: ReceiptPage


@transaction.atomic
def claim_receipt(*, receipt_id: int, now: datetime) -> ReceiptWork | None:
    """Take the printing of a receipt upon oneself; None when it is printed already or somebody else prints it."""
    claimed = PaymentReceipt.objects.filter(
        pk=receipt_id, state=PaymentReceipt.State.WAITING, next_attempt_at__lte=now
    ).update(next_attempt_at=now + CLAIM, attempts=F("attempts") + 1)
    if not claimed:
        return None
    receipt = PaymentReceipt.objects.get(pk=receipt_id)
    payment = Payment.objects.get(pk=receipt.payment_id)
    return ReceiptWork(receipt_id, receipt_page(payment, as_of_state=receipt.payment_state))


@transaction.atomic
def receipt_printed(*, receipt_id: int, content: bytes, total: bytes, now: datetime) -> bool:
    """Store the printed receipt, itemised and with one total; False when another run was quicker, whose files stay."""
    receipt = PaymentReceipt.objects.select_for_update().get(pk=receipt_id)
    if receipt.state == PaymentReceipt.State.READY:
        return False
    receipt.file.save(f"{uuid.uuid4().hex}.pdf", ContentFile(content), save=False)
    receipt.file.storage.save(receipt.total_name, ContentFile(total))
    receipt.sha256 = hashlib.sha256(content).hexdigest()
    receipt.state = PaymentReceipt.State.READY
    receipt.printed_at = now
    receipt.save(update_fields=["file", "sha256", "state", "printed_at"])
    return True


@transaction.atomic
def receipt_failed(*, receipt_id: int, now: datetime) -> None:
    """Printing did not work: try again in a while, and give up on record after the last try."""
    receipt = PaymentReceipt.objects.select_for_update().get(pk=receipt_id)
    if receipt.state != PaymentReceipt.State.WAITING:
        return
    receipt.next_attempt_at = now + timedelta(seconds=30 * 2 ** min(receipt.attempts, 7))
    if receipt.attempts >= MOST_ATTEMPTS:
        receipt.state = PaymentReceipt.State.FAILED
    receipt.save(update_fields=["next_attempt_at", "state"])
