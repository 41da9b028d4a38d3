"""Pages that are sent twice: the second sending meets what came of the first."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from accounts.audit import record
from accounts.models import AuditEntry, User
from accounts.tenancy import current_lender_id


def _subject(token: UUID) -> str:
    return f"submission:{token}"


def earlier_submission(*, token: UUID, actor: User) -> AuditEntry | None:
    """What came of an earlier sending of the page shown with `token`, or None when this is the first.

    Until the transaction ends nobody else gets past this line with the same token, so that of two sendings at once one
    waits and then finds the other's result.
    """
    # 64 random bits of the token, mixed with the lender, as the signed number that PostgreSQL locks by.
    key = (token.int ^ (current_lender_id() << 40)) & 0x7FFF_FFFF_FFFF_FFFF
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [key])
    return AuditEntry.objects.filter(subject=_subject(token), actor=actor).order_by("pk").first()


def record_submission(
    *, token: UUID, code: str, actor: User, reason: str = "", details: Mapping[str, Any]
) -> AuditEntry:
    """Keep what came of a page, in the transaction of what it did."""
    return record(code, actor=actor, subject=_subject(token), reason=reason, details=details)
