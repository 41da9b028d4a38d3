"""The pages of statements: who may see which, what they say in each state, and what bad input does to them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEntry, User
from accounts.tenancy import tenant
from finance.actions.statements import fail_statement, order_statement, order_statement_batch
from finance.models import Statement, StatementBatch
from finance.tasks import statements as tasks
from finance.tasks.statements import produce_statement
from tests.cast import Cast, anonymous
from tests.finance.march import FEBRUARY, MARCH, march, order
from tests.finance.stock import open_stock, today_of

pytestmark = pytest.mark.django_db

ClientOf = Callable[[User], Client]
State = Statement.State


@dataclass
class Made:
    """Alder Motors' printed March, the batch it belongs to, and February still waiting."""

    cast: Cast
    ready: Statement
    waiting: Statement
    batch: StatementBatch


@pytest.fixture
def made(cast: Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Made]:
    monkeypatch.setattr(tasks, "statement_pdf", lambda content, *, lender: b"%PDF-1.7 made")
    with override_settings(MEDIA_ROOT=str(tmp_path)):
        with tenant(cast.lender.pk):
            march(cast.dealership)
            batch = order_statement_batch(
                period_end=MARCH, business_date=date(2025, 4, 1), actor=cast.finance
            )
            ready = Statement.objects.get()
        produce_statement(cast.lender.pk, ready.pk)
        with tenant(cast.lender.pk):
            ready.refresh_from_db()
            waiting = order(cast.dealership, FEBRUARY)
        yield Made(cast, ready, waiting, batch)


def counted(lender_id: int) -> tuple[int, int, int, list[tuple[Any, ...]]]:
    """What a refused request must leave as it was."""
    with tenant(lender_id):
        return (
            Statement.objects.count(),
            StatementBatch.objects.count(),
            AuditEntry.objects.count(),
            list(Statement.objects.order_by("pk").values_list("pk", "state", "attempts")),
        )


# --- who sees what ----------------------------------------------------------------------------------------------------

READER_PAGES = ("", "pdf/", "csv/", "progress/")


@pytest.mark.parametrize("page", READER_PAGES)
def test_everybody_of_the_dealership_and_finance_staff_read_a_statement(
    made: Made, client_of: ClientOf, page: str
) -> None:
    for person in (made.cast.owner, made.cast.payer, made.cast.viewer, made.cast.finance):
        assert client_of(person).get(f"/statements/{made.ready.public_id}/{page}").status_code == 200, person


@pytest.mark.parametrize("page", READER_PAGES)
def test_nobody_else_learns_that_a_statement_exists(made: Made, client_of: ClientOf, page: str) -> None:
    for person in (made.cast.stranger, made.cast.support, made.cast.other_owner, made.cast.other_finance):
        real = client_of(person).get(f"/statements/{made.ready.public_id}/{page}")
        none = client_of(person).get(f"/statements/{uuid4()}/{page}")
        assert (real.status_code, none.status_code) == (404, 404), person
        assert made.ready.number.encode() not in real.content
    answer = anonymous(made.cast.lender).get(f"/statements/{made.ready.public_id}/{page}")
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(reverse(settings.LOGIN_URL))


@pytest.mark.parametrize("page", ["", "{batch}/", "{batch}/progress/"])
def test_only_finance_staff_see_the_months(made: Made, client_of: ClientOf, page: str) -> None:
    address = f"/statements/months/{page.format(batch=made.batch.public_id)}"
    assert client_of(made.cast.finance).get(address).status_code == 200
    others = [made.cast.owner, made.cast.viewer, made.cast.stranger, made.cast.support, made.cast.other_owner]
    if "batch" in page:
        others.append(made.cast.other_finance)
    for person in others:
        assert client_of(person).get(address).status_code == 404, person
    assert anonymous(made.cast.lender).get(address).status_code == 302


@pytest.mark.parametrize("page", ["", "{batch}/retry/"])
def test_only_finance_staff_start_and_retry(made: Made, client_of: ClientOf, page: str) -> None:
    address = f"/statements/months/{page.format(batch=made.batch.public_id)}"
    before = counted(made.cast.lender.pk)
    for person in (made.cast.owner, made.cast.support, made.cast.stranger, made.cast.other_owner):
        assert client_of(person).post(address, {"month": "2025-03"}).status_code == 404, person
    assert anonymous(made.cast.lender).post(address, {"month": "2025-03"}).status_code == 302
    assert counted(made.cast.lender.pk) == before


def test_a_stranger_has_an_empty_list(made: Made, client_of: ClientOf) -> None:
    answer = client_of(made.cast.stranger).get("/statements/")
    assert answer.status_code == 200
    assert b"No statements yet" in answer.content
    assert made.ready.number.encode() not in answer.content


def test_finance_staff_are_led_from_the_list_to_the_months(made: Made, client_of: ClientOf) -> None:
    answer = client_of(made.cast.finance).get("/statements/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/statements/months/")


# --- a dealer's pages -------------------------------------------------------------------------------------------------


def test_the_list_says_what_is_ready_and_what_is_being_made(made: Made, client_of: ClientOf) -> None:
    answer = client_of(made.cast.viewer).get("/statements/").content.decode()
    for text in (
        "March 2025",
        "$32,499.43",
        "$249.43",
        "Apr 10, 2025",
        f"/statements/{made.ready.public_id}/pdf/",
    ):
        assert text in answer
    assert "Being made" in answer
    assert f'hx-get="/statements/{made.waiting.public_id}/progress/"' in answer
    assert f"/statements/{made.waiting.public_id}/pdf/" not in answer


def test_a_statement_being_made_shows_its_progress_and_no_figures(made: Made, client_of: ClientOf) -> None:
    client = client_of(made.cast.viewer)
    page = client.get(f"/statements/{made.waiting.public_id}/")
    assert page.status_code == 200
    assert b"It is being made." in page.content
    assert b"Download PDF" not in page.content
    for file in ("pdf", "csv"):
        assert client.get(f"/statements/{made.waiting.public_id}/{file}/").status_code == 404
    assert b"hx-get" in client.get(f"/statements/{made.waiting.public_id}/progress/").content
    produce_statement(made.cast.lender.pk, made.waiting.pk)
    progress = client.get(f"/statements/{made.waiting.public_id}/progress/").content
    assert b"hx-get" not in progress
    assert b"Read it" in progress


def test_a_failed_statement_says_so_in_words_and_keeps_the_reason_inside(
    made: Made, client_of: ClientOf
) -> None:
    with tenant(made.cast.lender.pk):
        fail_statement(statement_id=made.waiting.pk, reason="OSError: /srv/files is full", now=timezone.now())
    client = client_of(made.cast.owner)
    for page in ("/statements/", f"/statements/{made.waiting.public_id}/"):
        answer = client.get(page).content.decode()
        assert "Not made" in answer or "could not be made" in answer
        assert "OSError" not in answer
    assert "could not be made" in client.get(f"/statements/{made.waiting.public_id}/").content.decode()


def test_the_pdf_is_the_stored_file(made: Made, client_of: ClientOf) -> None:
    answer = client_of(made.cast.viewer).get(f"/statements/{made.ready.public_id}/pdf/")
    assert answer.content == b"%PDF-1.7 made"
    assert answer.headers["Content-Type"] == "application/pdf"
    assert (
        answer.headers["Content-Disposition"]
        == f'attachment; filename="statement-2025-03-{made.ready.number}.pdf"'
    )
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("damage", ["changed", "lost"])
def test_a_damaged_file_is_not_handed_out(made: Made, client_of: ClientOf, damage: str) -> None:
    path = Path(made.ready.pdf.path)
    if damage == "changed":
        path.write_bytes(b"%PDF-1.7 maad")
    else:
        shutil.rmtree(path.parent)
    answer = client_of(made.cast.viewer).get(f"/statements/{made.ready.public_id}/pdf/", follow=True)
    assert answer.redirect_chain == [(f"/statements/{made.ready.public_id}/", 302)]
    assert b"cannot be read just now" in answer.content
    assert b"$32,499.43" in answer.content


def test_the_sheet_is_a_download_that_a_spreadsheet_reads(made: Made, client_of: ClientOf) -> None:
    answer = client_of(made.cast.viewer).get(f"/statements/{made.ready.public_id}/csv/")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert f"statement-2025-03-{made.ready.number}.csv" in answer.headers["Content-Disposition"]
    assert answer.content.startswith(b"\xef\xbb\xbfstatement,record,account,")


def test_a_viewer_is_not_offered_to_pay(made: Made, client_of: ClientOf) -> None:
    address = f"/statements/{made.ready.public_id}/"
    assert b"/payments/new/" in client_of(made.cast.payer).get(address).content
    assert b"/payments/new/" not in client_of(made.cast.viewer).get(address).content


def test_the_list_has_pages(made: Made, client_of: ClientOf) -> None:
    with tenant(made.cast.lender.pk):
        for month in range(30):
            order(
                made.cast.dealership,
                date(2025 + (month + 4) // 12, (month + 4) % 12 + 1, 1) - timedelta(days=1),
            )
    client = client_of(made.cast.viewer)
    first, second = client.get("/statements/"), client.get("/statements/?page=2")
    assert first.content.count(b"<tr data-href") == 24
    assert second.content.count(b"<tr data-href") == statements_of(made) - 24
    for page in ("0", "-1", "99", "x", "%00", "9" * 400):
        assert client.get(f"/statements/?page={page}").status_code == 200


def statements_of(made: Made) -> int:
    with tenant(made.cast.lender.pk):
        return Statement.objects.count()


def test_the_pages_ask_the_database_equally_often_for_few_and_many(made: Made, client_of: ClientOf) -> None:
    client = client_of(made.cast.viewer)

    def queries() -> list[int]:
        found = []
        for page in ("/statements/", f"/statements/{made.ready.public_id}/"):
            client.get(page)
            with CaptureQueriesContext(connection) as captured:
                assert client.get(page).status_code == 200
            found.append(len(captured))
        return found

    before = queries()
    with tenant(made.cast.lender.pk):
        for month in range(8):
            order(made.cast.dealership, date(2025, 5 + month, 1) - timedelta(days=1))
    assert queries() == before


# --- the months of finance staff --------------------------------------------------------------------------------------


@pytest.fixture
def stocked(cast: Cast) -> Cast:
    """Books around today, so that the months on offer have something in them."""
    with tenant(cast.lender.pk):
        stock = open_stock(cast.dealership, today_of(cast.lender))
        stock.fund(days_ago=70)
    return cast


def last_month(cast: Cast) -> date:
    return today_of(cast.lender).replace(day=1) - timedelta(days=1)


def test_a_month_is_shown_before_it_is_started(stocked: Cast, client_of: ClientOf) -> None:
    client = client_of(stocked.finance)
    end = last_month(stocked)
    overview = client.get("/statements/months/").content.decode()
    assert f"?month={end:%Y-%m}" in overview
    confirm = client.get(f"/statements/months/?month={end:%Y-%m}").content.decode()
    assert "Make 1 statement" in confirm
    assert "Interest is missing" in confirm
    with tenant(stocked.lender.pk):
        assert not StatementBatch.objects.exists()


def test_starting_a_month_twice_starts_it_once(stocked: Cast, client_of: ClientOf) -> None:
    client = client_of(stocked.finance)
    month = f"{last_month(stocked):%Y-%m}"
    answers = [client.post("/statements/months/", {"month": month}) for _click in range(2)]
    with tenant(stocked.lender.pk):
        (batch,) = StatementBatch.objects.all()
        (statement,) = Statement.objects.all()
        assert batch.ordered_by == stocked.finance
    assert {answer.headers["Location"] for answer in answers} == {f"/statements/months/{batch.public_id}/"}
    page = client.get(f"/statements/months/{batch.public_id}/").content.decode()
    assert "0 of 1" in page
    assert statement.number in page


@pytest.mark.parametrize(
    "month",
    ["", "2025", "2025-13", "2025-3", "1234-01", "9999-12", "x" * 300, "2025-03'--", "\x00", "２０２５-03"],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_month_that_is_none_starts_nothing(
    stocked: Cast, client_of: ClientOf, method: str, month: str
) -> None:
    client = client_of(stocked.finance)
    before = counted(stocked.lender.pk)
    answer = getattr(client, method)("/statements/months/", {"month": month}, follow=True)
    assert answer.status_code == 200
    assert b"Choose one of the months below." in answer.content
    assert counted(stocked.lender.pk) == before


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_month_that_is_not_over_is_not_on_offer(stocked: Cast, client_of: ClientOf, ahead: int) -> None:
    day = today_of(stocked.lender) + timedelta(days=31 * ahead)
    answer = client_of(stocked.finance).post("/statements/months/", {"month": f"{day:%Y-%m}"}, follow=True)
    assert b"Choose one of the months below." in answer.content
    with tenant(stocked.lender.pk):
        assert not StatementBatch.objects.exists()


def test_a_lender_without_postings_has_no_months(cast: Cast, client_of: ClientOf) -> None:
    answer = client_of(cast.finance).get("/statements/months/")
    assert b"No month is over yet" in answer.content


def test_what_failed_stands_with_its_reason_and_is_tried_again(made: Made, client_of: ClientOf) -> None:
    client = client_of(made.cast.finance)
    with tenant(made.cast.lender.pk):
        batch = order_statement_batch(
            period_end=FEBRUARY, business_date=date(2025, 4, 1), actor=made.cast.finance
        )
        fail_statement(statement_id=made.waiting.pk, reason="The ledger says no.", now=timezone.now())
    page = client.get(f"/statements/months/{batch.public_id}/").content.decode()
    assert "The ledger says no." in page
    assert "0 made, 1 failed." in page
    answer = client.post(
        f"/statements/months/{batch.public_id}/retry/",
        {"statement": str(made.waiting.public_id)},
        follow=True,
    )
    assert b"1 statement is tried again." in answer.content
    with tenant(made.cast.lender.pk):
        made.waiting.refresh_from_db()
        assert (made.waiting.state, made.waiting.attempts) == (State.WAITING, 0)
    again = client.post(f"/statements/months/{batch.public_id}/retry/", follow=True)
    assert b"0 statements are tried again." in again.content


@pytest.mark.parametrize("asked", ["x", "\x00", "00000000-0000-0000-0000-000000000000", "1" * 500])
def test_a_statement_that_is_none_is_not_tried_again(made: Made, client_of: ClientOf, asked: str) -> None:
    before = counted(made.cast.lender.pk)
    answer = client_of(made.cast.finance).post(
        f"/statements/months/{made.batch.public_id}/retry/", {"statement": asked}
    )
    assert answer.status_code == 404
    assert counted(made.cast.lender.pk) == before


def test_the_months_ask_the_database_equally_often_for_few_and_many(
    stocked: Cast, client_of: ClientOf
) -> None:
    client = client_of(stocked.finance)
    today = today_of(stocked.lender)

    def queries() -> int:
        client.get("/statements/months/")
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/statements/months/").status_code == 200
        return len(captured)

    with tenant(stocked.lender.pk):
        order_statement_batch(period_end=last_month(stocked), business_date=today, actor=None)
    before = queries()
    with tenant(stocked.lender.pk):
        end = last_month(stocked).replace(day=1) - timedelta(days=1)
        order_statement_batch(period_end=end, business_date=today, actor=None)
        order_statement(
            dealership=stocked.stranger_dealership, period_end=end, business_date=today, actor=None
        )
    assert queries() == before
