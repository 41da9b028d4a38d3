"""Writing down who looked."""

from accounts.audit import record
from accounts.models import AuditEntry, User
from support.actions.identity import require_agent


def note_look(*, person: User, agent: User) -> AuditEntry:
    """Note that an agent opened a person's page."""
    require_agent(agent)
    return record("person.viewed", actor=agent, subject=f"user:{person.username}")
