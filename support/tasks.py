"""Having attachments scanned, in the background."""

import logging

from django.conf import settings

from accounts.queries.hosts import lenders_reached
from accounts.tenancy import tenant
from accounts.tenant_tasks import sweep_task
from support.actions.attachments import record_scan
from support.gateways.scanner import ScannerUnavailableError, Verdict, scan
from support.models import Attachment

logger = logging.getLogger(__name__)

_AT_ONCE = 50
_SILENCES = 3


@sweep_task("support.tasks.scan_attachment")
def scan_attachment(lender_id: int, attachment_id: int) -> None:
    """Have one waiting file scanned. Without an answer it goes on waiting, and the sweep asks again."""
    try:
        _scan(lender_id, attachment_id)
    except ScannerUnavailableError as error:
        logger.warning(
            "The scanner did not answer", extra={"attachment": attachment_id, "reason": str(error)}
        )


@sweep_task("support.tasks.scan_waiting_attachments")
def scan_waiting_attachments(lender_id: int) -> None:
    """Have what is still waiting at one lender scanned; three silences of the scanner in a row end the round."""
    with tenant(lender_id):
        rows = Attachment.objects.filter(scan=Attachment.Scan.WAITING).order_by("pk")
        waiting = list(rows.values_list("pk", flat=True)[:_AT_ONCE])
    silences = 0
    for attachment_id in waiting:
        try:
            _scan(lender_id, attachment_id)
        except ScannerUnavailableError as error:
            silences += 1
            logger.warning(
                "The scanner does not answer", extra={"attachment": attachment_id, "reason": str(error)}
            )
            if silences == _SILENCES:
                return
        else:
            # One file that the scanner cannot read must not hold up the others.
            silences = 0


@sweep_task("support.tasks.sweep_attachments")
def sweep_attachments() -> None:
    """Order a round for each lender; while no scanner is configured there is nobody to ask."""
    if not settings.SCANNER_ADDRESS:
        return
    for lender_id in lenders_reached():
        scan_waiting_attachments.hint(lender_id)


def _scan(lender_id: int, attachment_id: int) -> None:
    """Read the file, ask the scanner outside any transaction, record what it said."""
    if not settings.SCANNER_ADDRESS:
        return
    with tenant(lender_id):
        attachment = Attachment.objects.filter(pk=attachment_id, scan=Attachment.Scan.WAITING).first()
    if attachment is None:
        return
    try:
        with attachment.file.open("rb") as content:
            verdict = scan(content, settings.SCANNER_ADDRESS)
    except FileNotFoundError:
        logger.exception("A stored file is missing", extra={"attachment": attachment_id})
        verdict = Verdict(is_clean=False, finding="the stored file is missing")
    with tenant(lender_id):
        record_scan(attachment_id=attachment_id, is_clean=verdict.is_clean, finding=verdict.finding)
