"""The bank as an HTTP server: a JSON API for clients, pages for people, a clock that settles.

The same process stands in for a card processor, with a secret, sessions and pages of its own.
"""

import json
import logging
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from payments.sandbox_bank import card_pages, pages
from payments.sandbox_bank.behaviour import RETURN_CODES, behaviour_of
from payments.sandbox_bank.book import Book, ConflictError, NotPossibleError
from payments.sandbox_bank.cards import CardBook, UnusableCardError
from payments.sandbox_bank.messages import deliver, is_signed

logger = logging.getLogger(__name__)

SLOW_SECONDS = 6.0
SILENT_SECONDS = 60.0
_LARGEST_BODY = 64 * 1024
_STYLE = Path(__file__).with_name("style.css")
_POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"


class BankServer(ThreadingHTTPServer):
    """Serves one book of debits, and one of card sessions where it has one, on the loopback address."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(
        self, port: int, book: Book, secret: str, *, cards: CardBook | None = None, card_secret: str = ""
    ) -> None:
        super().__init__(("127.0.0.1", port), BankHandler)
        self.book = book
        self.secret = secret
        self.cards = cards
        self.card_secret = card_secret
        self._ended = threading.Event()

    def start_clock(self, every: float = 0.5) -> None:
        """Settle, return and tell clients, in a thread, until the server closes."""

        def tick() -> None:
            while not self._ended.wait(every):
                try:
                    self.book.move_on()
                    deliver(self.book, self.secret)
                    if self.cards is not None:
                        self.cards.move_on()
                        deliver(self.cards, self.card_secret)
                except Exception:
                    logger.exception("The bank's clock stumbled")

        threading.Thread(target=tick, name="bank-clock", daemon=True).start()

    def server_close(self) -> None:
        """Stop the clock with the server."""
        self._ended.set()
        super().server_close()


class BankHandler(BaseHTTPRequestHandler):
    """One request."""

    server: BankServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer look-ups of clients, and pages."""
        if self.path.startswith("/api/sessions/"):
            self._api(self._look_up_session, self.server.card_secret)
        elif self.path.startswith("/api/"):
            self._api(self._look_up, self.server.secret)
        elif not self._is_local():
            self._html(403, pages.error_page("These pages answer on this machine only."))
        elif self.path == "/":
            self._html(200, pages.list_page(self.server.book))
        elif self.path.startswith("/cards/") and self.server.cards is not None:
            self._card_page(self.server.cards, self.path.removeprefix("/cards/"))
        elif self.path == "/style.css":
            self._send(200, _STYLE.read_bytes(), "text/css; charset=utf-8")
        elif self.path == "/health":
            self._send(200, b"well\n", "text/plain")
        else:
            debit = self.server.book.debits.get(self.path.removeprefix("/debits/"))
            if debit is None:
                self._html(404, pages.error_page("There is no such debit."))
            else:
                self._html(200, pages.debit_page(debit))

    def do_POST(self) -> None:
        """Take orders of clients, and the buttons of the pages."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            self._json(413, {"error": "The request is too large."})
            return
        self.body = self.rfile.read(int(length))
        if self.path == "/api/debits":
            self._api(self._take, self.server.secret)
        elif self.path == "/api/sessions":
            self._api(self._open_session, self.server.card_secret)
        elif not self._is_local() or self.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            self._html(403, pages.error_page("These buttons answer on this machine only."))
        elif self.path.startswith("/cards/") and self.server.cards is not None:
            self._card_form(self.server.cards)
        else:
            self._button()

    # --- the API ------------------------------------------------------------------------------------------------------

    def _api(self, act: Callable[[], None], secret: str) -> None:
        switches = self.server.book.switches
        if switches["down"]:
            self._hang_up()
            return
        if switches["slow"]:
            time.sleep(SLOW_SECONDS)
        if switches["broken"]:
            self._json(500, {"error": "The bank is broken."})
            return
        content = self.body if self.command == "POST" else self.path.encode()
        header = self.headers.get("Bank-Signature", "")
        if not secret or not is_signed(header, secret, content, now=time.time()):
            self._json(401, {"error": "The signature is wrong or old."})
            return
        act()

    def _take(self) -> None:
        try:
            order = json.loads(self.body)
            number = str(order["account_number"])
            answer = behaviour_of(number).answer
            if answer == "error":
                self._json(500, {"error": "The bank stumbled over this account."})
                return
            debit = self.server.book.take(order)
        except (ValueError, KeyError, TypeError):
            self._json(422, {"error": "The order cannot be read."})
            return
        except ConflictError:
            self._json(409, {"error": "This key was used for another order."})
            return
        if self.server.book.switches["silent"] or answer == "silent":
            time.sleep(SILENT_SECONDS)
            self._hang_up()
            return
        if answer == "slow":
            time.sleep(SLOW_SECONDS)
        self._json(200, debit.answer())

    def _look_up(self) -> None:
        debit = self.server.book.debits.get(self.path.removeprefix("/api/debits/"))
        if debit is None:
            self._json(404, {"error": "There is no such debit."})
        else:
            self._json(200, debit.answer())

    def _open_session(self) -> None:
        cards = self.server.cards
        if cards is None:
            self._json(404, {"error": "There is no card processor here."})
            return
        try:
            session = cards.open(json.loads(self.body))
        except (ValueError, KeyError, TypeError):
            self._json(422, {"error": "The order cannot be read."})
            return
        except ConflictError:
            self._json(409, {"error": "This key was used for another order."})
            return
        if self.server.book.switches["silent"]:
            time.sleep(SILENT_SECONDS)
            self._hang_up()
            return
        self._json(200, session.answer(self._page_of(session.token)))

    def _look_up_session(self) -> None:
        cards = self.server.cards
        session = cards.look_up(self.path.removeprefix("/api/sessions/")) if cards else None
        if session is None:
            self._json(404, {"error": "There is no such session."})
        else:
            self._json(200, session.answer(self._page_of(session.token)))

    def _page_of(self, token: str) -> str:
        return f"http://{self.headers.get('Host', '')}/cards/{token}"

    # --- the card pages -----------------------------------------------------------------------------------------------

    def _card_page(self, cards: CardBook, token: str) -> None:
        if not token:
            self._html(200, card_pages.sessions_page(cards))
            return
        session = cards.with_token(token)
        if session is None:
            self._html(404, pages.error_page("There is no such page."))
        elif session.state == "open":
            self._html(200, card_pages.form_page(session))
        else:
            self._html(200, card_pages.outcome_page(session))

    def _card_form(self, cards: CardBook) -> None:
        token, _slash, act = self.path.removeprefix("/cards/").partition("/")
        fields = self._fields()
        try:
            if act == "leave":
                cards.leave(token)
            else:
                names = ("number", "expiry", "security_code")
                cards.take_card(token, *(fields.get(name, "") for name in names))
        except UnusableCardError as problem:
            session = cards.with_token(token)
            if session is not None:
                self._html(422, card_pages.form_page(session, problem=str(problem)))
                return
            self._html(404, pages.error_page("There is no such page."))
        except NotPossibleError as problem:
            self._html(409, pages.error_page(str(problem)))
        else:
            self._go(f"/cards/{token}")

    # --- the pages ----------------------------------------------------------------------------------------------------

    def _button(self) -> None:
        fields = self._fields()
        book = self.server.book
        back = "/"
        try:
            match self.path.strip("/").split("/"):
                case ["switches", name]:
                    book.switch(name, bool(fields.get("on")))
                case ["debits", key, "settle"]:
                    book.settle(key)
                    back = f"/debits/{key}"
                case ["debits", key, "decline"]:
                    book.decline(key)
                    back = f"/debits/{key}"
                case ["debits", key, "return"]:
                    why = fields.get("why", "")
                    book.send_back(key, why if why in RETURN_CODES else "no funds")
                    back = f"/debits/{key}"
                case _:
                    self._html(404, pages.error_page("There is no such button."))
                    return
        except NotPossibleError as problem:
            self._html(409, pages.error_page(str(problem)))
            return
        self._go(back)

    def _fields(self) -> dict[str, str]:
        sent = parse_qs(self.body.decode(errors="replace"))
        return {name: values[0] for name, values in sent.items()}

    def _go(self, path: str) -> None:
        self.send_response(303)
        self.send_header("Location", path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _is_local(self) -> bool:
        # A page elsewhere could point its own name at this machine; only these names are answered.
        host = self.headers.get("Host", "").rpartition(":")[0] or self.headers.get("Host", "")
        return host in {"127.0.0.1", "localhost", "bank.localhost"}

    # --- answers ------------------------------------------------------------------------------------------------------

    def _hang_up(self) -> None:
        self.close_connection = True
        self.connection.close()

    def _json(self, status: int, content: dict[str, Any]) -> None:
        self._send(status, json.dumps(content).encode(), "application/json")

    def _html(self, status: int, text: str) -> None:
        self._send(status, text.encode(), "text/html; charset=utf-8")

    def _send(self, status: int, content: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Log as the rest of the process does."""
        logger.info(format, *args)
