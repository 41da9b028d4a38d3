"""A fault of ours: a page in words with a reference that stands in the log, and nothing half done."""

import json
import logging
from collections.abc import Callable, Iterator

import pytest
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings

from accounts.addresses import client_address
from accounts.middleware import host as host_middleware
from accounts.models import Dealership, User
from accounts.tenancy import tenant
from portal.logging import JsonFormatter
from portal.middleware.reference import RequestReferenceMiddleware
from tests.cast import Cast, anonymous

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.portal.failing_urls")]
ClientOf = Callable[[User], Client]


@pytest.fixture
def log() -> Iterator[list[str]]:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler = Keep()
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield lines
    logging.getLogger().removeHandler(handler)


def test_a_crash_names_a_reference_that_is_in_the_log(
    cast: Cast, client_of: ClientOf, log: list[str]
) -> None:
    client = client_of(cast.finance)
    client.raise_request_exception = False
    answer = client.get("/crash/")
    reference = answer["X-Request-Reference"]
    assert answer.status_code == 500
    assert reference in answer.content.decode()
    assert "a fault of ours" not in answer.content.decode()
    errors = [line for line in map(json.loads, log) if line["level"] == "error"]
    assert [line["reference"] for line in errors] == [reference]
    assert "a fault of ours" in json.dumps(errors)


def test_a_crash_leaves_nothing_half_done(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.finance)
    client.raise_request_exception = False
    client.get("/crash/")
    with tenant(cast.lender.pk):
        assert Dealership.objects.get(pk=cast.dealership.pk).name == "Alder Motors"


@pytest.mark.parametrize("path", ["/stall/", "/gone/"])
def test_a_stalled_database_is_said_in_words(cast: Cast, client_of: ClientOf, path: str) -> None:
    answer = client_of(cast.finance).get(path)
    assert answer.status_code == 503
    assert answer["X-Request-Reference"] in answer.content.decode()


def test_a_database_that_is_away_is_said_in_words(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, log: list[str]
) -> None:
    def away(host: str) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(host_middleware, "lender_of_host", away)
    client = anonymous(cast.lender)
    client.raise_request_exception = False
    answer = client.get("/")
    assert answer.status_code == 503
    assert answer["Retry-After"] == "30"
    assert answer["X-Request-Reference"] in answer.content.decode()
    assert "was not recorded" in answer.content.decode()
    assert "connection refused" in "".join(log)


def test_no_log_line_holds_a_live_link(log: list[str]) -> None:
    request = RequestFactory().get("/account/password/new/1f-c9q2xy-0123456789abcdef/")

    def answer(request: HttpRequest) -> HttpResponse:
        logging.getLogger("portal").warning("Something about this request")
        return HttpResponse()

    RequestReferenceMiddleware(answer)(request)
    (line,) = log
    assert "0123456789abcdef" not in line
    assert json.loads(line)["path"] == "/account/password/new/1f-…"


def test_the_next_request_works(cast: Cast, client_of: ClientOf) -> None:
    client = client_of(cast.finance)
    client.raise_request_exception = False
    client.get("/stall/")
    client.get("/crash/")
    assert client.get("/brand.css").status_code == 200


@pytest.mark.parametrize(
    "host", ["nobody.testserver", "summit.testserver.evil.example", "", "a" * 300, "summit .testserver"]
)
def test_an_unknown_host_is_not_found(cast: Cast, host: str) -> None:
    answer = Client(HTTP_HOST=host).get("/")
    assert answer.status_code == 404
    assert "Summit" not in answer.content.decode()


def test_a_forwarded_host_is_not_believed(cast: Cast) -> None:
    answer = anonymous(cast.lender).get("/brand.css", HTTP_X_FORWARDED_HOST="coast.testserver")
    own = anonymous(cast.lender).get("/brand.css")
    assert answer.content == own.content


def test_every_page_refuses_inline_script_and_foreign_assets(cast: Cast, client_of: ClientOf) -> None:
    policy = client_of(cast.owner).get("/crash-not-there/")["Content-Security-Policy"]
    assert "unsafe-inline" not in policy
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy


@override_settings(TRUSTED_PROXY_COUNT=1)
def test_a_forged_forwarded_address_buys_nothing(cast: Cast) -> None:
    request = RequestFactory().get("/", HTTP_X_FORWARDED_FOR="6.6.6.6, 203.0.113.9", REMOTE_ADDR="10.0.0.1")
    assert client_address(request) == "203.0.113.9"
