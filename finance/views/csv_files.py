"""Lists as CSV files that a spreadsheet opens without running anything in them."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from django.http import HttpResponse

_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")

Cell = str | int | Decimal | date | None


def safe_cell(value: Cell) -> str:
    """A cell's text. Amounts are plain numbers with a point, days are ISO dates.

    Text that a spreadsheet would take for a formula gets an apostrophe in front: a stock number `=1+1` stays one.
    """
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.lstrip().startswith(_DANGEROUS) else text


def csv_response(name: str, head: Sequence[Cell], rows: Iterable[Sequence[Cell]]) -> HttpResponse:
    """A CSV download in UTF-8 with a byte-order mark, which spreadsheets need to recognise it."""
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow([safe_cell(cell) for cell in head])
    writer.writerows([safe_cell(cell) for cell in row] for row in rows)
    response = HttpResponse(sheet.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
