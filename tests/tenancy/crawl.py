"""Follows every link of a signed-in person's pages, as a curious visitor would."""

import re
from collections import deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlsplit

from django.test import Client

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LEAVES = ("/static/", "/account/logout", "/demo/")
# What differs between two answers that say the same: the reference and the form's token.
_PASSING = re.compile(r"[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}|[A-Za-z0-9]{64}|" + UUID.pattern)


class _Links(HTMLParser):
    """Collects addresses that a page leads to: links, htmx parts, forms."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.posts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        for name in ("href", "hx-get", "data-href", "src"):
            if values.get(name):
                self.found.append(values[name])
        if tag == "form":
            (self.posts if values.get("method", "").lower() == "post" else self.found).append(
                values.get("action", "")
            )
        for name in ("hx-post", "formaction"):
            if values.get(name):
                self.posts.append(values[name])


@dataclass
class Crawl:
    """What was reached: pages with their text, and the addresses of forms."""

    pages: dict[str, str] = field(default_factory=dict)
    posts: set[str] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=dict)


def crawl(client: Client, start: list[str], *, limit: int = 600) -> Crawl:
    """Every page that can be reached from `start`, at most `limit`, each query string of a path up to three times."""
    found = Crawl()
    waiting = deque(start)
    seen: dict[str, int] = {}
    while waiting and len(found.pages) < limit:
        address = waiting.popleft()
        parts = urlsplit(address)
        if parts.netloc or parts.scheme not in {"", "http"} or not parts.path.startswith("/"):
            continue
        if parts.path.startswith(_LEAVES):
            continue
        key = f"{parts.path}?{parts.query}"
        if key in found.pages or key in found.refused or seen.get(parts.path, 0) >= 3:
            continue
        seen[parts.path] = seen.get(parts.path, 0) + 1
        answer = client.get(key.rstrip("?"))
        if answer.status_code in {301, 302}:
            waiting.append(answer["Location"])
            found.refused[key] = answer.status_code
            continue
        if answer.status_code != 200:
            found.refused[key] = answer.status_code
            continue
        body = text_of(answer)
        found.pages[key] = body
        if "html" not in answer["Content-Type"]:
            continue
        links = _Links()
        links.feed(body)
        for link in links.found:
            if link.startswith("?"):
                waiting.append(f"{parts.path}{link}")
            elif link.startswith("/"):
                waiting.append(link)
        found.posts |= {link if link.startswith("/") else parts.path for link in links.posts}
    return found


def text_of(answer: object) -> str:
    """The answer's body, streamed or not, as text."""
    if getattr(answer, "streaming", False):
        return b"".join(answer).decode("utf-8", "replace")  # type: ignore[call-overload]
    return answer.content.decode("utf-8", "replace")  # type: ignore[attr-defined]


def lasting(body: str) -> str:
    """The body without what differs from answer to answer."""
    return _PASSING.sub("*", body)
