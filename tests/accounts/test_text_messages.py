"""Text messages against a real HTTP server, and the file that the demo's mailbox shows."""

import base64
import email
import email.policy
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone

from accounts.actions.outbox import order_message
from accounts.gateways import text_messages
from accounts.gateways.text_messages import (
    FolderTextSender,
    HttpTextSender,
    NotTakenError,
    TextMessage,
    sender_of,
    text_sender,
)
from accounts.models import AuditEntry, OutgoingMessage, User
from accounts.queries.texts import text_number
from accounts.tasks import deliver_message, sweep_outgoing_messages
from accounts.tenancy import tenant
from tests.accounts.conftest import Clock
from tests.cast import Cast, anonymous

NUMBER = "+13035550142"
CONTEXT = {"code": "1234 5678", "agent": "Ursula O'Hara", "minutes": 10, "name": "Owen"}


@dataclass
class Provider:
    """What a provider was sent, and how it answers."""

    url: str
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    """A provider on a free port; it answers 201 unless `statuses` says otherwise."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            known.got.append((dict(self.headers.items()), {k: v[0] for k, v in parse_qs(body).items()}))
            self.send_response(known.statuses.pop(0) if known.statuses else 201)
            self.send_header("Location", f"{known.url}elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    known = Provider(f"http://127.0.0.1:{server.server_port}/Messages.json")
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    settings.SMS_GATEWAY_URL, settings.SMS_GATEWAY_SECRET = known.url, "account:token"
    yield known
    server.shutdown()
    server.server_close()
    thread.join()


def order(cast: Cast, key: str = "probe", **changed: Any) -> OutgoingMessage:
    values: dict[str, Any] = {
        "key": key,
        "template": "identity-code",
        "recipient": NUMBER,
        "channel": OutgoingMessage.Channel.SMS,
        "context": CONTEXT,
        "user": cast.owner,
        "is_secret": True,
    }
    with tenant(cast.lender.pk):
        return order_message(**(values | changed))


def stored(message: OutgoingMessage) -> OutgoingMessage:
    with tenant(message.lender_id):
        return OutgoingMessage.objects.get(pk=message.pk)


def test_a_text_leaves_once_as_a_form_and_forgets_its_secret(cast: Cast, provider: Provider) -> None:
    message = order(cast)
    assert deliver_message(cast.lender.pk, message.pk) is True
    assert deliver_message(cast.lender.pk, message.pk) is False
    [(headers, form)] = provider.got
    assert (form["To"], form["From"]) == (NUMBER, "Summit Deal")
    assert form["Body"].startswith(
        "Summit Dealer Capital: your code for the call with Ursula O'Hara is 1234 5678."
    )
    assert cast.lender.support_phone in form["Body"]
    assert "\n" not in form["Body"]
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"account:token").decode()
    assert headers["Idempotency-Key"] == str(message.public_id)
    sent = stored(message)
    assert (sent.state, sent.attempts, sent.context) == ("sent", 1, {})
    assert mail.outbox == []


def test_a_provider_that_answers_500_is_asked_again_with_the_same_key(
    cast: Cast, provider: Provider, clock: Clock
) -> None:
    provider.statuses = [500, 429]
    message = order(cast)
    for minutes in (1, 5):
        assert deliver_message(cast.lender.pk, message.pk) is False
        waiting = stored(message)
        assert waiting.state == "waiting"
        assert waiting.last_error in {"NotTakenError: HTTP 500", "NotTakenError: HTTP 429"}
        assert waiting.context["code"] == "1234 5678"
        # Too early, nothing is tried.
        assert deliver_message(cast.lender.pk, message.pk) is False
        clock.advance(minutes=minutes, seconds=1)
    assert deliver_message(cast.lender.pk, message.pk) is True
    assert {headers["Idempotency-Key"] for headers, _form in provider.got} == {str(message.public_id)}
    assert len(provider.got) == 3
    assert stored(message).context == {}


@pytest.mark.parametrize("status", [204, 302, 307, 400, 401, 503])
def test_anything_but_a_plain_yes_is_no_and_no_redirect_is_followed(
    cast: Cast, provider: Provider, status: int
) -> None:
    provider.statuses = [status]
    assert deliver_message(cast.lender.pk, order(cast).pk) is False
    assert len(provider.got) == 1


def test_after_a_day_a_text_is_given_up_on_record_without_its_secret(
    cast: Cast, provider: Provider, clock: Clock
) -> None:
    provider.statuses = [500] * 50
    message = order(cast)
    for _hour in range(30):
        deliver_message(cast.lender.pk, message.pk)
        clock.advance(hours=1)
    given_up = stored(message)
    assert (given_up.state, given_up.context) == ("failed", {})
    with tenant(cast.lender.pk):
        assert AuditEntry.objects.get(code="message.given_up").subject == "message:probe"


def test_the_sweep_finds_texts_as_well(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    hinted: list[int] = []
    monkeypatch.setattr("accounts.tasks.deliver_message.hint", lambda _lender, key: hinted.append(key))
    text = order(cast)
    letter = order(cast, "letter", channel=OutgoingMessage.Channel.EMAIL, recipient=cast.owner.email)
    assert sweep_outgoing_messages() == 2
    assert sorted(hinted) == sorted([text.pk, letter.pk])


def test_a_text_never_leaves_inside_a_transaction(
    cast: Cast, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test itself runs in one, so the tenant blocks are counted instead."""
    inside: list[bool] = []
    real = HttpTextSender.send

    def watched(self: HttpTextSender, message: TextMessage) -> None:
        inside.append(len(transaction.get_connection().savepoint_ids) > outer)
        real(self, message)

    monkeypatch.setattr(HttpTextSender, "send", watched)
    outer = len(transaction.get_connection().savepoint_ids)
    assert deliver_message(cast.lender.pk, order(cast).pk) is True
    assert inside == [False]


def test_a_word_alone_is_a_bearer_token_and_the_configured_sender_goes_first(
    cast: Cast, provider: Provider, settings: Any
) -> None:
    settings.SMS_GATEWAY_SECRET, settings.SMS_SENDER = "word", "+15005550006"
    deliver_message(cast.lender.pk, order(cast).pk)
    [(headers, form)] = provider.got
    assert headers["Authorization"] == "Bearer word"
    assert form["From"] == "+15005550006"


@pytest.mark.parametrize(
    ("name", "sender"), [("Lumière Auto Finance", "Lumire Auto"), ("A B", "A B"), ("中国", "Portal")]
)
def test_a_sender_is_at_most_eleven_plain_signs(name: str, sender: str) -> None:
    assert sender_of(name) == sender


def test_a_provider_that_is_not_there_raises_and_the_words_stay_secret() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    message = TextMessage(key="k", recipient=NUMBER, sender="S", mail_sender="s@x.example", body="code 1234")
    with pytest.raises(OSError, match="refused"):
        HttpTextSender(f"http://127.0.0.1:{port}/", "word").send(message)
    assert "1234" not in repr(message)
    assert issubclass(NotTakenError, RuntimeError)


def test_a_silent_provider_is_not_waited_for_forever(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(text_messages, "TIMEOUT", (0.5, 0.3))
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        settings.SMS_GATEWAY_URL = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        message = order(cast)
        assert deliver_message(cast.lender.pk, message.pk) is False
    assert "Timeout" in stored(message).last_error


def test_without_any_way_out_a_text_waits_and_the_reason_is_on_record(cast: Cast, settings: Any) -> None:
    settings.MAILBOX_DIR = None
    message = order(cast)
    assert deliver_message(cast.lender.pk, message.pk) is False
    assert "set SMS_GATEWAY_URL" in stored(message).last_error
    with pytest.raises(LookupError):
        text_sender()


def test_the_demos_texts_land_in_its_mailbox_page_of_the_own_lender(
    cast: Cast, settings: Any, tmp_path: Path
) -> None:
    settings.MAILBOX_DIR = tmp_path
    assert isinstance(text_sender(), FolderTextSender)
    message = order(cast)
    assert deliver_message(cast.lender.pk, message.pk) is True
    [file] = tmp_path.iterdir()
    letter = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert "1234 5678" in letter.get_content()
    page = anonymous(cast.lender).get("/demo/mailbox/").content.decode()
    assert "1234 5678" in page
    assert NUMBER in page
    assert "1234 5678" not in anonymous(cast.other_lender).get("/demo/mailbox/").content.decode()


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ("+1 (303) 555-0142", NUMBER),
        ("001 303.555.0142", NUMBER),
        ("+44 7700 900142", "+447700900142"),
        ("303 555 0142", ""),
        ("", ""),
        ("+0 303 555 0142", ""),
        ("+1 303 555 0142 ext. 3", ""),
        ("+1303555014299999", ""),
        ("+١٣٠٣٥٥٥٠١٤٢", ""),
    ],
)
def test_only_international_numbers_are_texted(phone: str, number: str, settings: Any) -> None:
    assert text_number(User(phone=phone)) == number
    settings.SMS_GATEWAY_URL, settings.MAILBOX_DIR = "", None
    assert text_number(User(phone=phone)) == ""


def test_one_lenders_text_does_not_leave_through_another(cast: Cast, provider: Provider) -> None:
    message = order(cast)
    assert deliver_message(cast.other_lender.pk, message.pk) is False
    assert provider.got == []
    assert stored(message).next_attempt_at <= timezone.now()
