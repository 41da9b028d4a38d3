"""Writing the trail: one entry per act, in the transaction of the act."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from accounts.models import AuditEntry, Dealership, User


@dataclass(frozen=True, slots=True)
class Origin:
    """Through which entrance the running work came in, from which address, under which request reference."""

    entrance: str
    address: str | None = None
    reference: str = ""


_COMMAND = Origin("command")
_origin: ContextVar[Origin] = ContextVar("forecourt_origin", default=_COMMAND)


def current_origin() -> Origin:
    """The origin of the running work."""
    return _origin.get()


@contextmanager
def working_from(origin: Origin) -> Iterator[None]:
    """Run a block whose audit entries name `origin`."""
    token = _origin.set(origin)
    try:
        yield
    finally:
        _origin.reset(token)


def describe(
    code: str,
    *,
    actor: User | None,
    subject: str = "",
    dealership: Dealership | int | None = None,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The columns of an entry, for an act whose own statement writes it; see `record`."""
    origin = _origin.get()
    return {
        "code": code,
        "subject": subject,
        "actor_id": actor.pk if actor else None,
        "actor_name": actor.get_full_name() if actor else "Forecourt",
        "dealership_id": dealership.pk if isinstance(dealership, Dealership) else dealership,
        "address": origin.address,
        "entrance": origin.entrance,
        "reference": origin.reference,
        "reason": reason,
        "details": dict(details or {}),
    }


def record(
    code: str,
    *,
    actor: User | None,
    subject: str = "",
    dealership: Dealership | int | None = None,
    reason: str = "",
    details: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write one entry; `actor` None means the portal itself. `details` must hold no secret."""
    return AuditEntry.objects.create(
        **describe(code, actor=actor, subject=subject, dealership=dealership, reason=reason, details=details)
    )
