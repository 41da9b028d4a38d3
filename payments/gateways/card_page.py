"""Cards on the processor's own page (`docs/integrators/card-page.md`): the portal opens it and never sees a card."""

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from payments.gateways.exchange import SignedGateway
from payments.queries.debits import Answer, DebitOrder, Outcome
from payments.queries.offered import CARD_PAGE

_LONGEST_ADDRESS = 500


class CardPageGateway(SignedGateway):
    """Opens a page of the processor for one payment, and asks what became of it."""

    name = CARD_PAGE
    states = {
        "open": Outcome.OPENED,
        "accepted": Outcome.ACCEPTED,
        "settled": Outcome.SETTLED,
        "declined": Outcome.DECLINED,
        "returned": Outcome.RETURNED,
    }

    def send(self, order: DebitOrder) -> Answer:
        """Open a session under the payment's key; the same key again is the same session."""
        body = json.dumps(
            {
                "key": str(order.key),
                "client": order.client,
                "number": order.number,
                "amount": str(order.amount),
                "currency": order.currency,
                "closes_at": order.closes_at.isoformat(timespec="seconds") if order.closes_at else None,
                "return_url": order.return_url,
                "notify_url": order.notify_url,
            }
        ).encode()
        return self.ask("POST", "/api/sessions", body, key=order.key)

    def look_up(self, key: UUID) -> Answer:
        """Ask what became of the session."""
        return self.ask("GET", f"/api/sessions/{key}", None, key=key)

    def read(self, said: dict[str, Any]) -> Answer:
        """As elsewhere, and where the page is, and the last four of the card that was used."""
        answer = super().read(said)
        if answer.outcome == Outcome.OPENED:
            return replace(answer, page=self._safe_page(str(said["page"])))
        last_four = str(said.get("last_four", ""))
        is_four = len(last_four) == 4 and last_four.isascii() and last_four.isdigit()
        return replace(answer, last_four=last_four if is_four else "")

    def _safe_page(self, address: str) -> str:
        """The address to which people may be sent: over TLS, or at the very host that is asked without it."""
        parts, own = urlsplit(address), urlsplit(self.url)
        is_own = parts.scheme == own.scheme and parts.netloc == own.netloc
        fits = len(address) <= _LONGEST_ADDRESS and address.isascii() and address.isprintable()
        if not (fits and parts.hostname and (parts.scheme == "https" or is_own)):
            raise ValueError("no address to send people to")
        return address
