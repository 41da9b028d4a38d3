"""The sandbox bank over HTTP, and the gateway that speaks to it."""

import json
import socket
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from payments.gateways import gateway_named, signatures
from payments.gateways.bank_debit import BankDebitGateway
from payments.queries.debits import DebitOrder, Outcome
from payments.sandbox_bank import server as bank_server
from payments.sandbox_bank.book import Book
from payments.sandbox_bank.messages import deliver, is_signed, signature
from tests.payments.staging import Bank

SECRET = "demo-bank-secret"


def order(number: str = "000123456789", **changes: Any) -> DebitOrder:
    values: dict[str, Any] = {
        "key": uuid4(),
        "client": "summit",
        "number": "P-100001",
        "amount": Decimal("12340.50"),
        "currency": "USD",
        "scheme": "ach",
        "collect_on": date(2026, 11, 23),
        "holder": "Alder Motors",
        "bank_code": "111000025",
        "account_number": number,
        "mandate": "",
        "notify_url": "",
    } | changes
    return DebitOrder(**values)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal waits half a second, the bank dawdles one."""
    monkeypatch.setattr("payments.gateways.exchange.TIMEOUT", (1.0, 0.5))
    monkeypatch.setattr(bank_server, "SLOW_SECONDS", 1.0)
    monkeypatch.setattr(bank_server, "SILENT_SECONDS", 1.0)


@pytest.fixture
def gateway(bank: Bank) -> BankDebitGateway:
    return BankDebitGateway(bank.url, SECRET)


def page(bank: Bank, path: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
    """A page, or a button pressed."""
    body = None if fields is None else urllib.parse.urlencode(fields).encode()
    request = urllib.request.Request(bank.url + path, data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def test_the_same_key_again_is_the_same_debit_and_another_order_a_conflict(
    bank: Bank, gateway: BankDebitGateway
) -> None:
    first = order()
    one, two = gateway.send(first), gateway.send(first)
    assert one.outcome == Outcome.ACCEPTED
    assert one.reference == two.reference
    assert one.is_about(first.amount, "USD")
    assert len(bank.book.debits) == 1
    conflict = gateway.send(order(key=first.key, amount=Decimal("1.00")))
    assert conflict.outcome == Outcome.UNCLEAR
    assert gateway.look_up(first.key).reference == one.reference
    assert gateway.look_up(uuid4()).outcome == Outcome.NOT_FOUND


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    ("number", "answer", "taken"),
    [
        ("000000000200", Outcome.DECLINED, True),
        ("000000000500", Outcome.UNCLEAR, False),
        ("000000000300", Outcome.UNCLEAR, True),
        ("000000000600", Outcome.UNCLEAR, True),
        ("000000000101", Outcome.ACCEPTED, True),
        ("000000000001", Outcome.ACCEPTED, True),
    ],
)
def test_test_numbers_behave(
    bank: Bank, gateway: BankDebitGateway, number: str, answer: Outcome, taken: bool
) -> None:
    assert gateway.send(order(number)).outcome == answer
    assert bool(bank.book.debits) == taken


@pytest.mark.usefixtures("hurried")
def test_switches_fail_as_they_say(bank: Bank, gateway: BankDebitGateway) -> None:
    for name, takes in (("slow", True), ("silent", True), ("broken", False), ("down", False)):
        bank.book.debits.clear()
        assert page(bank, f"/switches/{name}", {"on": "1"})[0] == 200
        assert bank.book.switches[name]
        assert gateway.send(order()).outcome == Outcome.UNCLEAR
        waited = threading.Event()
        waited.wait(1.2)
        assert bool(bank.book.debits) == takes, name
        page(bank, f"/switches/{name}", {"on": ""})
        assert not bank.book.switches[name]
    assert gateway.send(order()).outcome == Outcome.ACCEPTED
    assert page(bank, "/switches/another", {"on": "1"})[0] == 409


def test_a_bank_that_is_not_there_was_certainly_not_reached(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gone = BankDebitGateway(f"http://127.0.0.1:{port}", SECRET)
    assert gone.send(order()).outcome == Outcome.NOT_SENT
    assert gone.look_up(uuid4()).outcome == Outcome.NOT_SENT
    nowhere = BankDebitGateway("http://bank.invalid", SECRET)
    assert nowhere.send(order()).outcome == Outcome.NOT_SENT


def test_the_wrong_secret_takes_nothing(bank: Bank) -> None:
    assert BankDebitGateway(bank.url, "another").send(order()).outcome == Outcome.UNCLEAR
    assert bank.book.debits == {}
    assert page(bank, "/api/debits", {"key": "x"})[0] == 401
    assert page(bank, f"/api/debits/{uuid4()}")[0] == 401


class Strange(BaseHTTPRequestHandler):
    """A counterpart that answers anything but what was agreed."""

    answer: tuple[int, bytes] = (200, b"")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        status, content = self.answer
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def strange() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Strange)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    "answer",
    [
        (200, b""),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"null"),
        (200, b'{"state": "settled"}'),
        (200, b'{"state": "wonderful", "reference": "x", "amount": "1.00", "currency": "USD"}'),
        (200, b'{"state": "settled", "reference": "x", "amount": "much", "currency": "USD"}'),
        (200, b'{"state": "settled", "reference": "x", "amount": "NaN", "currency": "USD"}'),
        (200, b'{"state": "settled", "reference": "x", "amount": "sNaN", "currency": "USD"}'),
        (200, b'{"state": "settled", "reference": "x\\u0000", "amount": "1.00", "currency": "USD"}'),
        (200, b'{"state": "settled", "reference": "\\ud800", "amount": "1.00", "currency": "USD"}'),
        (200, b'{"state": ["settled"], "reference": "x", "amount": "1.00", "currency": "USD"}'),
        (200, b"x" * 100_000),
        (302, b""),
        (404, b""),
        (409, b"{}"),
        (429, b"{}"),
        (503, b"{}"),
    ],
)
def test_an_answer_that_cannot_be_understood_is_unclear(strange: str, answer: tuple[int, bytes]) -> None:
    Strange.answer = answer
    assert BankDebitGateway(strange, SECRET).send(order()).outcome == Outcome.UNCLEAR


def test_an_order_that_the_bank_cannot_read_is_declined(strange: str) -> None:
    Strange.answer = (422, b"{}")
    assert BankDebitGateway(strange, SECRET).send(order()).outcome == Outcome.DECLINED


def test_the_pages_list_debits_and_do_what_their_buttons_say(bank: Bank, gateway: BankDebitGateway) -> None:
    assert "No debits yet" in page(bank, "/")[1]
    for act, fields, state in (
        ("settle", {}, "settled"),
        ("decline", {}, "declined"),
        ("return", {"why": "no funds"}, "returned"),
    ):
        one = order(holder="<script>alert(1)</script>")
        gateway.send(one)
        status, html = page(bank, f"/debits/{one.key}")
        assert status == 200
        assert "12340.50 USD" in html
        assert "<script>" not in html
        assert "Return with R10, not authorised" in html
        assert page(bank, f"/debits/{one.key}/{act}", fields)[0] == 200
        assert bank.book.debits[str(one.key)].state == state
    assert "P-100001" in page(bank, "/")[1]
    settled = next(key for key, debit in bank.book.debits.items() if debit.state == "settled")
    assert page(bank, f"/debits/{settled}/settle", {})[0] == 409
    assert page(bank, f"/debits/{settled}/return", {"why": "not authorised"})[0] == 200
    assert bank.book.debits[settled].code == "R10"
    assert page(bank, "/debits/nobody")[0] == 404
    assert page(bank, "/debits/nobody/settle", {})[0] == 409
    assert page(bank, "/elsewhere", {})[0] == 404
    assert page(bank, "/health") == (200, "well\n")
    assert page(bank, "/style.css")[0] == 200


def test_other_sites_cannot_press_its_buttons(bank: Bank, gateway: BankDebitGateway) -> None:
    one = order()
    gateway.send(one)
    assert page(bank, f"/debits/{one.key}/settle", {}, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert page(bank, f"/debits/{one.key}/settle", {}, Host="evil.example")[0] == 403
    assert page(bank, "/", Host="evil.example")[0] == 403
    assert bank.book.debits[str(one.key)].state == "accepted"


def test_the_book_survives_a_restart_without_full_account_numbers(tmp_path: Path) -> None:
    path = tmp_path / "book.json"
    book = Book(path, settle_after=5, clock=lambda: 1000.0)
    fields = {name: str(getattr(order(), name)) for name in DebitOrder.__dataclass_fields__}
    book.take(fields | {"notify_url": "http://summit.testserver/x"})
    book.settle(fields["key"])
    assert "000123456789" not in path.read_text()
    again = Book(path, settle_after=5, clock=lambda: 1000.0)
    assert again.debits[fields["key"]].state == "settled"
    assert [json.loads(message.body)["kind"] for message in again.due_messages()] == ["debit.settled"]


def test_debits_settle_by_themselves_and_late_returns_come_later(tmp_path: Path) -> None:
    now = [1000.0]
    book = Book(tmp_path / "book.json", settle_after=20, clock=lambda: now[0])
    numbers = {"000000000001": "settled", "000000000101": "returned", "000000000110": "settled"}
    keys = {}
    for number in numbers:
        fields = {name: str(getattr(order(number), name)) for name in DebitOrder.__dataclass_fields__}
        keys[number] = fields["key"]
        book.take(fields)
    now[0] += 19
    book.move_on()
    assert {debit.state for debit in book.debits.values()} == {"accepted"}
    now[0] += 1
    book.move_on()
    assert {number: book.debits[key].state for number, key in keys.items()} == numbers
    now[0] += 10
    book.move_on()
    assert book.debits[keys["000000000110"]].state == "returned"
    assert book.debits[keys["000000000001"]].state == "settled"


def test_messages_are_signed_and_sent_until_they_are_taken(strange: str, tmp_path: Path) -> None:
    now = [1000.0]
    book = Book(tmp_path / "book.json", settle_after=20, clock=lambda: now[0])
    fields = {name: str(getattr(order(), name)) for name in DebitOrder.__dataclass_fields__}
    book.take(fields | {"notify_url": f"{strange}/events/"})
    book.settle(fields["key"])
    Strange.answer = (500, b"")
    deliver(book, SECRET)
    assert book.messages[0].attempts == 1
    assert book.due_messages() == []
    now[0] += 1
    Strange.answer = (202, b"")
    deliver(book, SECRET)
    assert book.messages[0].delivered


def test_both_sides_sign_alike_although_they_share_no_code() -> None:
    content = b'{"a": 1}'
    assert signature(SECRET, 1000, content) == signatures.signature_header(SECRET, 1000, content)
    header = signature(SECRET, 1000, content)
    assert signatures.is_authentic(header, SECRET, content, now=1300.0)
    assert is_signed(header, SECRET, content, now=1300.0)
    assert not signatures.is_authentic(header, SECRET, content, now=1301.0)
    assert not signatures.is_authentic(header, SECRET, content, now=699.0)
    assert not is_signed("t=x", SECRET, content, now=1000.0)


def test_an_unknown_gateway_is_an_error() -> None:
    with pytest.raises(LookupError):
        gateway_named("carrier pigeon")
