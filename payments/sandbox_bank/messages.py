"""Signing, and telling clients what became of their debits."""

import hashlib
import hmac
import http.client
import time
from urllib.parse import urlsplit

from payments.sandbox_bank.book import Message, StoredBook

TOLERANCE = 300
_TIMEOUT = 10.0


def signature(secret: str, timestamp: int, content: bytes) -> str:
    """`t=<seconds>,v1=<HMAC-SHA256 over "<seconds>." and the content>`."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + content, hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def is_signed(header: str, secret: str, content: bytes, *, now: float) -> bool:
    """Whether `header` is this secret's signature of `content`, not older than five minutes."""
    parts = dict(part.partition("=")[::2] for part in header.split(","))
    stamp = parts.get("t", "")
    if not (stamp.isascii() and stamp.isdigit()) or abs(now - int(stamp)) > TOLERANCE:
        return False
    return hmac.compare_digest(signature(secret, int(stamp), content).encode(), header.encode())


def deliver(book: StoredBook, secret: str) -> None:
    """Send every message that is due; what is not taken is sent again later."""
    for message in book.due_messages():
        book.note_attempt(message, delivered=_post(message, secret))


def _post(message: Message, secret: str) -> bool:
    parts = urlsplit(message.url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        return True
    # Names below .localhost mean this machine (RFC 6761), whatever the resolver thinks of them.
    address = "127.0.0.1" if parts.hostname.endswith(".localhost") else parts.hostname
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(address, parts.port, timeout=_TIMEOUT)
    content = message.body.encode()
    try:
        connection.request(
            "POST",
            parts.path or "/",
            body=content,
            headers={
                "Host": parts.netloc,
                "Content-Type": "application/json",
                "Bank-Signature": signature(secret, int(time.time()), content),
            },
        )
        # 410: the client wants no more of these.
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return status in {200, 201, 202, 204, 410}
