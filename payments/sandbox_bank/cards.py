"""The sandbox's card processor: sessions that wait for a card, test numbers, and what becomes of them."""

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from payments.sandbox_bank.book import LATE, ConflictError, NotPossibleError, StoredBook

# Past this a page is shut although its client gave a later time, or none.
LONGEST_OPEN = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class TestCard:
    """What a payment with this card number meets: a decline, or a settlement that may come back, or be kept quiet."""

    __test__ = False  # not a test class, whatever its name looks like

    number: str
    end: str
    code: str
    words: str


TEST_CARDS = (
    TestCard("4242424242424242", "settle", "", "is paid"),
    TestCard("4000000000000002", "decline", "generic_decline", "is declined without a reason"),
    TestCard("4000000000009995", "decline", "insufficient_funds", "is declined for want of funds"),
    TestCard("4000000000000069", "decline", "expired_card", "is declined as expired"),
    TestCard("4000000000000127", "decline", "incorrect_cvc", "is declined for its security code"),
    TestCard("4000000000009987", "decline", "lost_card", "is declined as lost (which nobody is told)"),
    TestCard("4000000000000119", "decline", "processing_error", "is declined for an error on the way"),
    TestCard(
        "4000000000003220", "decline", "authentication_required", "is declined for want of confirmation"
    ),
    TestCard("4000000000000259", "settle then return", "fraudulent_dispute", "is paid, then disputed"),
    TestCard("4000000000000341", "quiet", "", "is paid, but the processor tells nobody until it is asked"),
)


class UnusableCardError(Exception):
    """What was typed cannot be a card; the page says so and stays open."""


@dataclass
class Session:
    """One page for one payment: open, accepted, settled, declined or returned. Of a card it keeps the last four."""

    key: str
    client: str
    number: str
    amount: str
    currency: str
    closes_at: float
    return_url: str
    notify_url: str
    token: str = ""
    reference: str = ""
    state: str = "open"
    code: str = ""
    last_four: str = ""
    end: str = "settle"
    opened_at: float = 0.0
    due_at: float | None = None
    history: list[list[Any]] = field(default_factory=list)

    def answer(self, page: str = "") -> dict[str, str]:
        """What the client is told about it; `page` only while it is open."""
        names = ("key", "client", "reference", "state", "amount", "currency", "code", "last_four")
        told: dict[str, str] = {name: getattr(self, name) for name in names}
        return {**told, "page": page} if self.state == "open" else told


class CardBook(StoredBook):
    """Everything the processor knows, safe for threads; each change is on disk before it is answered."""

    def __init__(self, path: Path, *, settle_after: float, clock: Callable[[], float] = time.time) -> None:
        super().__init__(path, settle_after=settle_after, clock=clock)
        self.sessions: dict[str, Session] = {}
        self._read()

    def open(self, order: dict[str, Any]) -> Session:
        """Open a page. The same order again is the same page; the same key with another is a ConflictError."""
        with self._lock:
            now = self.clock()
            asked = datetime.fromisoformat(order["closes_at"]).astimezone(UTC).timestamp()
            wanted = Session(
                key=str(order["key"]),
                client=str(order["client"]),
                number=str(order["number"]),
                amount=str(order["amount"]),
                currency=str(order["currency"]),
                closes_at=min(asked, now + LONGEST_OPEN),
                return_url=str(order["return_url"]),
                notify_url=str(order["notify_url"]),
                token=secrets.token_urlsafe(24),
                reference=f"SC{secrets.token_hex(5).upper()}",
                opened_at=now,
            )
            known = self.sessions.get(wanted.key)
            if known is not None:
                same = ("client", "amount", "currency")
                if any(getattr(known, name) != getattr(wanted, name) for name in same):
                    raise ConflictError(wanted.key)
                return known
            wanted.history.append([now, "open"])
            self.sessions[wanted.key] = wanted
            self._write()
            return wanted

    def look_up(self, key: str) -> Session | None:
        """The session of a key; a page whose time is over is shut before anybody is told that it is open."""
        with self._lock:
            session = self.sessions.get(key)
            if session is not None and session.state == "open" and session.closes_at <= self.clock():
                self._move(session, "declined", code="abandoned")
            return session

    def with_token(self, token: str) -> Session | None:
        """The session of a page's address."""
        with self._lock:
            return next((one for one in self.sessions.values() if one.token == token), None)

    def take_card(self, token: str, number: str, expiry: str, security_code: str) -> Session:
        """Use a card on an open page. UnusableCardError, and the page stays open, where it cannot be one."""
        digits = "".join(sign for sign in number if sign.isdigit())
        if not (13 <= len(digits) <= 19 and _has_check_digit(digits)):
            raise UnusableCardError("This is no card number. Check it for a mistyped digit.")
        with self._lock:
            if not _is_to_come(expiry, self.clock()):
                raise UnusableCardError("Enter month and year in the future, such as 12/30.")
            if not (security_code.isdigit() and len(security_code) in {3, 4}):
                raise UnusableCardError("Enter the three or four digits on the card.")
            session = self._open_one(token)
            card = next((known for known in TEST_CARDS if known.number == digits), TEST_CARDS[0])
            session.last_four = digits[-4:]
            session.end = card.end
            if card.end == "decline":
                self._move(session, "declined", code=card.code)
            else:
                self._move(session, "accepted", due_at=self.clock() + self.settle_after)
            return session

    def leave(self, token: str) -> Session:
        """The payer goes away without paying."""
        with self._lock:
            session = self._open_one(token)
            self._move(session, "declined", code="abandoned")
            return session

    def settle(self, key: str) -> None:
        """The money has arrived; a payment that is disputed comes back a little later."""
        with self._lock:
            session = self.sessions.get(key)
            if session is None or session.state != "accepted":
                raise NotPossibleError("There is no such payment under way.")
            is_disputed = session.end == "settle then return"
            self._move(session, "settled", due_at=self.clock() + LATE if is_disputed else None)

    def move_on(self) -> None:
        """Do what has fallen due: close pages, settle, take back."""
        with self._lock:
            now = self.clock()
            for session in list(self.sessions.values()):
                if session.state == "open" and session.closes_at <= now:
                    self._move(session, "declined", code="abandoned")
                elif session.due_at is not None and session.due_at <= now:
                    if session.state == "accepted":
                        self.settle(session.key)
                    else:
                        self._move(session, "returned", code="fraudulent_dispute")

    def newest_first(self) -> list[Session]:
        """Every session, the last one opened first."""
        with self._lock:
            return sorted(self.sessions.values(), key=lambda session: -session.opened_at)

    def _open_one(self, token: str) -> Session:
        session = self.with_token(token)
        if session is None or session.state != "open" or session.closes_at <= self.clock():
            raise NotPossibleError(
                "This page is closed. Go back to where you came from to see what became of it."
            )
        return session

    def _move(self, session: Session, state: str, *, code: str = "", due_at: float | None = None) -> None:
        session.state, session.code, session.due_at = state, code, due_at
        session.history.append([self.clock(), state])
        if session.notify_url and session.end != "quiet":
            self._owe(session.notify_url, f"session.{state}", session.answer())
        self._write()

    def _read(self) -> None:
        if not self.path.exists():
            return
        stored = self._stored()
        self.sessions = {row["key"]: Session(**row) for row in stored["sessions"]}

    def _contents(self) -> dict[str, Any]:
        return {
            "sessions": [asdict(session) for session in self.sessions.values()],
            "messages": self._owed(),
        }


def _has_check_digit(digits: str) -> bool:
    """The check digit of card numbers (ISO/IEC 7812-1, Luhn)."""
    total = 0
    for place, sign in enumerate(reversed(digits)):
        doubled = int(sign) * (1 + place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return total % 10 == 0


def _is_to_come(expiry: str, now: float) -> bool:
    """Whether MM/YY is this month or a later one."""
    month, _slash, year = expiry.replace(" ", "").partition("/")
    if not (month.isdigit() and year.isdigit() and 1 <= int(month) <= 12 and len(year) == 2):
        return False
    today = datetime.fromtimestamp(now, tz=UTC)
    return (2000 + int(year), int(month)) >= (today.year, today.month)
