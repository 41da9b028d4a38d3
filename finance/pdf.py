"""PDF from a template: tagged, fonts embedded, nothing fetched but the files named here.

Only tasks call this; a request never waits for a PDF. WeasyPrint is imported inside, because a machine without its
system libraries must still serve every page.
"""

import atexit
import logging
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import Lender
from finance.queries.statements.content import StatementContent
from finance.queries.statements.printing import printed

logger = logging.getLogger(__name__)

SCHEME = "bundled:"
STATEMENT_STYLE = "finance/statement.css"
LONGEST_STATEMENT = 1200
"""Rows of a printed statement that a worker's memory bears; what is longer leaves them to the sheet and says so."""


class PdfEngineMissingError(RuntimeError):
    """WeasyPrint's system libraries are not installed; the message names the line to run."""


def render_pdf(template: str, context: Mapping[str, Any], *, lender: Lender, stylesheet: str) -> bytes:
    """The template in the lender's language as PDF/UA-1, the same bytes for the same content.

    `stylesheet` and everything the style sheet names as `bundled:<path>` are files of the static folders; any other
    address is refused.
    """
    html = render_html(template, context, lender=lender)
    return write_pdf(html, stylesheet=stylesheet)


def render_html(template: str, context: Mapping[str, Any], *, lender: Lender) -> str:
    """The template in the lender's language. Context besides the given: `lender`, and `language` as a BCP 47 tag."""
    with translation.override(lender.language):
        return render_to_string(template, {"lender": lender, "language": lender.language_tag, **context})


def write_pdf(html: str, *, stylesheet: str) -> bytes:
    """The HTML as PDF/UA-1."""
    html_class, style, fonts, fetcher = _engine(stylesheet)
    document = html_class(string=html, url_fetcher=fetcher, base_url=SCHEME)
    pdf: bytes = document.write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1")
    return pdf


def statement_html(content: StatementContent, *, lender: Lender) -> str:
    """A statement as the HTML that its PDF is made of."""
    with translation.override(lender.language):
        shown = printed(content, locale=lender.locale, longest=LONGEST_STATEMENT)
    return render_html("finance/statement_pdf.html", {"content": content, "shown": shown}, lender=lender)


def statement_pdf(content: StatementContent, *, lender: Lender) -> bytes:
    """A statement as PDF; the same content gives the same bytes."""
    return write_pdf(statement_html(content, lender=lender), stylesheet=STATEMENT_STYLE)


@lru_cache(maxsize=8)
def _engine(stylesheet: str) -> tuple[Any, Any, Any, Any]:
    """WeasyPrint with a style sheet and its fonts, read once per process."""
    try:
        from weasyprint import CSS, HTML  # noqa: PLC0415 (needs system libraries)
        from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    except OSError as missing:
        raise PdfEngineMissingError(
            "Install the PDF libraries: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        ) from missing
    fonts = FontConfiguration()
    fetcher = _bundled_fetcher()
    style = CSS(string=_read(stylesheet).decode(), font_config=fonts, url_fetcher=fetcher, base_url=SCHEME)
    return HTML, style, fonts, fetcher


# Fonts are given back to the library while it is still there.
atexit.register(_engine.cache_clear)


def _read(name: str) -> bytes:
    path = finders.find(name)
    if not path:
        raise FileNotFoundError(name)
    return Path(str(path)).read_bytes()


def _bundled_fetcher() -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415

    class BundledFetcher(URLFetcher):
        """Answers `bundled:<path>` from the static folders and refuses the rest: network, local files."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            name = url.removeprefix(SCHEME)
            if not url.startswith(SCHEME) or name.startswith("/") or ".." in name:
                logger.warning("A document asked for %s, which is not bundled", url[:200])
                raise ValueError("Only bundled files are used in a document.")
            return URLFetcherResponse(url, _read(name))

    return BundledFetcher()
