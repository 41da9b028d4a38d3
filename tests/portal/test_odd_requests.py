"""Requests that no browser sends: each gets an answer in words, none a fault, and nothing changes."""

from typing import Any

import pytest
from django.conf import settings
from django.test import Client, override_settings
from django.urls import reverse

from accounts.models import AuditEntry, OutgoingMessage, SignInAttempt, SignInGuard
from accounts.tenancy import tenant
from support.models import Ticket
from tests.accounts.browsing import browser
from tests.cast import Cast, sign_in

pytestmark = pytest.mark.django_db


def state(cast: Cast) -> list[Any]:
    with tenant(cast.lender.pk):
        return [
            model.objects.count()
            for model in (AuditEntry, OutgoingMessage, SignInAttempt, SignInGuard, Ticket)
        ]


def strict(client: Client) -> Client:
    """A fault is answered with its page, not raised through the test."""
    client.raise_request_exception = False
    return client


HEADERS = [
    {"HTTP_X_FORWARDED_FOR": "' OR 1=1 --, \x7f"},
    {"HTTP_X_FORWARDED_FOR": "fe80::1%eth0"},
    {"HTTP_X_FORWARDED_FOR": "," * 3000},
    {"HTTP_X_FORWARDED_PROTO": "gopher"},
    {"HTTP_X_FORWARDED_HOST": "evil.example"},
    {"HTTP_X_FORWARDED_PORT": "99999999"},
    {"HTTP_USER_AGENT": "\xff\xfe" + "x" * 9000},
    {"HTTP_USER_AGENT": ""},
    {"HTTP_ACCEPT": "application/json"},
    {"HTTP_ACCEPT_LANGUAGE": "../../etc/passwd"},
    {"HTTP_COOKIE": "\x01\x02=; ==;;"},
    {"HTTP_COOKIE": f"{settings.SESSION_COOKIE_NAME}={'x' * 4000}"},
    {"HTTP_COOKIE": f"{settings.SESSION_COOKIE_NAME}=../../session"},
    {"HTTP_COOKIE": f"{settings.CSRF_COOKIE_NAME}=\xe9"},
    {"HTTP_REFERER": "http://[::1"},
    {"HTTP_ORIGIN": "null"},
    {"HTTP_HX_REQUEST": "true", "HTTP_HX_CURRENT_URL": "javascript:alert(1)"},
    {"HTTP_X_REQUESTED_WITH": "XMLHttpRequest"},
    {"HTTP_IF_MODIFIED_SINCE": "yesterday"},
    {"HTTP_RANGE": "bytes=9-1"},
    {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"},
    {"CONTENT_LENGTH": "-5"},
]


@pytest.mark.parametrize("header", HEADERS, ids=lambda header: next(iter(header)))
@override_settings(TRUSTED_PROXY_COUNT=1)
def test_an_odd_header_is_read_as_far_as_it_makes_sense(cast: Cast, header: dict[str, str]) -> None:
    before = state(cast)
    for path in (reverse("account_login"), "/health/live/", "/brand.css", "/nowhere/"):
        answer = strict(browser(cast.lender)).get(path, **header)
        assert answer.status_code in {200, 400, 404}, (path, answer.status_code)
        assert "evil.example" not in answer.content.decode()
    page = strict(sign_in(cast.owner))
    if "HTTP_COOKIE" not in header:
        assert page.get(reverse("support:ticket-list"), **header).status_code == 200
    assert state(cast) == before


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"no boundary at all"),
        ("multipart/form-data; boundary=\xe9", b"--x"),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\nhalf',
        ),
        ("application/x-www-form-urlencoded; charset=klingon", b"subject=%FF%FE"),
        (
            "application/x-www-form-urlencoded",
            b"subject=%FF%FE%00&token=%00&topic=%00&message=%00&attachments=x",
        ),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % n for n in range(6000))),
        ("application/json", b'{"subject": "x"}'),
        ("text/plain", b""),
        ("image/png", b"\x89PNG"),
        ("", b"subject=x"),
    ],
)
def test_an_odd_body_is_refused_in_words_and_writes_nothing(cast: Cast, kind: str, body: bytes) -> None:
    before = state(cast)
    client = strict(sign_in(cast.owner))
    answer = client.generic("POST", reverse("support:ticket-new"), body, content_type=kind)
    assert answer.status_code in {200, 400}
    assert answer["X-Request-Reference"] in answer.content.decode()
    assert state(cast) == before


def test_a_body_larger_than_any_form_is_refused_in_words(cast: Cast) -> None:
    before = state(cast)
    body = b"message=" + b"x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)
    answer = strict(sign_in(cast.owner)).generic(
        "POST", reverse("support:ticket-new"), body, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.content.decode()
    assert state(cast) == before


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/support/tickets/%00/",
        "/support/tickets/00000000-0000-0000-0000-00000000000g/",
        "/support/tickets/?state=%00&q=%00&page=%00",
        "/support/tickets/?page=99999999999999999999999",
        "/support/tickets/?page=-1&page=0",
        "/support/tickets/new/?about=%00:%00",
        "/support/announcements/?page=%00",
        "/account/security/devices/%00/end/",
        "/account/second-step/?factor=%00&next=%00",
        "/account/password/new/zzzzzzzzzzzzzzzzzzzzzzzz-x/",
        "/account/password/new/1-%00/",
        "/search/?q=%00",
        "/search/?q=" + "%F0%9F%9A%97" * 500,
        "/%ff%fe/",
        "/..%2f..%2fetc/passwd",
        "/static/..%2f..%2fportal/settings/base.py",
        "/static/%00",
        "//evil.example/",
        "/account/sign-in/?next=//evil.example/",
    ],
)
def test_an_odd_address_leads_nowhere_else(cast: Cast, path: str) -> None:
    before = state(cast)
    for client in (browser(cast.lender), sign_in(cast.owner)):
        answer = strict(client).get(path)
        assert answer.status_code in {200, 302, 400, 404, 405}, answer.status_code
        assert "evil.example" not in answer.get("Location", "")
    assert state(cast) == before


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_an_odd_method_changes_nothing(cast: Cast, method: str) -> None:
    before = state(cast)
    for path in (
        reverse("account_login"),
        reverse("support:ticket-new"),
        "/",
        reverse("accounts:session-list"),
    ):
        answer = strict(sign_in(cast.owner)).generic(method, path)
        assert answer.status_code < 500, (path, answer.status_code)
    assert state(cast) == before


def test_the_brake_per_address_answers_in_words_with_a_reference(cast: Cast) -> None:
    client = browser(cast.lender, address="203.0.113.77")
    answers = [
        client.post(reverse("account_reset_password"), {"identifier": f"nobody{number}"})
        for number in range(21)
    ]
    assert [answer.status_code for answer in answers] == [302] * 20 + [429]
    text = answers[-1].content.decode()
    assert "Too many attempts" in text
    assert answers[-1]["X-Request-Reference"] in text
    assert "no-store" in answers[-1]["Cache-Control"]
    # It brakes this address at this lender only.
    assert (
        browser(cast.other_lender, address="203.0.113.77")
        .post(reverse("account_reset_password"), {"identifier": "owen"})
        .status_code
        == 302
    )
