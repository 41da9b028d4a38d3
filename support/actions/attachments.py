"""Keeping files that came with a message, and what the scanner found in them."""

import logging
import secrets
from collections.abc import Sequence

from django.conf import settings
from django.core.files import File
from django.db import transaction

from accounts.audit import record
from accounts.tenancy import current_lender_id
from accounts.tenant_tasks import hint_by_name
from support.models import Attachment, TicketMessage
from support.queries.file_contents import MAX_FILES, CheckedFile

logger = logging.getLogger(__name__)


def keep_files(*, message: TicketMessage, files: Sequence[CheckedFile]) -> list[Attachment]:
    """Store the files of a message under random names; a scanner, if there is one, must release each of them.

    Part of the action that writes the message. Raises ValueError for more files than a message may carry.
    """
    if len(files) > MAX_FILES:
        raise ValueError(f"A message carries up to {MAX_FILES} files.")
    released = not settings.SCANNER_ADDRESS and not settings.SCANNER_REQUIRED
    kept: list[Attachment] = []
    try:
        for file in files:
            attachment = Attachment(
                message=message,
                dealership_id=message.dealership_id,
                name=file.name,
                content_type=file.content_type,
                size=file.size,
                sha256=file.sha256,
                scan=Attachment.Scan.CLEAN if released else Attachment.Scan.WAITING,
            )
            file.content.seek(0)
            # The name on the disk says nothing and cannot be guessed; the person's own name is a column.
            attachment.file.save(
                f"{current_lender_id()}/{secrets.token_hex(20)}", File(file.content), save=False
            )
            kept.append(attachment)
            attachment.save()
    except BaseException:
        _forget_files([one.file.name for one in kept])
        raise
    if not released:
        lender_id, keys = current_lender_id(), [one.pk for one in kept]
        transaction.on_commit(lambda: _hint(lender_id, keys), robust=True)
    return kept


def record_scan(*, attachment_id: int, is_clean: bool, finding: str = "") -> Attachment | None:
    """Release a waiting file that is clean; refuse another for its `finding`, and delete its content.

    None when there is nothing to do any more; a second run changes nothing.
    """
    with transaction.atomic():
        attachment = (
            Attachment.objects.select_for_update(of=("self",))
            .filter(pk=attachment_id, scan=Attachment.Scan.WAITING)
            .select_related("message__ticket")
            .first()
        )
        if attachment is None:
            return None
        attachment.scan = Attachment.Scan.CLEAN if is_clean else Attachment.Scan.REFUSED
        attachment.save(update_fields=["scan"])
        record(
            "attachment.released" if is_clean else "attachment.refused",
            actor=None,
            subject=f"ticket:{attachment.message.ticket.number}",
            dealership=None if attachment.message.is_internal else attachment.dealership_id,
            reason=finding[:300],
            details={"attachment": str(attachment.public_id), "sha256": attachment.sha256},
        )
        if not is_clean:
            name = attachment.file.name
            transaction.on_commit(lambda: _forget_files([name]), robust=True)
        return attachment


def _hint(lender_id: int, keys: Sequence[int]) -> None:
    """Ask a worker to have them scanned; by name, because the task stands above."""
    for key in keys:
        hint_by_name("support.tasks.scan_attachment", lender_id, key)


def _forget_files(names: Sequence[str | None]) -> None:
    storage = Attachment._meta.get_field("file").storage
    for name in filter(None, names):
        try:
            storage.delete(name)
        except OSError:
            logger.exception("A stored file could not be deleted", extra={"file_name": name})
