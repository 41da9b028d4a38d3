"""A page of rows that the database has already cut out."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator


class CountedPaginator(Paginator):
    """Pages over a set whose size is known and of which one page's rows are at hand."""

    def __init__(self, total: int, per_page: int) -> None:
        super().__init__(range(total), per_page)

    def holding(self, rows: Sequence[Any], number: int) -> Page:
        """The page `number` with its rows; a number past the end is the last page."""
        return Page(rows, min(number, self.num_pages), self)
