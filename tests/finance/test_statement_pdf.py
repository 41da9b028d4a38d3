"""The printed statement: the same numbers everywhere, readable by machines and by everybody, fenced in."""

from __future__ import annotations

import csv
import io
import logging
import re
import socket
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html import unescape
from itertools import accumulate
from typing import Any

import pypdf
import pytest

from accounts.models import Lender
from accounts.tenancy import tenant
from finance.formatting import format_money
from finance.models import JournalLine, Statement
from finance.pdf import STATEMENT_STYLE, _bundled_fetcher, statement_html, statement_pdf, write_pdf
from finance.queries.statements.content import AccountPart, Amounts, Line, Party, StatementContent
from finance.queries.statements.kept import from_json
from finance.queries.statements.printing import by_day
from finance.queries.statements.sheet import sheet_rows
from finance.tasks.statements import produce_statement
from finance.views.csv_files import safe_cell
from tests.cast import Cast, sign_in
from tests.finance.books import D
from tests.finance.march import MARCH, content_of, march, order

FRENCH = Lender(
    slug="lumiere", name="Lumière Auto Finance", currency="EUR", locale="fr_FR", time_zone="Europe/Paris",
    accent_colour="#7a3e9d",
)  # fmt: skip
AMERICAN = Lender(
    slug="summit", name="Summit Dealer Capital", currency="USD", locale="en_US", time_zone="America/Denver",
    accent_colour="#1f5c4d",
)  # fmt: skip


def made_up(accounts: int, *, lender: Lender = AMERICAN, name: str = "Alder Motors", title: str = "2022 Honda Civic",
            text: str = "Interest 2025-03") -> StatementContent:  # fmt: skip
    """A content that proves itself, for so many units, with few movements."""
    parts = []
    for number in range(accounts):
        opening = Amounts(D("12345.00") + number, D("77.10"))
        paid = Line(date(2025, 3, 10), date(2025, 3, 10), "interest_payment", "Payment P-100042", 7, "payment",
                    Amounts(interest=D("77.10")))  # fmt: skip
        billed = Line(
            MARCH, date(2025, 4, 1), "interest_billed", text, 9, "charge", Amounts(interest=D("81.25"))
        )
        parts.append(
            AccountPart(
                public_id=f"{number:032x}",
                kind="unit",
                number=f"U-{100001 + number}",
                title=title,
                identification=f"1HGCV1F3{number:09d}",
                opening=opening,
                lines=(paid, billed),
                closing=opening + paid.change + billed.change,
            )
        )
    return StatementContent(
        number="S-100042",
        lender=Party(
            lender.name, "", ("+1 303 555 0100", "help@summit.example", "Monday to Friday 8:00 to 18:00")
        ),
        dealership=Party(name, "10001", ("1200 Broadway", "80203 Denver CO")),
        currency=lender.currency,
        time_zone=lender.time_zone,
        origin="https://summit.example",
        period_start=date(2025, 3, 1),
        period_end=MARCH,
        made_on=date(2025, 4, 1),
        last_entry=9,
        previous="S-100031",
        accounts=tuple(parts),
        due_on=date(2025, 4, 10),
        due=(),
        credit_lines=(),
        rates=(),
    )


def reader(pdf: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(pdf))


def text_of(pdf: bytes) -> str:
    """The words of all pages, blanks of any width and number as one."""
    words = " ".join(page.extract_text() for page in reader(pdf).pages)
    return re.sub(r"\s+", " ", words)


def fonts_of(document: pypdf.PdfReader) -> Iterator[tuple[str, bool]]:
    """Each font of each page with whether its program is in the file."""
    for page in document.pages:
        for font in page["/Resources"]["/Font"].values():
            inner = font.get_object()
            descendants = inner.get("/DescendantFonts")
            inner = descendants[0].get_object() if descendants else inner
            descriptor = inner["/FontDescriptor"]
            yield inner["/BaseFont"], any(f"/FontFile{kind}" in descriptor for kind in ("", "2", "3"))


# --- one statement, five places ---------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_pdf_csv_page_content_and_ledger_say_the_same(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        march(cast.dealership)
        statement = order(cast.dealership)
    assert produce_statement(cast.lender.pk, statement.pk)
    with tenant(cast.lender.pk):
        statement.refresh_from_db()
        content = from_json(statement.content)
        ledger = {row.account.number: _owed_by_ledger(row.account_id) for row in _lines()}
        with statement.pdf.open("rb") as file:
            pdf = text_of(file.read())
    browser = sign_in(cast.owner)
    answer = browser.get(f"/statements/{statement.public_id}/").content.decode()
    page = re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", answer)))
    sheet = list(csv.DictReader(io.StringIO(_csv(browser, statement).removeprefix("\ufeff"))))

    for account in content.accounts:
        assert ledger[account.number] == account.closing.total
        rows = [row for row in sheet if row["account"] == account.number]
        assert rows[0]["record"] == "opening"
        assert rows[-1]["record"] == "closing"
        for column in ("principal", "interest", "fees", "credit", "total"):
            assert sum(Decimal(row[column]) for row in rows[:-1]) == Decimal(rows[-1][column])
            assert Decimal(rows[-1][column]) == getattr(account.closing, column)
        running = list(accumulate(Decimal(row["total"]) for row in rows[:-1]))
        assert [Decimal(row["balance"]) for row in rows] == [*running, account.closing.total]
        shown = " ".join(
            format_money(amount, "USD", "en_US")
            for amount in (
                account.opening.total,
                account.charges.total,
                -account.payments.total,
                account.closing.total,
                account.closing.principal,
                account.closing.interest,
                account.closing.fees,
            )
        )
        for place in (pdf, page):
            assert f"{account.title} {account.identification[-6:]} {shown}" in place, account.number
    for posting in content.postings:
        assert sum(D(row["total"]) for row in sheet if row["entry"] == str(posting.entry)
                   and row["record"] == posting.side) == posting.change.total  # fmt: skip
        amount = format_money(posting.change.total, "USD", "en_US")
        assert f"{amount} {posting.entry}" in pdf
        assert f"{amount} {posting.entry}" in page
    totals = {row["record"]: row for row in sheet if not row["account"]}
    assert D(totals["total closing"]["total"]) == statement.closing == content.closing.total
    assert D(totals["total opening"]["total"]) == statement.opening
    assert D(totals["total charges"]["total"]) == statement.charges
    assert D(totals["total payments"]["total"]) == -statement.payments
    assert [D(totals[f"total {name}"]["balance"]) for name in ("opening", "payments", "closing")] == [
        statement.opening,
        statement.closing,
        statement.closing,
    ]
    assert D(totals["to be paid"]["total"]) == statement.amount_due
    assert {row["currency"] for row in sheet} == {"USD"}
    for amount in (
        statement.opening,
        statement.charges,
        statement.payments,
        statement.closing,
        statement.amount_due,
    ):
        assert format_money(amount, "USD", "en_US") in pdf
        assert format_money(amount, "USD", "en_US") in page
    for text in (
        "To be paid by April 10, 2025",
        "America/Denver",
        "9.50%",
        "actual/360",
        "$30,750.00",
        "43.0%",
    ):
        assert text in pdf


def _lines() -> list[JournalLine]:
    return list(JournalLine.objects.filter(account__isnull=False).select_related("account"))


def _owed_by_ledger(account_id: int) -> Decimal:
    rows = JournalLine.objects.filter(account_id=account_id, entry__business_date__lte=MARCH).exclude(
        ledger_account__code__startswith="4"
    )
    return sum((row.debit - row.credit for row in rows), D("0"))


def _csv(browser: Any, statement: Statement) -> str:
    return str(browser.get(f"/statements/{statement.public_id}/csv/").content.decode())


# --- the file ---------------------------------------------------------------------------------------------------------


def test_the_file_is_tagged_titled_and_carries_its_fonts() -> None:
    document = reader(statement_pdf(made_up(3), lender=AMERICAN))
    catalogue = document.trailer["/Root"]
    assert catalogue["/MarkInfo"]["/Marked"]
    assert catalogue["/StructTreeRoot"]["/K"]
    assert catalogue["/Lang"] == "en-US"
    assert catalogue["/ViewerPreferences"]["/DisplayDocTitle"]
    assert document.metadata is not None
    assert document.metadata.title == "Statement S-100042, March 2025, Alder Motors"
    fonts = set(fonts_of(document))
    assert fonts
    assert all(is_embedded for _name, is_embedded in fonts)
    assert all("Inter" in name for name, _is_embedded in fonts)


def test_tables_are_tables_to_a_machine_too() -> None:
    document = reader(statement_pdf(made_up(3), lender=AMERICAN))
    tags: list[str] = []

    def walk(node: Any) -> None:
        node = node.get_object() if hasattr(node, "get_object") else node
        if isinstance(node, list):
            for child in node:
                walk(child)
        elif isinstance(node, dict):
            if "/S" in node:
                tags.append(node["/S"])
            if "/K" in node:
                walk(node["/K"])

    walk(document.trailer["/Root"]["/StructTreeRoot"])
    assert tags.count("/Table") == 3
    assert {"/H1", "/H2", "/TH", "/TD", "/TR"} <= set(tags)


def test_the_same_content_gives_the_same_bytes() -> None:
    first = statement_pdf(made_up(5), lender=AMERICAN)
    time.sleep(1.1)  # what changes with the clock changes by the second
    assert statement_pdf(made_up(5), lender=AMERICAN) == first
    assert statement_pdf(replace(made_up(5), number="S-100043"), lender=AMERICAN) != first


def test_sixty_units_take_two_pages_with_the_head_repeated_and_numbers() -> None:
    document = reader(statement_pdf(made_up(60), lender=AMERICAN))
    assert len(document.pages) == 2
    first, second = (re.sub(r"\s+", " ", page.extract_text()) for page in document.pages)
    assert "Page 1 / 2" in first
    assert "Page 2 / 2" in second
    assert "Opening Charges Payments Closing" in first
    assert "Opening Charges Payments Closing" in second


def test_paper_and_figures_follow_the_lender() -> None:
    american, french = (
        reader(statement_pdf(made_up(1, lender=lender), lender=lender)) for lender in (AMERICAN, FRENCH)
    )
    assert [float(side) for side in american.pages[0].mediabox[2:]] == [612, 792]
    assert [round(float(side)) for side in french.pages[0].mediabox[2:]] == [595, 842]
    # English words with French figures, until the words are there in French.
    assert french.trailer["/Root"]["/Lang"] == "en-FR"
    words = re.sub(r"\s+", " ", french.pages[0].extract_text())
    assert "12 426,25 €" in words
    assert "12,426.25" not in words


def test_each_statement_says_when_its_day_was_and_where() -> None:
    words = text_of(statement_pdf(made_up(1), lender=AMERICAN))
    for text in ("Apr 1, 2025", "America/Denver", "Mar 1, 2025 to Mar 31, 2025", "S-100031", "USD"):
        assert text in words


# --- hostile data -----------------------------------------------------------------------------------------------------

HOSTILE = (
    '<img src="http://169.254.169.254/latest/meta-data/"><link rel=attachment href="file:///etc/passwd">'
)


@pytest.fixture
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the PDF engine opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_way_out")
def test_markup_in_names_is_printed_as_text() -> None:
    content = made_up(1, name=HOSTILE, title="=1+1", text="@import url(file:///etc/passwd)")
    assert "<img" not in statement_html(content, lender=AMERICAN)
    document = reader(statement_pdf(content, lender=AMERICAN))
    assert not document.attachments
    words = re.sub(r"\s+", "", "".join(page.extract_text() for page in document.pages))
    assert re.sub(r"\s+", "", HOSTILE) in words
    assert "root:" not in words


@pytest.mark.usefixtures("no_way_out")
@pytest.mark.parametrize(
    "markup",
    [
        '<img src="http://169.254.169.254/x.png">',
        '<img src="file:///etc/passwd">',
        '<object data="file:///etc/passwd"></object>',
        '<link rel="attachment" href="file:///etc/passwd">',
        '<link rel="stylesheet" href="http://169.254.169.254/x.css">',
        '<style>@import url("file:///etc/passwd"); @import url("http://169.254.169.254/");</style>',
        '<p style="background: url(bundled:../../../etc/passwd)">x</p>',
    ],
)
def test_even_unescaped_markup_fetches_nothing(markup: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        document = reader(
            write_pdf(f"<html lang=en><title>x</title><p>words{markup}", stylesheet=STATEMENT_STYLE)
        )
    assert not document.attachments
    words = " ".join(page.extract_text() for page in document.pages)
    assert "words" in words
    assert "root:" not in words
    assert any("not bundled" in record.getMessage() for record in caplog.records)


@pytest.mark.usefixtures("no_way_out")
@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/",
        "https://summit.example/logo.png",
        "file:///etc/passwd",
        "ftp://summit.example/x",
        "data:text/plain,hello",
        "bundled:../manage.py",
        "bundled:vendor/../../manage.py",
        "bundled:/etc/passwd",
        "BUNDLED:vendor/inter/inter-print-400.ttf",
        "",
    ],
)
def test_the_fetcher_answers_bundled_files_only(address: str) -> None:
    with pytest.raises((ValueError, FileNotFoundError, PermissionError)):
        _bundled_fetcher().fetch(address)


def test_the_fetcher_answers_bundled_files() -> None:
    assert _bundled_fetcher().fetch("bundled:vendor/inter/inter-print-400.ttf")


@pytest.mark.django_db
def test_a_formula_in_the_sheet_is_text(inside: Cast) -> None:
    month = march(inside.dealership)
    month.first.account.title = "=1+1"
    month.first.account.save(update_fields=["title"])
    rows = [",".join(safe_cell(cell) for cell in row) for row in sheet_rows(content_of(inside.dealership))]
    titled = [row for row in rows if "=1+1" in row]
    assert titled
    assert all(",'=1+1," in row for row in titled)
    # Amounts below zero stay numbers.
    assert any(",-2000.00," in row for row in rows)


def test_what_is_too_long_for_paper_is_summed_and_says_where_the_rows_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("finance.pdf.LONGEST_STATEMENT", 10)
    assert "too many rows" not in text_of(statement_pdf(made_up(8), lender=AMERICAN))
    content = made_up(9)
    words = text_of(statement_pdf(content, lender=AMERICAN))
    assert "too many rows for paper" in words
    assert "2022 Honda Civic 000000" not in words
    total = format_money(content.closing.total, "USD", "en_US")
    assert f"9 units {format_money(content.opening.total, 'USD', 'en_US')}" in words
    assert total in words
    summed = by_day(content.postings * 2)
    assert [(row.accounts, row.entry) for row in summed] == [(18, 0), (18, 0)]
    assert sum(row.change.total for row in summed) == 2 * (content.closing.total - content.opening.total)
