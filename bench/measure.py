"""How the bench measures: wall and CPU of both sides, taken in turns, shown as median, lowest and highest."""

from __future__ import annotations

import hashlib
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

ROUNDS: Final = 3
BUSY: Final = 1.25
"""Wall over CPU of the yardstick from which wall-clock figures say nothing."""

_TICK: Final = os.sysconf("SC_CLK_TCK")


class WrongAnswerError(Exception):
    """The work that was timed was not done: there is no figure for it."""


def must(condition: bool, what: str) -> None:
    """Refuse the figures of work that was not done."""
    if not condition:
        raise WrongAnswerError(what)


def backend_cpu(pid: int) -> float | None:
    """CPU seconds of a PostgreSQL backend so far; None when the server is not on this machine."""
    try:
        if b"postgres" not in Path(f"/proc/{pid}/cmdline").read_bytes():
            return None
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / _TICK


@dataclass(slots=True)
class Sample:
    """One timed run of one side: seconds of wall, of the application's CPU and of the server's, over `count` pieces."""

    count: int
    wall: float = 0.0
    app: float = 0.0
    server: float | None = 0.0
    each: list[float] = field(default_factory=list)

    @property
    def cpu(self) -> float:
        """CPU of application and server together."""
        return self.app + (self.server or 0.0)


@contextmanager
def timed(count: int, backend: int | None = None) -> Any:
    """Time a block; `backend` is the process of the connection that it uses."""
    sample = Sample(count)
    before = backend_cpu(backend) if backend else 0.0
    app, wall = time.process_time(), time.perf_counter()
    yield sample
    sample.wall = time.perf_counter() - wall
    sample.app = time.process_time() - app
    after = backend_cpu(backend) if backend else 0.0
    sample.server = None if before is None or after is None else after - before


Side = Callable[[int], Sample]


def in_turns(sides: Mapping[str, Side], rounds: int = ROUNDS) -> dict[str, list[Sample]]:
    """Run the sides one after the other, `rounds` times; each is told the number of the round."""
    samples: dict[str, list[Sample]] = {name: [] for name in sides}
    for number in range(rounds):
        for name, run in sides.items():
            samples[name].append(run(number))
    return samples


def median(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """The median of one figure over the rounds."""
    return statistics.median(of(sample) for sample in samples)


def shown(samples: Sequence[Sample], of: Callable[[Sample], float], digits: int = 2) -> str:
    """Median with the lowest and the highest: `12.30 (11.90-13.10)`."""
    values = [of(sample) for sample in samples]
    low, high = min(values), max(values)
    return f"{statistics.median(values):,.{digits}f} ({low:,.{digits}f}-{high:,.{digits}f})"


def ratio(
    portal: Sequence[Sample],
    floor: Sequence[Sample],
    of: Callable[[Sample], float] = lambda s: s.cpu / s.count,
) -> float:
    """How many times what the floor takes the portal takes, of medians."""
    below = median(floor, of)
    return median(portal, of) / below if below else float("inf")


# --- yardstick --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Yardstick:
    """A fixed task of one core: how fast the machine is now, and whether somebody else uses it."""

    wall: float
    cpu: float

    @property
    def is_busy(self) -> bool:
        """Whether wall-clock figures taken now are void."""
        return self.wall > BUSY * self.cpu

    def __str__(self) -> str:
        verdict = "busy: CPU figures stand, wall-clock figures are void" if self.is_busy else "quiet"
        return f"yardstick {self.wall:.2f} s wall, {self.cpu:.2f} s CPU ({verdict})"


def yardstick() -> Yardstick:
    """Hash the same bytes, again and again."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = b"forecourt"
    for _ in range(400_000):
        value = hashlib.sha256(value).digest()
    return Yardstick(time.perf_counter() - wall, time.process_time() - cpu)


# --- the report -------------------------------------------------------------------------------------------------------


def say(text: str = "") -> None:
    """Print a line at once."""
    print(text, flush=True)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, the first to the left and the others to the right."""
    widths = [max(len(str(row[at])) for row in (head, *rows)) for at in range(len(head))]
    for number, row in enumerate((head, *rows)):
        cells = [
            str(row[0]).ljust(widths[0]),
            *(str(cell).rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        say("  " + "  ".join(cells).rstrip())
        if number == 0:
            say("  " + "  ".join("-" * width for width in widths))


@dataclass(frozen=True, slots=True)
class Gate:
    """A ratio that must hold."""

    name: str
    value: float
    limit: float
    at_most: bool = True
    fails: bool = False
    """Whether a miss makes the command fail: what is counted rather than timed has no bad day."""

    @property
    def holds(self) -> bool:
        """Whether it does."""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def __str__(self) -> str:
        sign = "at most" if self.at_most else "at least"
        return (
            f"{'holds ' if self.holds else 'MISSED'}  {self.name}: {self.value:.2f} ({sign} {self.limit:.2f})"
        )
