"""Reading what a page says: its tables by their ids, its amounts."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from html.parser import HTMLParser

from django.http import HttpResponse

MONEY = re.compile(r"-?\$[0-9,]+\.[0-9]{2}(?![0-9])")


def amount(text: str) -> Decimal:
    """The one amount in a text."""
    (found,) = MONEY.findall(text)
    return Decimal(found.replace("$", "").replace(",", ""))


@dataclass
class Table:
    """The cells of one table as text, row by row."""

    head: list[list[str]] = field(default_factory=list)
    body: list[list[str]] = field(default_factory=list)
    foot: list[list[str]] = field(default_factory=list)

    def column(self, number: int) -> list[str]:
        """One cell of each row of the body."""
        return [row[number] for row in self.body]

    def amounts(self, number: int) -> Decimal:
        """The sum of a column of amounts."""
        return sum((amount(cell) for cell in self.column(number)), Decimal(0))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, Table] = {}
        self.table: Table | None = None
        self.part: list[list[str]] | None = None
        self.in_cell = False
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.table = Table()
            self.tables[dict(attrs).get("id") or f"table-{len(self.tables)}"] = self.table
        elif self.table and tag in {"thead", "tbody", "tfoot"}:
            self.part = {"thead": self.table.head, "tbody": self.table.body, "tfoot": self.table.foot}[tag]
        elif self.part is not None and tag == "tr":
            self.part.append([])
        elif self.part and tag in {"td", "th"}:
            self.part[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        if tag in {"td", "th"}:
            self.in_cell = False
        elif tag in {"thead", "tbody", "tfoot"}:
            self.part = None
        elif tag == "table":
            self.table = None

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if self.in_cell and self.part:
            self.part[-1][-1] = f"{self.part[-1][-1]} {data.strip()}".strip()


def tables_of(response: HttpResponse) -> dict[str, Table]:
    """Every table of a page."""
    reader = _Reader()
    reader.feed(response.content.decode())
    return reader.tables


def text_of(response: HttpResponse) -> str:
    """The words of a page, blanks joined."""
    reader = _Reader()
    reader.feed(response.content.decode())
    return " ".join(" ".join(reader.text).split())
