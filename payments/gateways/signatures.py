"""Signatures of requests to and from a bank: HMAC-SHA256 over the time and the raw content, five minutes' tolerance."""

import hashlib
import hmac
import re

TOLERANCE_SECONDS = 300
_HEADER = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def signature_header(secret: str, timestamp: int, content: bytes) -> str:
    """`t=<seconds>,v1=<digest>` for `content` sent at `timestamp` (seconds since 1970)."""
    return f"t={timestamp},v1={_digest(secret, str(timestamp), content)}"


def is_authentic(header: str, secret: str, content: bytes, *, now: float) -> bool:
    """Whether `header` is the signature of `content` by the holder of `secret`, made within the last five minutes.

    Always False without a secret: an unset one must not let everybody in.
    """
    match = _HEADER.fullmatch(header)
    if not secret or match is None:
        return False
    timestamp, digest = match.groups()
    fresh = abs(now - int(timestamp)) <= TOLERANCE_SECONDS
    return hmac.compare_digest(_digest(secret, timestamp, content), digest) and fresh


def _digest(secret: str, timestamp: str, content: bytes) -> str:
    return hmac.new(secret.encode(), timestamp.encode() + b"." + content, hashlib.sha256).hexdigest()
