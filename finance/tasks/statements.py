"""Making statements: rendered outside of any transaction, stored once."""

import hashlib
import logging
import secrets

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from accounts.models import Lender
from accounts.queries.hosts import lenders_reached
from accounts.tenancy import tenant
from accounts.tenant_tasks import sweep_task
from finance.actions.statements import (
    assemble_statement,
    claim_statement,
    fail_statement,
    finish_batches,
    put_off_statement,
    store_statement,
)
from finance.models import Statement
from finance.pdf import statement_pdf
from finance.queries.statements.assembly import UnprovenStatementError

logger = logging.getLogger(__name__)

_SWEPT_AT_ONCE = 200


@sweep_task("finance.tasks.produce_statement")
def produce_statement(lender_id: int, statement_id: int) -> bool:
    """Make one waiting statement; True when this call made it. Safe to run twice and to be killed anywhere.

    Claim, assemble, render, store: four steps, so that no transaction waits for the PDF. What a killed worker leaves
    behind is a claim that runs out, and at worst a file that no row names.
    """
    with tenant(lender_id):
        claim = claim_statement(statement_id=statement_id, now=timezone.now())
    if claim is None:
        return False
    try:
        return _make(lender_id, statement_id)
    except UnprovenStatementError as unproven:
        logger.warning("A statement would not prove itself", extra={"statement": statement_id})
        with tenant(lender_id):
            fail_statement(statement_id=statement_id, reason=str(unproven), now=timezone.now())
    except Exception as error:  # whatever went wrong, the statement must come back or be failed on record
        logger.exception("A statement was not made", extra={"statement": statement_id})
        with tenant(lender_id):
            put_off_statement(
                statement_id=statement_id, reason=f"{type(error).__name__}: {error}", now=timezone.now()
            )
    return False


def _make(lender_id: int, statement_id: int) -> bool:
    with tenant(lender_id):
        content = assemble_statement(statement_id=statement_id, now=timezone.now())
        lender = Lender.objects.get(pk=lender_id)
    if content is None:
        return False
    pdf = statement_pdf(content, lender=lender)
    # A name nobody can guess, and never the same twice: two workers do not write one file.
    name = default_storage.save(f"statements/{secrets.token_hex(16)}.pdf", ContentFile(pdf))
    with tenant(lender_id):
        is_ours = store_statement(
            statement_id=statement_id,
            file_name=name,
            sha256=hashlib.sha256(pdf).hexdigest(),
            now=timezone.now(),
        )
    if not is_ours:
        default_storage.delete(name)
    return is_ours


@sweep_task("finance.tasks.sweep_statement_batches")
def sweep_statement_batches() -> int:
    """Order every waiting statement that nobody works on, at every lender, and close finished batches."""
    found = 0
    for lender_id in lenders_reached():
        with tenant(lender_id):
            now = timezone.now()
            finish_batches(now=now)
            due = list(
                Statement.objects.filter(state=Statement.State.WAITING, next_attempt_at__lte=now)
                .order_by("next_attempt_at", "pk")
                .values_list("pk", flat=True)[:_SWEPT_AT_ONCE]
            )
        for statement_id in due:
            produce_statement.hint(lender_id, statement_id)
        found += len(due)
    return found
