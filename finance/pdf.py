"""PDF from a template: tagged, fonts embedded, nothing fetched but the files named here.

Only tasks call this; a request never waits for a PDF. WeasyPrint is imported inside, because a machine without its
system libraries must still serve every page.
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import translation

from accounts.models import Lender

logger = logging.getLogger(__name__)

SCHEME = "bundled:"
FONT = "vendor/inter/inter-variable.woff2"


class PdfEngineMissingError(RuntimeError):
    """WeasyPrint's system libraries are not installed; the message names the line to run."""


def render_pdf(template: str, context: Mapping[str, Any], *, lender: Lender, stylesheet: str) -> bytes:
    """The template in the lender's language as PDF/UA-1, the same bytes for the same content.

    `stylesheet` and everything the style sheet names as `bundled:<path>` are files of the static folders; any other
    address is refused.
    """
    try:
        from weasyprint import CSS, HTML  # noqa: PLC0415 (needs system libraries)
        from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415
    except OSError as missing:
        raise PdfEngineMissingError(
            "Install the PDF libraries: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
        ) from missing

    with translation.override(lender.locale.split("_", maxsplit=1)[0]):
        html = render_to_string(template, {"lender": lender, **context})
    fonts = FontConfiguration()
    fetcher = _bundled_fetcher()
    style = CSS(string=_read(stylesheet).decode(), font_config=fonts, url_fetcher=fetcher, base_url=SCHEME)
    document = HTML(string=html, url_fetcher=fetcher, base_url=SCHEME)
    pdf: bytes = document.write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/ua-1")
    return pdf


def _read(name: str) -> bytes:
    path = finders.find(name)
    if not path:
        raise FileNotFoundError(name)
    return Path(str(path)).read_bytes()


def _bundled_fetcher() -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse  # noqa: PLC0415

    class BundledFetcher(URLFetcher):  # type: ignore[misc]
        """Answers `bundled:<path>` from the static folders and refuses the rest: network, local files."""

        def fetch(self, url: str, headers: Any = None) -> Any:
            name = url.removeprefix(SCHEME)
            if not url.startswith(SCHEME) or ".." in name:
                logger.warning("A document asked for %s, which is not bundled", url[:200])
                raise ValueError("Only bundled files are used in a document.")
            return URLFetcherResponse(url, _read(name))

    return BundledFetcher()
