"""Error pages say what happened, what became of the money and the entries, and carry the reference."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory

from accounts.models import Lender
from portal.views import errors

SUMMIT = Lender(
    name="Summit Dealer Capital",
    currency="USD",
    locale="en_US",
    time_zone="America/Denver",
    accent_colour="#14532d",
    support_phone="+1 303 555 0140",
    support_hours="Mon to Fri, 7 am to 6 pm",
)


def request_of(path: str = "/units/", method: str = "get", lender: Lender | None = SUMMIT):
    request = getattr(RequestFactory(), method)(path)
    request.lender = lender
    request.access = None
    request.user = AnonymousUser()
    request.reference = "K7WQ-2M9D"
    return request


PAGES = [
    (errors.bad_request, 400, "Nothing was changed"),
    (errors.permission_denied, 403, "Nothing was changed"),
    (errors.page_not_found, 404, "are as they were"),
    (errors.method_not_allowed, 405, "Nothing was changed"),
    (errors.too_many_requests, 429, "Nothing was changed"),
    (errors.server_error, 500, "was not kept"),
    (errors.unavailable, 503, "was not recorded"),
    (errors.csrf_failure, 403, "Nothing was changed"),
]


@pytest.mark.parametrize(("view", "status", "fate"), PAGES)
def test_an_error_page_says_what_became_of_things_and_whom_to_ask(view, status: int, fate: str) -> None:
    response = view(request_of())
    text = response.content.decode()
    assert response.status_code == status
    assert fate in text
    assert "K7WQ-2M9D" in text
    assert "+1 303 555 0140" in text
    assert "Mon to Fri, 7 am to 6 pm" in text
    assert response["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("view", "status", "fate"), PAGES)
def test_an_error_page_needs_no_lender(view, status: int, fate: str) -> None:
    response = view(request_of(lender=None))
    assert response.status_code == status
    assert fate in response.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("view", "status", "fate"), PAGES)
def test_an_error_page_asks_the_database_nothing(
    view, status: int, fate: str, django_assert_num_queries
) -> None:
    with django_assert_num_queries(0):
        assert view(request_of()).status_code == status


def test_too_many_attempts_says_when_it_works_again_on_the_lenders_clock() -> None:
    text = errors.too_many_requests(
        request_of(), retry_at=datetime(2026, 11, 3, 21, 17, tzinfo=UTC)
    ).content.decode()
    assert "2:17\u00a0PM MST" in text
    assert "will not help" in text


def test_a_stale_page_offers_itself_afresh() -> None:
    text = errors.csrf_failure(request_of("/payments/new/", "post")).content.decode()
    assert '<a href="/payments/new/">' in text


@pytest.mark.parametrize(
    ("stood_on", "way_back"),
    [
        ("http://testserver/payments/review/1/?a=b", "/payments/review/1/?a=b"),
        ("http://testserver//elsewhere.example/", "/elsewhere.example/"),
        ("http://elsewhere.example/payments/review/1/", "/payments/submit/"),
        ("javascript:alert(1)", "/payments/submit/"),
        ("", "/payments/submit/"),
    ],
)
def test_a_stale_form_leads_back_to_the_page_on_which_it_stood(stood_on: str, way_back: str) -> None:
    sent = request_of("/payments/submit/", "post")
    sent.META["HTTP_REFERER"] = stood_on
    assert f'<a href="{way_back}">' in errors.csrf_failure(sent).content.decode()


def test_a_page_that_cannot_be_drawn_still_answers_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object, **kwargs: object) -> str:
        raise RuntimeError("template engine")

    monkeypatch.setattr(errors, "render_to_string", broken)
    response = errors.server_error(request_of())
    assert response.status_code == 500
    assert response["Content-Type"].startswith("text/plain")
    assert "K7WQ-2M9D" in response.content.decode()
    assert "template engine" not in response.content.decode()


def test_an_outage_says_when_to_come_back() -> None:
    assert errors.unavailable(request_of())["Retry-After"] == "30"
