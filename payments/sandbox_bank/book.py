"""What the sandbox bank knows: debits, the messages it owes its clients, and its switches. One JSON file."""

import json
import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from payments.sandbox_bank.behaviour import behaviour_of, return_code

SWITCHES = ("slow", "silent", "broken", "down")
# Seconds between a settlement and its late return.
LATE = 10.0
# Seconds until a message is sent again that the client did not take.
RETRIES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0)


class ConflictError(Exception):
    """The same key came again with other content."""


class NotPossibleError(Exception):
    """The debit is not in a state from which this can happen."""


@dataclass
class Debit:
    """One debit as its client ordered it, and what became of it: accepted, settled, declined or returned."""

    key: str
    client: str
    number: str
    amount: str
    currency: str
    scheme: str
    collect_on: str
    holder: str
    bank_code: str
    last_four: str
    mandate: str
    notify_url: str
    reference: str = ""
    state: str = "accepted"
    code: str = ""
    reason: str = ""
    why: str = ""
    end: str = "settle"
    taken_at: float = 0.0
    due_at: float | None = None
    history: list[list[Any]] = field(default_factory=list)

    def answer(self) -> dict[str, str]:
        """What the client is told about it, in answers and in messages alike."""
        return {
            name: getattr(self, name)
            for name in ("key", "client", "reference", "state", "amount", "currency", "code", "reason")
        }


@dataclass
class Message:
    """One message about a debit, owed to its client until the client has taken it."""

    id: str
    url: str
    body: str
    due_at: float
    attempts: int = 0
    delivered: bool = False


class StoredBook(ABC):
    """One JSON file with what is known and the messages that are owed to clients; safe for threads."""

    def __init__(self, path: Path, *, settle_after: float, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self.settle_after = settle_after
        self.clock = clock
        self._lock = threading.RLock()
        self.messages: list[Message] = []

    def due_messages(self) -> list[Message]:
        """Messages to be sent now, oldest first."""
        with self._lock:
            now = self.clock()
            return [message for message in self.messages if not message.delivered and message.due_at <= now]

    def note_attempt(self, message: Message, *, delivered: bool) -> None:
        """Remember how sending went; after the last retry the message is given up."""
        with self._lock:
            message.delivered = delivered
            if not delivered:
                wait = RETRIES[min(message.attempts, len(RETRIES) - 1)]
                message.attempts += 1
                message.due_at = self.clock() + wait
            self._write()

    def _owe(self, url: str, kind: str, about: dict[str, str]) -> None:
        """Owe a client a message of a kind such as `debit.settled` about what its first word names."""
        now = self.clock()
        message_id = f"evt_{secrets.token_hex(12)}"
        name = kind.partition(".")[0]
        body = json.dumps({"id": message_id, "kind": kind, "created_at": int(now), name: about})
        self.messages.append(Message(id=message_id, url=url, body=body, due_at=now))

    def _stored(self) -> dict[str, Any]:
        """What the file holds; the messages in it are owed again."""
        stored: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        self.messages = [Message(**row) for row in stored["messages"]]
        return stored

    def _owed(self) -> list[dict[str, Any]]:
        return [asdict(message) for message in self.messages if not message.delivered]

    @abstractmethod
    def _contents(self) -> dict[str, Any]:
        """All that goes into the file."""

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(self._contents(), indent=1), encoding="utf-8")
        fresh.replace(self.path)


class Book(StoredBook):
    """Everything the bank knows, safe for threads; each change is on disk before it is answered."""

    def __init__(self, path: Path, *, settle_after: float, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, settle_after=settle_after, clock=clock)
        self.debits: dict[str, Debit] = {}
        self.switches: dict[str, bool] = dict.fromkeys(SWITCHES, False)
        self._read()

    def take(self, order: dict[str, Any]) -> Debit:
        """Take a debit. The same order again gives the same debit; the same key with another is a ConflictError."""
        wanted = Debit(
            key=str(order["key"]),
            client=str(order["client"]),
            number=str(order["number"]),
            amount=str(order["amount"]),
            currency=str(order["currency"]),
            scheme=str(order["scheme"]),
            collect_on=str(order["collect_on"]),
            holder=str(order["holder"]),
            bank_code=str(order["bank_code"]),
            last_four=str(order["account_number"])[-4:],
            mandate=str(order["mandate"]),
            notify_url=str(order["notify_url"]),
        )
        behaviour = behaviour_of(str(order["account_number"]))
        with self._lock:
            known = self.debits.get(wanted.key)
            if known is not None:
                same = ("client", "amount", "currency", "scheme", "bank_code", "last_four")
                if any(getattr(known, name) != getattr(wanted, name) for name in same):
                    raise ConflictError(wanted.key)
                return known
            now = self.clock()
            wanted.reference = f"SB{secrets.token_hex(5).upper()}"
            wanted.taken_at = now
            wanted.why, wanted.end = behaviour.why, behaviour.end
            if behaviour.answer == "decline":
                wanted.state = "declined"
                wanted.code = return_code(wanted.scheme, behaviour.why)
                wanted.reason = behaviour.why
            else:
                wanted.due_at = now + self.settle_after
            wanted.history.append([now, wanted.state])
            self.debits[wanted.key] = wanted
            self._write()
            return wanted

    def settle(self, key: str) -> None:
        """The money has arrived; a debit with a late return comes back a little later."""
        with self._lock:
            debit = self._in_state(key, "accepted")
            late = debit.end == "settle then return"
            self._move(debit, "settled", due_at=self.clock() + LATE if late else None)

    def send_back(self, key: str, why: str) -> None:
        """The debit is returned unpaid, or paid and taken back."""
        with self._lock:
            debit = self._in_state(key, "accepted", "settled")
            self._move(debit, "returned", code=return_code(debit.scheme, why), reason=why)

    def decline(self, key: str) -> None:
        """The bank does not carry the debit out."""
        with self._lock:
            debit = self._in_state(key, "accepted")
            self._move(debit, "declined", code=return_code(debit.scheme, "no account"), reason="no account")

    def switch(self, name: str, on: bool) -> None:
        """Turn one of the failures on or off."""
        if name not in SWITCHES:
            raise NotPossibleError(name)
        with self._lock:
            self.switches[name] = on
            self._write()

    def move_on(self) -> None:
        """Do what has fallen due: settle, or return."""
        with self._lock:
            now = self.clock()
            for debit in list(self.debits.values()):
                if debit.due_at is None or debit.due_at > now:
                    continue
                if debit.state == "accepted" and debit.end != "return":
                    self.settle(debit.key)
                else:
                    self.send_back(debit.key, debit.why)

    def newest_first(self) -> list[Debit]:
        """Every debit, the last one taken first."""
        with self._lock:
            return sorted(self.debits.values(), key=lambda debit: -debit.taken_at)

    def _in_state(self, key: str, *states: str) -> Debit:
        debit = self.debits.get(key)
        if debit is None or debit.state not in states:
            raise NotPossibleError(f"The debit is {debit.state}." if debit else "There is no such debit.")
        return debit

    def _move(
        self, debit: Debit, state: str, *, code: str = "", reason: str = "", due_at: float | None = None
    ) -> None:
        debit.state, debit.code, debit.reason, debit.due_at = state, code, reason, due_at
        debit.history.append([self.clock(), state])
        if debit.notify_url:
            self._owe(debit.notify_url, f"debit.{state}", debit.answer())
        self._write()

    def _read(self) -> None:
        if not self.path.exists():
            return
        stored = self._stored()
        self.debits = {row["key"]: Debit(**row) for row in stored["debits"]}
        self.switches |= {name: on for name, on in stored["switches"].items() if name in SWITCHES}

    def _contents(self) -> dict[str, Any]:
        return {
            "debits": [asdict(debit) for debit in self.debits.values()],
            "messages": self._owed(),
            "switches": self.switches,
        }
