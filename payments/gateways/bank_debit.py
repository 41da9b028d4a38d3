"""Bank debits over a bank's or processor's JSON interface (`docs/integrators/bank-debits.md`)."""

import json
import logging
import time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from payments.gateways.signatures import signature_header
from payments.queries.debits import Answer, DebitOrder, Outcome
from payments.queries.offered import BANK_DEBIT

logger = logging.getLogger(__name__)

# Seconds to reach the bank, and to wait for its answer.
_TIMEOUT = (3.05, 8.0)
_LARGEST_ANSWER = 64 * 1024
_STATES = {
    "accepted": Outcome.ACCEPTED,
    "settled": Outcome.SETTLED,
    "declined": Outcome.DECLINED,
    "returned": Outcome.RETURNED,
}


class BankDebitGateway:
    """Orders debits of bank accounts and asks about them."""

    name = BANK_DEBIT

    def __init__(self, url: str, secret: str) -> None:
        self.url = url.rstrip("/")
        self.secret = secret

    def send(self, order: DebitOrder) -> Answer:
        """Order the debit under its key. An answer that does not name the ordered amount is unclear."""
        body = json.dumps(
            {
                "key": str(order.key),
                "client": order.client,
                "number": order.number,
                "amount": str(order.amount),
                "currency": order.currency,
                "scheme": order.scheme,
                "collect_on": order.collect_on.isoformat(),
                "holder": order.holder,
                "bank_code": order.bank_code,
                "account_number": order.account_number,
                "mandate": order.mandate,
                "notify_url": order.notify_url,
            }
        ).encode()
        return self._ask("POST", "/api/debits", body, key=order.key)

    def look_up(self, key: UUID) -> Answer:
        """Ask what became of the key."""
        return self._ask("GET", f"/api/debits/{key}", None, key=key)

    def _ask(self, method: str, path: str, body: bytes | None, *, key: UUID) -> Answer:
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/json",
            "Idempotency-Key": str(key),
            "Bank-Signature": signature_header(
                self.secret, int(time.time()), path.encode() if body is None else body
            ),
        }
        try:
            with requests.Session() as session:
                # The way out is the configured address, not whatever proxy the environment names.
                session.trust_env = False
                response = session.request(
                    method,
                    self.url + path,
                    data=body,
                    headers=headers,
                    timeout=_TIMEOUT,
                    allow_redirects=False,
                    stream=True,
                )
                content = response.raw.read(_LARGEST_ANSWER, decode_content=True)
        except requests.ConnectionError as problem:
            return self._unreached(problem)
        except (requests.RequestException, OSError) as problem:
            return self._unclear(type(problem).__name__)
        return self._understood(method, response.status_code, content)

    def _understood(self, method: str, status: int, content: bytes) -> Answer:
        if method == "GET" and status == requests.codes.not_found:
            return Answer(Outcome.NOT_FOUND)
        if method == "POST" and status == requests.codes.unprocessable:
            return Answer(Outcome.DECLINED, problem="The bank refused the order as unreadable.")
        if status not in {200, 201, 202}:
            return self._unclear(f"HTTP {status}")
        try:
            said: dict[str, Any] = json.loads(content)
            return Answer(
                outcome=_STATES[said["state"]],
                reference=str(said["reference"])[:80],
                code=str(said.get("code", ""))[:8],
                amount=Decimal(str(said["amount"])),
                currency=str(said["currency"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
            return self._unclear("unreadable answer")

    def _unreached(self, problem: requests.ConnectionError) -> Answer:
        """Tell a bank that was never reached from one that hung up on the way."""
        reason = getattr(problem.args[0] if problem.args else None, "reason", None)
        if isinstance(reason, NewConnectionError | ConnectTimeoutError):
            logger.warning("The bank was not reached: %s", type(reason).__name__)
            return Answer(Outcome.NOT_SENT, problem="The bank could not be reached.")
        return self._unclear(type(problem).__name__)

    def _unclear(self, what: str) -> Answer:
        logger.warning("The bank's answer is unclear: %s", what)
        return Answer(Outcome.UNCLEAR, problem=what)
