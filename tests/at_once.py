"""Threads that start together, for tests of what happens at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connection


def at_once(number: int, act: Callable[[int], Any]) -> list[Any]:
    """Run `act` in that many threads which start together, each with a connection of its own."""
    barrier = Barrier(number)

    def run(place: int) -> Any:
        try:
            barrier.wait(timeout=30)
            return act(place)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return list(pool.map(run, range(number)))
