"""What the portal asks of every gateway."""

from typing import Protocol
from uuid import UUID

from payments.queries.debits import Answer, DebitOrder


class Gateway(Protocol):
    """One way by which money comes in. Never called inside a transaction; never raises for a failing counterpart."""

    name: str

    def send(self, order: DebitOrder) -> Answer:
        """Order the money. The same key again must not order it twice."""

    def look_up(self, key: UUID) -> Answer:
        """Ask what became of a key."""
