"""A real Chromium against a real server, on the lenders' own host names."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from django.conf import settings
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from accounts.models import Lender, User
from tests.cast import Cast, host_of, make_cast, sign_in

# Playwright's own loop makes Django refuse database calls in this thread, although nothing here is asynchronous.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

WIDE = {"width": 1366, "height": 768}
NARROW = {"width": 390, "height": 844}
_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP *.testserver 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def chromium_path() -> str:
    """The browser that the set-up found or installed."""
    found = os.environ.get("FORECOURT_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    if not found:
        pytest.fail("No Chromium here: run `apt-get install chromium`, or name one in FORECOURT_CHROMIUM.")
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


class Visitor:
    """One person's browser: opens pages of a lender and watches for what no page may do."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.origin = origin
        self.page: Page = context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"script error: {error}"))
        self.page.on("requestfailed", self._failed)

    def _console(self, message: Any) -> None:
        # Plain HTTP under a made-up host name is no secure context; over TLS, and on localhost, the header counts.
        expected = ("Failed to load resource", "Cross-Origin-Opener-Policy header has been ignored")
        if message.type == "error" and not any(part in message.text for part in expected):
            self.complaints.append(message.text)

    def _failed(self, request: Any) -> None:
        if not request.url.startswith(self.origin) and not request.url.startswith("data:"):
            self.complaints.append(f"asked elsewhere: {request.url}")

    def open(self, path: str) -> Page:
        """Go to a path of the lender's host."""
        self.page.goto(f"{self.origin}{path}")
        return self.page

    def picture(self, name: str) -> None:
        """Keep a picture when FORECOURT_PICTURES names a folder."""
        folder = os.environ.get("FORECOURT_PICTURES")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"), full_page=True)

    def barriers(self) -> list[str]:
        """What axe finds on the page that keeps somebody out (WCAG 2.2 AA)."""
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
        # The checker itself sets styles that our policy blocks; what it provokes is no fault of the page.
        before = list(self.complaints)
        # Of what is sound it need not describe every element, and only what is wrong has to come over here.
        options = {"runOnly": {"type": "tag", "values": tags}, "resultTypes": ["violations"]}
        self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate("options => axe.run(options).then(found => found.violations)", options)
        self.complaints = before
        return [f"{item['id']}: {item['nodes'][0]['html']}" for item in found]

    def overflows(self) -> bool:
        """Whether the page scrolls sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"))


@pytest.fixture
def visitor_of(browser: Browser, live_server: Any) -> Iterator[Callable[..., Visitor]]:
    """Open a browser for a person (signed in), or for a lender (nobody signed in)."""
    contexts: list[BrowserContext] = []
    port = live_server.url.rsplit(":", 1)[1]

    def make(who: User | Lender, *, narrow: bool = False) -> Visitor:
        lender_id = who.lender_id if isinstance(who, User) else who.pk
        origin = f"http://{host_of(lender_id)}:{port}"
        context = browser.new_context(viewport=NARROW if narrow else WIDE, locale="en-US")
        contexts.append(context)
        if isinstance(who, User):
            key = sign_in(who).cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": key, "url": origin}])
        return Visitor(context, origin)

    yield make
    for context in contexts:
        context.close()
