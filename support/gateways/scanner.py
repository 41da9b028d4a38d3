"""The virus scanner: a clamd that takes a stream (INSTREAM, clamd(8)).

Fails closed: whoever cannot get an answer gets ScannerUnavailableError, never "clean".
"""

import socket
import struct
from dataclasses import dataclass
from typing import IO

_CHUNK = 64 * 1024
_CONNECT_SECONDS = 3.0
_ANSWER_SECONDS = 60.0
_LONGEST_ANSWER = 4096


class ScannerUnavailableError(RuntimeError):
    """The scanner did not answer, or answered with an error of its own; the file stays unreleased."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the scanner said; `finding` names what it found and is empty for a clean file."""

    is_clean: bool
    finding: str = ""


def scan(content: IO[bytes], address: str) -> Verdict:
    """Have `content` looked at by the clamd at `address` (host:port); raises ScannerUnavailableError."""
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS) as connection:
            connection.settimeout(_ANSWER_SECONDS)
            connection.sendall(b"zINSTREAM\0")
            while chunk := content.read(_CHUNK):
                connection.sendall(struct.pack(">I", len(chunk)) + chunk)
            connection.sendall(struct.pack(">I", 0))
            answer = _answer(connection)
    except (OSError, ValueError, OverflowError) as error:
        raise ScannerUnavailableError(str(error)) from error
    return _verdict(answer)


def _answer(connection: socket.socket) -> str:
    received = b""
    while b"\0" not in received and len(received) < _LONGEST_ANSWER:
        part = connection.recv(1024)
        if not part:
            break
        received += part
    return received.split(b"\0")[0].decode("utf-8", "replace").strip()


def _verdict(answer: str) -> Verdict:
    # Clean is "OK", infected "<name> FOUND", both after "stream: "; anything else ends in "ERROR".
    if answer == "stream: OK":
        return Verdict(is_clean=True)
    if answer.startswith("stream: ") and answer.endswith(" FOUND"):
        return Verdict(is_clean=False, finding=answer.removeprefix("stream: ").removesuffix(" FOUND"))
    raise ScannerUnavailableError(answer or "no answer")
