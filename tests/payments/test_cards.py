"""Cards by redirect, against a real card processor over HTTP: the portal opens a page, and never sees a card."""

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client, override_settings
from django.utils import timezone

from accounts.emails import write_mail
from accounts.models import AuditEntry, OutgoingMessage, User
from accounts.tenancy import tenant
from finance.models import JournalEntry
from payments.actions.methods import allow_cards
from payments.gateways import gateway_named
from payments.gateways.card_page import CardPageGateway
from payments.models import GatewayEvent, Payment, PaymentMethod, PaymentReceipt, PaymentStep
from payments.queries.debits import Answer, Outcome
from payments.queries.offered import CARD_PAGE, methods_of
from payments.queries.receipts import receipt_page
from payments.queries.return_reasons import _CARD_TABLE, _WORDS, return_reason
from payments.queries.timing import timing_of
from payments.sandbox_bank import server as bank_server
from payments.sandbox_bank.book import Book
from payments.sandbox_bank.cards import TEST_CARDS, CardBook
from payments.sandbox_bank.messages import signature
from payments.sandbox_bank.server import BankServer
from payments.tasks import move_payment, print_receipt, process_gateway_event
from tests.cast import Cast, anonymous
from tests.payments.staging import Stage, due, make_stage, pay, position
from tests.payments.test_pages import checked

PATH = "/payments/gateway/card-page/events/"
SECRET = "demo-card-secret"
GOOD = "4242 4242 4242 4242"
ClientOf = Callable[[User], Client]


@dataclass
class Processor:
    """The sandbox's card processor in a thread; its clock of sessions can be turned forward."""

    cards: CardBook
    bank: Book
    url: str
    ahead: list[float]

    def session(self, payment: Payment) -> Any:
        return self.cards.sessions[str(payment.public_id)]

    def browse(self, address: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        """A page as the payer's browser asks for it."""
        body = None if fields is None else urllib.parse.urlencode(fields).encode()
        try:
            with urllib.request.urlopen(
                urllib.request.Request(address, data=body, headers=headers), timeout=10
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def enter(
        self, page: str, number: str = GOOD, expiry: str = "12/40", code: str = "123"
    ) -> tuple[int, str]:
        """Type a card into the processor's page."""
        return self.browse(page, {"number": number, "expiry": expiry, "security_code": code})


@pytest.fixture
def processor(tmp_path: Path) -> Iterator[Processor]:
    ahead = [0.0]
    bank = Book(tmp_path / "bank.json", settle_after=3600)
    cards = CardBook(tmp_path / "cards.json", settle_after=3600, clock=lambda: time.time() + ahead[0])
    server = BankServer(0, bank, settings.BANK_GATEWAY_SECRET, cards=cards, card_secret=SECRET)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    with override_settings(CARD_GATEWAY_URL=url, CARD_GATEWAY_SECRET=SECRET, BANK_GATEWAY_URL=url):
        yield Processor(cards, bank, url, ahead)
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The portal waits half a second, the processor dawdles one."""
    monkeypatch.setattr("payments.gateways.exchange.TIMEOUT", (1.0, 0.5))
    monkeypatch.setattr(bank_server, "SILENT_SECONDS", 1.0)


@pytest.fixture
def stage(cast: Cast) -> Stage:
    """Alder Motors may pay by card."""
    with tenant(cast.lender.pk):
        made = make_stage(cast.lender, cast.dealership)
        made.method = allow_cards(dealership=cast.dealership, actor=cast.finance)
    return made


@pytest.fixture
def payment(cast: Cast, stage: Stage) -> Payment:
    with tenant(cast.lender.pk):
        return pay(stage, cast.owner, uuid4(), due(stage.first))


def step(cast: Cast, payment: Payment) -> str:
    """One step of the worker, as if its time had come."""
    with tenant(cast.lender.pk):
        Payment.objects.filter(pk=payment.pk).update(next_step_at=timezone.now() - timedelta(seconds=1))
    return str(move_payment(cast.lender.pk, payment.pk))


def fresh(cast: Cast, payment: Payment) -> Payment:
    with tenant(cast.lender.pk):
        return Payment.objects.select_related("method").get(pk=payment.pk)


def states(cast: Cast, payment: Payment) -> list[str]:
    with tenant(cast.lender.pk):
        return [row.state for row in PaymentStep.objects.filter(payment=payment)]


def fees(cast: Cast, stage: Stage) -> Decimal:
    with tenant(cast.lender.pk):
        return Decimal(position(stage.first).fees)


def began(cast: Cast, payment: Payment, ago: timedelta) -> None:
    """As if it had been submitted earlier. The database lets this field alone for tests as for staff."""
    with tenant(cast.lender.pk):
        Payment.objects.filter(pk=payment.pk).update(submitted_at=timezone.now() - ago)


def deliver(processor: Processor, client: Client) -> list[int]:
    """Hand every message that the processor owes to the portal."""
    answers = []
    for message in processor.cards.due_messages():
        answers.append(post(client, message.body.encode()))
        processor.cards.note_attempt(message, delivered=True)
    return answers


def post(client: Client, body: bytes, *, header: str | None = None, path: str = PATH) -> int:
    signed = header if header is not None else signature(SECRET, int(time.time()), body)
    answer = client.post(path, data=body, content_type="application/json", headers={"Bank-Signature": signed})
    return answer.status_code


def take_in(cast: Cast) -> list[str]:
    with tenant(cast.lender.pk):
        waiting = list(
            GatewayEvent.objects.filter(processed_at=None).order_by("pk").values_list("pk", flat=True)
        )
    return [process_gateway_event(cast.lender.pk, key) for key in waiting]


def event(payment: Payment, kind: str, *, name: str = "", **changes: Any) -> bytes:
    session = {
        "key": str(payment.public_id),
        "client": "summit",
        "reference": "SC1",
        "amount": str(payment.amount),
        "currency": "USD",
        "code": "",
        "last_four": "4242",
    } | changes
    return json.dumps({"id": name or f"evt_{kind}", "kind": f"session.{kind}", "session": session}).encode()


# --- the way of one payment ------------------------------------------------------------------------------------------


def test_a_card_payment_from_the_check_page_to_the_books(
    cast: Cast, stage: Stage, processor: Processor, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    review, fields = checked(client, stage, (stage.first, "due", ""))
    html = client.get(review).content.decode()
    assert "Continue to card page – $80.00" in html
    assert "We never see your card" in html
    answer = client.post("/payments/submit/", fields)
    receipt = answer["Location"]
    with tenant(cast.lender.pk):
        payment = Payment.objects.get()
    assert "We are asking the card processor for its page" in client.get(receipt).content.decode()
    assert step(cast, payment) == "submitted"
    opened = fresh(cast, payment)
    assert opened.processor_page.startswith(f"{processor.url}/cards/")
    html = client.get(receipt).content.decode()
    assert f'<a class="button" href="{opened.processor_page}" rel="noreferrer">' in html
    assert "Nothing is paid yet." in html
    assert fees(cast, stage) == Decimal("80.00")
    # At the processor.
    status, form = processor.browse(opened.processor_page)
    assert status == 200
    assert "Pay 80.00 USD" in form
    status, done = processor.enter(opened.processor_page)
    assert status == 200
    back = f"http://summit.testserver{receipt}"
    assert back in done
    assert deliver(processor, anonymous(cast.lender)) == [202]
    assert take_in(cast) == [""]
    assert fresh(cast, payment).state == "processing"
    processor.cards.settle(str(payment.public_id))
    deliver(processor, anonymous(cast.lender))
    assert take_in(cast) == [""]
    settled = fresh(cast, payment)
    assert (settled.state, settled.card_last_four) == ("settled", "4242")
    assert settled.value_date == stage.today
    assert states(cast, payment) == ["submitted", "submitted", "processing", "settled"]
    assert fees(cast, stage) == 0
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.get(source="payment") == settled.entry
    html = client.get(receipt).content.decode()
    assert "Card ending in 4242" in html
    assert settled.processor_page not in html


def test_the_receipt_is_mailed_when_the_card_was_used_and_not_before(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    with tenant(cast.lender.pk):
        begun = write_mail(OutgoingMessage.objects.get(template="payment-receipt"))
    assert begun.subject == f"Payment {payment.number} of $80.00: your card is still to be entered"
    step(cast, payment)
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(template="payment-card-receipt").exists()
    processor.enter(fresh(cast, payment).processor_page)
    deliver(processor, anonymous(cast.lender))
    take_in(cast)
    processor.cards.settle(str(payment.public_id))
    deliver(processor, anonymous(cast.lender))
    take_in(cast)
    step(cast, payment)
    assert fresh(cast, payment).state == "settled"
    with tenant(cast.lender.pk):
        mail = write_mail(OutgoingMessage.objects.get(template="payment-card-receipt"))
    assert mail.subject == f"Receipt for your payment {payment.number} of $80.00"
    for text in (str(mail.body), str(mail.alternatives[0][0])):
        assert "your card has been used" in text
        assert "card ending in 4242" in text
        assert "2023 Honda Accord 1" in text
        assert "still to be entered" not in text


def test_a_card_that_was_taken_back_unheard_of_gets_no_receipt(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    assert post(anonymous(cast.lender), event(payment, "returned")) == 202
    assert take_in(cast) == [""]
    with tenant(cast.lender.pk):
        assert not OutgoingMessage.objects.filter(template="payment-card-receipt").exists()
        assert OutgoingMessage.objects.filter(template="payment-returned").exists()


def test_the_look_up_alone_settles_as_well(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    quiet = next(card.number for card in TEST_CARDS if card.end == "quiet")
    processor.enter(fresh(cast, payment).processor_page, quiet)
    assert processor.cards.due_messages() == []
    assert step(cast, payment) == "processing"
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    assert fresh(cast, payment).card_last_four == "0341"
    assert fees(cast, stage) == 0


@pytest.mark.parametrize(
    ("number", "code", "words"),
    [
        ("4000000000009995", "insufficient_funds", "not enough money or credit on the card"),
        ("4000000000000069", "expired_card", "The card has expired."),
        ("4000000000000127", "incorrect_cvc", "security code"),
        ("4000000000000002", "generic_decline", "does not tell us why"),
        # What a thief must not learn.
        ("4000000000009987", "generic_decline", "does not tell us why"),
    ],
)
def test_a_declined_card_says_why_and_changes_nothing(
    *,
    cast: Cast,
    stage: Stage,
    payment: Payment,
    processor: Processor,
    client_of: ClientOf,
    number: str,
    code: str,
    words: str,
) -> None:
    step(cast, payment)
    status, page = processor.enter(fresh(cast, payment).processor_page, number)
    assert status == 200
    assert "The card was not charged." in page
    deliver(processor, anonymous(cast.lender))
    assert take_in(cast) == [""]
    declined = fresh(cast, payment)
    assert (declined.state, declined.return_code) == ("declined", code)
    assert fees(cast, stage) == Decimal("80.00")
    html = client_of(cast.owner).get(f"/payments/{payment.public_id}/").content.decode()
    assert "The card was not charged" in html
    assert words in html.replace("&#x27;", "'")
    assert "lost" not in html.partition("<main")[2].partition("What it pays")[0]
    with tenant(cast.lender.pk):
        mail = OutgoingMessage.objects.get(template="payment-declined")
        assert mail.context["code"] == code
        true = next(card.code for card in TEST_CARDS if card.number == number)
        assert AuditEntry.objects.get(code="payment.declined").details["code"] == true
    # What is owed may be paid anew.
    with tenant(cast.lender.pk):
        assert pay(stage, cast.owner, uuid4(), due(stage.first)).amount == Decimal("80.00")


def test_a_disputed_card_reverses(cast: Cast, stage: Stage, payment: Payment, processor: Processor) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page, "4000000000000259")
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    processor.ahead[0] = 60.0
    processor.cards.move_on()
    deliver(processor, anonymous(cast.lender))
    take_in(cast)
    returned = fresh(cast, payment)
    assert (returned.state, returned.return_code) == ("returned", "fraudulent_dispute")
    assert fees(cast, stage) == Decimal("80.00") + Decimal("25.00")


# --- nobody at the page ----------------------------------------------------------------------------------------------


def test_leaving_the_page_declines_at_once(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    page = fresh(cast, payment).processor_page
    status, html = processor.browse(f"{page}/leave", {})
    assert status == 200
    assert "The card was not charged." in html
    assert step(cast, payment) == "declined"
    assert fresh(cast, payment).return_code == "abandoned"
    assert processor.enter(page)[0] == 409


def test_an_abandoned_page_is_declined_after_half_an_hour_in_words(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    assert step(cast, payment) == "submitted"
    page = fresh(cast, payment).processor_page
    closes = datetime.fromtimestamp(processor.session(payment).closes_at, tz=UTC)
    assert abs(closes - payment.submitted_at - timedelta(minutes=30)) < timedelta(seconds=1)
    processor.ahead[0] = 1801.0
    # Too late for a card, and the next look-up says so.
    assert processor.enter(page)[0] == 409
    assert step(cast, payment) == "declined"
    html = client_of(cast.owner).get(f"/payments/{payment.public_id}/").content.decode()
    assert "its 30 minutes were over" in html
    assert fees(cast, stage) == Decimal("80.00")
    assert states(cast, payment) == ["submitted", "submitted", "declined"]


def test_a_page_that_could_never_be_opened_is_given_up_with_its_time(cast: Cast, payment: Payment) -> None:
    with override_settings(CARD_GATEWAY_URL="http://127.0.0.1:9"):
        assert step(cast, payment) == "submitted"
        began(cast, payment, timedelta(minutes=29))
        assert step(cast, payment) == "submitted"
        began(cast, payment, timedelta(minutes=31))
        assert step(cast, payment) == "nothing to do"
    assert fresh(cast, payment).state == "declined"
    with tenant(cast.lender.pk):
        notes = [row.note for row in PaymentStep.objects.filter(payment=payment)]
    assert notes[1] == "The card processor cannot be reached just now. We keep trying."


# --- unknown ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("hurried")
def test_an_opening_without_answer_is_checked_then_opened_then_settled(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    processor.bank.switch("silent", True)
    assert step(cast, payment) == "checking"
    assert fresh(cast, payment).processor_page == ""
    processor.bank.switch("silent", False)
    # It had been opened after all: the same page, not a second one.
    assert step(cast, payment) == "submitted"
    page = fresh(cast, payment).processor_page
    assert len(processor.cards.sessions) == 1
    processor.enter(page)
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    assert states(cast, payment) == ["submitted", "checking", "submitted", "processing", "settled"]
    assert fees(cast, stage) == 0


def test_a_taken_card_of_which_nothing_is_heard_is_checked_then_settled(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    processor.bank.switch("down", True)
    # While the page is open, no answer says nothing.
    assert step(cast, payment) == "submitted"
    began(cast, payment, timedelta(minutes=33))
    assert step(cast, payment) == "checking"
    assert fees(cast, stage) == Decimal("80.00")
    processor.bank.switch("down", False)
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "settled"
    assert fees(cast, stage) == 0
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 1


def test_a_forgotten_session_is_opened_again_in_time_and_given_up_afterwards(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    processor.bank.switch("broken", True)
    assert step(cast, payment) == "checking"
    processor.bank.switch("broken", False)
    assert step(cast, payment) == "submitted"
    assert step(cast, payment) == "submitted"
    assert fresh(cast, payment).processor_page
    processor.cards.sessions.clear()
    assert step(cast, payment) == "submitted"
    began(cast, payment, timedelta(minutes=33))
    assert step(cast, payment) == "declined"
    assert fresh(cast, payment).return_code == "abandoned"


def test_a_taken_card_that_the_processor_forgot_is_not_declined(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    assert step(cast, payment) == "processing"
    processor.cards.sessions.clear()
    began(cast, payment, timedelta(minutes=33))
    assert step(cast, payment) == "processing"


def test_a_session_of_another_amount_is_never_booked(
    cast: Cast, stage: Stage, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    processor.session(payment).amount = "0.80"
    processor.cards.settle(str(payment.public_id))
    assert step(cast, payment) == "submitted"
    deliver(processor, anonymous(cast.lender))
    assert all("The bank says 0.80" in problem for problem in take_in(cast)[1:])
    assert fees(cast, stage) == Decimal("80.00")
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.filter(code="payment.bank-disagrees").count() == 1


# --- one intent ------------------------------------------------------------------------------------------------------


def test_twenty_submissions_and_steps_are_one_session(
    cast: Cast, stage: Stage, processor: Processor, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    _review, fields = checked(client, stage, (stage.first, "due", ""), (stage.second, "payoff", ""))
    answers = {client.post("/payments/submit/", fields)["Location"] for _time in range(20)}
    assert len(answers) == 1
    with tenant(cast.lender.pk):
        payment = Payment.objects.get()
    for _time in range(20):
        step(cast, payment)
    assert len(processor.cards.sessions) == 1
    assert processor.session(payment).amount == str(payment.amount)
    page = fresh(cast, payment).processor_page
    gateway = gateway_named(CARD_PAGE)
    with tenant(cast.lender.pk):
        from payments.queries.debits import debit_order

        order = debit_order(Payment.objects.select_related("method", "lender").get(pk=payment.pk))
    assert {gateway.send(order).page for _time in range(20)} == {page}
    assert len(processor.cards.sessions) == 1


# --- messages --------------------------------------------------------------------------------------------------------


def test_forged_messages_are_refused_and_leave_nothing(cast: Cast, payment: Payment) -> None:
    client = anonymous(cast.lender)
    body = event(payment, "settled")
    now = int(time.time())
    for header in (
        "",
        "nonsense",
        signature("another secret", now, body),
        # The bank's secret signs nothing here.
        signature(settings.BANK_GATEWAY_SECRET, now, body),
        signature(SECRET, now - 301, body),
        signature(SECRET, now, body + b" "),
    ):
        assert post(client, body, header=header) == 401
    with override_settings(CARD_GATEWAY_SECRET=""):
        assert post(client, body, header=signature("", now, body)) == 401
    with override_settings(CARD_GATEWAY_URL=""):
        assert post(client, body) == 404
    with tenant(cast.lender.pk):
        assert GatewayEvent.objects.count() == 0
    assert fresh(cast, payment).state == "submitted"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": "0.80"}, "The bank says 0.80 USD"),
        ({"currency": "EUR"}, "The bank says 80.00 EUR"),
        ({"client": "coast"}, "No payment of this lender"),
        ({"key": str(uuid4())}, "No payment of this lender"),
        ({"key": "no key"}, "cannot be read"),
    ],
)
def test_a_message_that_does_not_fit_books_nothing(
    cast: Cast, stage: Stage, payment: Payment, changes: dict[str, Any], words: str
) -> None:
    assert post(anonymous(cast.lender), event(payment, "settled", **changes)) == 202
    assert words in take_in(cast)[0]
    assert fresh(cast, payment).state == "submitted"
    assert fees(cast, stage) == Decimal("80.00")


def test_another_lenders_and_the_banks_messages_move_no_card_payment(cast: Cast, payment: Payment) -> None:
    assert post(anonymous(cast.other_lender), event(payment, "settled")) == 202
    with tenant(cast.other_lender.pk):
        stored = GatewayEvent.objects.get()
    assert "No payment" in process_gateway_event(cast.other_lender.pk, stored.pk)
    body = event(payment, "settled")
    header = signature(settings.BANK_GATEWAY_SECRET, int(time.time()), body)
    bank = "/payments/gateway/bank-debit/events/"
    assert post(anonymous(cast.lender), body, header=header, path=bank) == 202
    assert "No payment" in take_in(cast)[0]
    assert fresh(cast, payment).state == "submitted"


def test_messages_in_any_order_and_twice_count_once(cast: Cast, stage: Stage, payment: Payment) -> None:
    client = anonymous(cast.lender)
    for kind in ("settled", "accepted", "settled"):
        assert post(client, event(payment, kind, name=f"evt_{kind}_{uuid4().hex[:6]}")) == 202
        assert take_in(cast) == [""]
    assert fresh(cast, payment).state == "settled"
    with tenant(cast.lender.pk):
        assert JournalEntry.objects.filter(source="payment").count() == 1


@pytest.mark.parametrize("four", ["42424242", "abcd", "", "٤٢٤٢"])
def test_what_is_no_last_four_is_not_kept(cast: Cast, payment: Payment, four: str) -> None:
    post(anonymous(cast.lender), event(payment, "accepted", last_four=four))
    take_in(cast)
    assert fresh(cast, payment).card_last_four == ""


# --- who may --------------------------------------------------------------------------------------------------------


def test_only_who_may_pay_here_meets_the_link(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    page = fresh(cast, payment).processor_page
    address = f"/payments/{payment.public_id}/"
    for path in (address, f"{address}progress/"):
        assert page in client_of(cast.owner).get(path).content.decode()
        assert page in client_of(cast.payer).get(path).content.decode()
        seen = client_of(cast.viewer).get(path)
        assert seen.status_code == 200
        assert page not in seen.content.decode()
        assert client_of(cast.stranger).get(path).status_code == 404
        assert client_of(cast.other_owner).get(path).status_code == 404
        answer = anonymous(cast.lender).get(path)
        assert answer.status_code == 302
        assert page not in answer.content.decode()


def test_the_page_tells_its_own_part_when_the_link_is_there(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    client = client_of(cast.owner)
    address = f"/payments/{payment.public_id}/progress/"
    seen = re.search(r"seen=([^\"]+)", client.get(address).content.decode())
    assert seen is not None
    assert client.get(f"{address}?seen={seen[1]}").status_code == 204
    step(cast, payment)
    assert client.get(f"{address}?seen={seen[1]}").status_code == 200


def test_a_payment_by_card_cannot_be_cancelled_once_its_page_is_open(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    client = client_of(cast.owner)
    assert "Cancel this payment" not in client.get(f"/payments/{payment.public_id}/").content.decode()
    client.post(f"/payments/{payment.public_id}/cancel/")
    assert fresh(cast, payment).state == "submitted"


# --- cards stay away ------------------------------------------------------------------------------------------------


def test_no_field_of_ours_asks_for_a_card() -> None:
    root = Path(settings.BASE_DIR)
    asks = re.compile(
        r"cc-(?:number|exp|csc|name)|name=\"[^\"]*(?:card|cvc|cvv|pan|expiry|security_code)[^\"]*\"|<iframe",
        re.IGNORECASE,
    )
    files = [*root.glob("templates/**/*.html"), *root.glob("*/forms/**/*.py"), *root.glob("static/*/*.js")]
    assert len(files) > 100
    found = [
        f"{path.relative_to(root)}: {match.group(0)}"
        for path in files
        for match in asks.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []
    fields = re.compile(r"^\s+\w*(?:card|cvc|cvv|expiry)\w* = (?:forms|MoneyField)", re.MULTILINE)
    assert [path for path in files if path.suffix == ".py" and fields.search(path.read_text())] == []


def test_the_card_number_is_nowhere_but_at_the_payers_fingers(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    deliver(processor, anonymous(cast.lender))
    take_in(cast)
    assert "42424242" not in processor.cards.path.read_text().replace(" ", "")
    with tenant(cast.lender.pk), connection.cursor() as cursor:
        for table in (
            "payments_payment",
            "payments_paymentmethod",
            "payments_gatewayevent",
            "accounts_auditentry",
        ):
            cursor.execute(f"SELECT coalesce(string_agg(to_jsonb(t)::text, ' '), '') FROM {table} t")
            assert "42424242" not in cursor.fetchone()[0].replace(" ", "")


def test_the_policy_of_our_pages_stays_closed_to_forms_that_lead_elsewhere(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    answer = client_of(cast.owner).get(f"/payments/{payment.public_id}/")
    assert "form-action 'self'" in answer["Content-Security-Policy"]
    forms = re.findall(r"<form[^>]*action=\"([^\"]*)\"", answer.content.decode())
    assert all(action.startswith("/") for action in forms)


# --- the method, the dates, the reasons ------------------------------------------------------------------------------


def test_the_standing_method_is_one_for_each_dealership_and_offered_last(cast: Cast, stage: Stage) -> None:
    with tenant(cast.lender.pk):
        again = allow_cards(dealership=cast.dealership, actor=cast.finance)
        assert again.pk == stage.method.pk
        assert (again.last_four, bytes(again.encrypted_number)) == ("", b"")
        assert str(again) == "Card on the processor's page"
        assert [method.kind for method in methods_of(cast.dealership.pk)] == ["ach_debit", "card"]
        assert AuditEntry.objects.filter(code="payment-method.cards-allowed").count() == 1
        again.state = PaymentMethod.State.SUSPENDED
        again.save()
        assert [method.kind for method in methods_of(cast.dealership.pk)] == ["ach_debit"]
        allow_cards(dealership=cast.dealership, actor=cast.finance)
        with override_settings(CARD_GATEWAY_URL=""):
            assert [method.kind for method in methods_of(cast.dealership.pk)] == ["ach_debit"]
        assert len(methods_of(cast.dealership.pk)) == 2


def test_a_card_counts_today_after_the_cut_off_and_on_sundays_too(cast: Cast) -> None:
    for moment, day, expected in (
        (datetime(2026, 6, 12, 23, 30, tzinfo=cast.lender.zone), 12, 15),
        (datetime(2026, 6, 14, 9, 0, tzinfo=cast.lender.zone), 14, 15),
    ):
        timing = timing_of(cast.lender, "card", moment)
        assert (timing.value_date.day, timing.expected_on.day) == (day, expected)
        assert not timing.after_cut_off
        assert timing.cut_off_at > moment
        assert timing.cut_off_at - moment < timedelta(hours=24)


def test_every_published_decline_code_has_words() -> None:
    import csv

    with _CARD_TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 39
    assert all(row["source"] for row in rows)
    assert {row["cause"] for row in rows} <= set(_WORDS) | {"card_secret"}
    for row in rows:
        reason = return_reason("card", row["decline_code"])
        assert str(reason.words)
        for secret in ("lost", "stolen", "fraud", "pickup"):
            assert (
                row["cause"] != "card_secret" or secret not in f"{reason.code} {reason.words} {reason.title}"
            )
    assert "no reason that we know" in str(return_reason("card", "brand_new_code").words)
    assert return_reason("card", "brand_new_code").code == "brand_new_code"


def test_receipts_of_every_state_are_printed(
    cast: Cast, payment: Payment, processor: Processor, client_of: ClientOf
) -> None:
    step(cast, payment)
    processor.enter(fresh(cast, payment).processor_page)
    processor.cards.settle(str(payment.public_id))
    step(cast, payment)
    with tenant(cast.lender.pk):
        PaymentReceipt.objects.update(next_attempt_at=timezone.now())
        waiting = list(PaymentReceipt.objects.order_by("pk").values_list("pk", "payment_state"))
        assert receipt_page(payment).by_card
    assert [state for _key, state in waiting] == ["submitted", "settled"]
    assert all(print_receipt(cast.lender.pk, key) for key, _state in waiting)


# --- the gateway and the sandbox ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "page",
    [
        "",
        "javascript:alert(1)",
        "http://elsewhere.example/pay",
        "//elsewhere.example/pay",
        "https:///pay",
        "https://pay.example/" + "x" * 500,
        "https://pay.example/\u202e",
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_safe(page: str) -> None:
    gateway = CardPageGateway("https://api.example", SECRET)
    said = {"state": "open", "page": page, "reference": "x", "amount": "1.00", "currency": "USD"}
    with pytest.raises(ValueError, match="no address"):
        gateway.read(said)


def test_a_page_over_tls_may_be_at_another_host() -> None:
    gateway = CardPageGateway("https://api.example", SECRET)
    said = {
        "state": "open",
        "page": "https://pay.example/s/1",
        "reference": "x",
        "amount": "1.00",
        "currency": "USD",
    }
    assert gateway.read(said) == Answer(
        Outcome.OPENED, reference="x", amount=Decimal("1.00"), currency="USD", page="https://pay.example/s/1"
    )


def test_the_sandbox_page_asks_again_for_what_cannot_be_a_card(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    page = fresh(cast, payment).processor_page
    for typed in (
        {"number": "4242424242424241"},
        {"number": "1"},
        {"expiry": "01/20"},
        {"expiry": "13/40"},
        {"expiry": "soon"},
        {"code": "12"},
    ):
        status, html = processor.enter(page, **typed)
        assert status == 422
        assert 'role="alert"' in html
        assert "4242424242424241" not in html
    assert processor.session(payment).state == "open"
    assert processor.enter(page, number=GOOD)[0] == 200
    assert processor.browse(f"{processor.url}/cards/nobody")[0] == 404
    assert processor.enter(f"{processor.url}/cards/nobody")[0] == 409
    assert processor.enter(f"{processor.url}/cards/nobody", "1")[0] == 404
    assert "····4242" in processor.browse(f"{processor.url}/cards/")[1]
    assert processor.browse(page, {"number": GOOD}, **{"Sec-Fetch-Site": "cross-site"})[0] == 403


def test_the_sandbox_keeps_its_sessions_and_asks_for_the_card_secret(
    cast: Cast, payment: Payment, processor: Processor
) -> None:
    step(cast, payment)
    again = CardBook(processor.cards.path, settle_after=5)
    assert again.sessions.keys() == processor.cards.sessions.keys()
    with_bank_secret = CardPageGateway(processor.url, settings.BANK_GATEWAY_SECRET)
    assert with_bank_secret.look_up(payment.public_id).outcome == Outcome.UNCLEAR
    gateway = CardPageGateway(processor.url, SECRET)
    assert gateway.look_up(payment.public_id).outcome == Outcome.OPENED
    assert gateway.look_up(uuid4()).outcome == Outcome.NOT_FOUND


def test_the_command_runs_bank_and_card_processor_in_the_demo_only() -> None:
    from django.core.management.base import CommandError

    with override_settings(DEMO=False), pytest.raises(CommandError):
        call_command("run_sandbox_bank")
