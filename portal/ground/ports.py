"""Chooses TCP ports on the loopback address."""

import socket

from portal.ground.messages import GroundError

LOOPBACK = "127.0.0.1"


def is_free(port: int, address: str = LOOPBACK) -> bool:
    """Whether a server could listen on `port` now. Connections of an ended server in TIME_WAIT do not count as busy."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def any_free() -> int:
    """A free port chosen by the system."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def remembered_or_free(port: int | None) -> int:
    """`port` when it is still free, else any free one: addresses stay the same over restarts where they can."""
    return port if port and is_free(port) else any_free()


def wanted_or_next(
    port: int, taken: frozenset[int] = frozenset(), address: str = LOOPBACK, tries: int = 50
) -> int:
    """`port`, or the next free one above it that is not in `taken`."""
    for candidate in range(port, min(port + tries, 65536)):
        if candidate not in taken and is_free(candidate, address):
            return candidate
    raise GroundError(
        f"No free port between {port} and {port + tries - 1}. Stop what uses them, or set PORT to another."
    )
