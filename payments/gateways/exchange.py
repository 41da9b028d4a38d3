"""One signed question to a bank or processor, and what is certain after it."""

import json
import logging
import time
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from payments.gateways.signatures import signature_header
from payments.queries.debits import LONGEST_CODE, Answer, Outcome

logger = logging.getLogger(__name__)

# Seconds to reach the counterpart, and to wait for its answer.
TIMEOUT = (3.05, 8.0)
_LARGEST_ANSWER = 64 * 1024


def _line(value: Any, longest: int) -> str:
    """One line of a counterpart's text, cut to `longest`; ValueError for what is none."""
    text = str(value)
    if not text.isprintable():
        raise ValueError("not a line of text")
    return text[:longest]


class SignedGateway:
    """Asks a counterpart over its JSON interface; subclasses say what is asked and which states they know.

    Whatever happens on the way becomes an Answer: only a counterpart that was certainly not reached is NOT_SENT, and
    everything that is not understood is UNCLEAR.
    """

    states: dict[str, Outcome]

    def __init__(self, url: str, secret: str) -> None:
        self.url = url.rstrip("/")
        self.secret = secret

    def ask(self, method: str, path: str, body: bytes | None, *, key: UUID) -> Answer:
        """One request under the payment's key. The signature covers the body, or the path where there is none."""
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
                    timeout=TIMEOUT,
                    allow_redirects=False,
                    stream=True,
                )
                content = response.raw.read(_LARGEST_ANSWER, decode_content=True)
        except requests.ConnectionError as problem:
            return self._unreached(problem)
        except (requests.RequestException, OSError) as problem:
            return self._unclear(type(problem).__name__)
        return self._understood(method, response.status_code, content)

    def read(self, said: dict[str, Any]) -> Answer:
        """The answer in a body; ValueError, KeyError and the like where it cannot be read."""
        amount = Decimal(str(said["amount"]))
        if not amount.is_finite():
            raise ValueError("no amount")
        return Answer(
            outcome=self.states[said["state"]],
            reference=_line(said["reference"], 80),
            code=_line(said.get("code", ""), LONGEST_CODE),
            amount=amount,
            currency=_line(said["currency"], 10),
        )

    def _understood(self, method: str, status: int, content: bytes) -> Answer:
        if method == "GET" and status == requests.codes.not_found:
            return Answer(Outcome.NOT_FOUND)
        if method == "POST" and status == requests.codes.unprocessable:
            return Answer(Outcome.DECLINED, problem="The order was refused as unreadable.")
        if status not in {200, 201, 202}:
            return self._unclear(f"HTTP {status}")
        try:
            return self.read(json.loads(content))
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation):
            return self._unclear("unreadable answer")

    def _unreached(self, problem: requests.ConnectionError) -> Answer:
        """Tell a counterpart that was never reached from one that hung up on the way."""
        reason = getattr(problem.args[0] if problem.args else None, "reason", None)
        if isinstance(reason, NewConnectionError | ConnectTimeoutError):
            logger.warning("A gateway was not reached: %s", type(reason).__name__)
            return Answer(Outcome.NOT_SENT, problem="It could not be reached.")
        return self._unclear(type(problem).__name__)

    def _unclear(self, what: str) -> Answer:
        logger.warning("A gateway's answer is unclear: %s", what)
        return Answer(Outcome.UNCLEAR, problem=what)
