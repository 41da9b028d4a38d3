"""Statements: the portal's whole way to a stored PDF against bare WeasyPrint with the very same HTML."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from io import BytesIO
from typing import Any, Final

from bench.ground import Sizes
from bench.measure import ROUNDS, Gate, Sample, in_turns, must, ratio, say, shown, table, timed
from bench.stock import ORDINARY, Stock

PERIOD_END: Final = date(2025, 1, 31)
BUSINESS_DATE: Final = date(2025, 2, 20)


def _order(stock: Stock, count: int) -> list[int]:
    """Waiting statements of as many ordinary dealerships, from the end of the list: their units were paid last."""
    from accounts.models import Dealership  # noqa: PLC0415 (Django is set up late)
    from accounts.tenancy import tenant  # noqa: PLC0415
    from finance.actions.statements import order_statement  # noqa: PLC0415

    with tenant(stock.lender_id):
        dealerships = Dealership.objects.exclude(pk__in=stock.by_size.values()).order_by("pk")[:count]
        must(len(dealerships) == count, "there are not enough dealerships for so many statements")
        return [
            order_statement(
                dealership=dealership, period_end=PERIOD_END, business_date=BUSINESS_DATE, actor=None
            ).pk
            for dealership in dealerships
        ]


def _html_of(stock: Stock, statement_ids: Sequence[int]) -> list[tuple[str, Any]]:
    """What the portal printed, as HTML, with the stored statement."""
    from accounts.models import Lender  # noqa: PLC0415
    from accounts.tenancy import tenant  # noqa: PLC0415
    from finance.models import Statement  # noqa: PLC0415
    from finance.pdf import statement_html  # noqa: PLC0415
    from finance.queries.statements.kept import from_json  # noqa: PLC0415

    with tenant(stock.lender_id):
        lender = Lender.objects.get(pk=stock.lender_id)
        rows = {row.pk: row for row in Statement.objects.filter(pk__in=statement_ids)}
    return [(statement_html(from_json(rows[key].content), lender=lender), rows[key]) for key in statement_ids]


def _bare(html: str) -> bytes:
    """WeasyPrint as its manual shows it, with the portal's style sheet and the same kind of PDF."""
    from weasyprint import CSS, HTML  # noqa: PLC0415
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415

    from finance.pdf import SCHEME, STATEMENT_STYLE, _bundled_fetcher, _read  # noqa: PLC0415

    fonts, fetcher = FontConfiguration(), _bundled_fetcher()
    style = CSS(
        string=_read(STATEMENT_STYLE).decode(), font_config=fonts, url_fetcher=fetcher, base_url=SCHEME
    )
    pdf: bytes = HTML(string=html, url_fetcher=fetcher, base_url=SCHEME).write_pdf(
        stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1"
    )
    return pdf


def run(stock: Stock, sizes: Sizes) -> list[Gate]:
    """Make statements of 60 units, both sides in turns; bare WeasyPrint prints what the portal has just printed."""
    from django.db import connection  # noqa: PLC0415
    from pypdf import PdfReader  # noqa: PLC0415

    from finance.tasks.statements import produce_statement  # noqa: PLC0415

    count = sizes.statements
    ordered = _order(stock, count * ROUNDS + 1)
    # The first of a process reads style sheet and fonts; a worker does that once in its life.
    must(produce_statement(stock.lender_id, ordered[0]), "no statement was made")
    _bare(_html_of(stock, ordered[:1])[0][0])
    pages = []

    def of_round(number: int) -> Sequence[int]:
        return ordered[1 + number * count : 1 + (number + 1) * count]

    def portal(number: int) -> Sample:
        connection.ensure_connection()
        with timed(count, connection.connection.info.backend_pid) as sample:
            made = [produce_statement(stock.lender_id, key) for key in of_round(number)]
        must(all(made), "a statement was not made")
        return sample

    def bare(number: int) -> Sample:
        sources = _html_of(stock, of_round(number))
        with timed(count) as sample:
            made = [_bare(html) for html, _ in sources]
        for pdf, (_, statement) in zip(made, sources, strict=True):
            with statement.pdf.open() as stored:
                printed = stored.read()
            must(printed == pdf, f"{statement.number}: the two sides made different documents")
            must(
                len(statement.content["accounts"]) == ORDINARY, f"{statement.number} has not {ORDINARY} units"
            )
            pages.append(len(PdfReader(BytesIO(pdf)).pages))
        return sample

    samples = in_turns({"portal": portal, "bare WeasyPrint, same HTML": bare})
    table(
        (f"statement of {ORDINARY} units", "PDFs/s, wall", "PDFs per CPU-s", "app CPU ms", "server CPU ms"),
        [
            (
                side,
                shown(of_side, lambda sample: sample.count / sample.wall),
                shown(of_side, lambda sample: sample.count / sample.cpu),
                shown(of_side, lambda sample: 1000 * sample.app / sample.count, 0),
                shown(of_side, lambda sample: 1000 * (sample.server or 0.0) / sample.count, 0),
            )
            for side, of_side in samples.items()
        ],
    )
    must(min(pages) >= 2, "a statement has fewer than two pages")
    say(f"  {len(pages)} statements of {min(pages)} to {max(pages)} pages; both sides made the same bytes")
    return [
        Gate(
            "S1 statements per CPU-second beside bare WeasyPrint",
            1 / ratio(samples["portal"], samples["bare WeasyPrint, same HTML"]),
            0.9,
            at_most=False,
        )
    ]
