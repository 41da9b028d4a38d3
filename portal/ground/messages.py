"""Progress and errors of the launcher, as plain numbered lines."""

import itertools
import sys
import time

_started = time.monotonic()
_numbers = itertools.count(1)


class GroundError(Exception):
    """Something a person has to do first; the text says what, in one or two sentences."""


def step(text: str) -> None:
    """Announce the next step, numbered, with the seconds since the start."""
    print(f"{next(_numbers):2}. [{time.monotonic() - _started:5.1f} s] {text}", flush=True)


def note(text: str) -> None:
    """Add an indented remark to the current step."""
    print(f"    {text}", flush=True)


def fail(text: str) -> int:
    """Print an error on the error stream; the returned value is the exit code to end with."""
    print(f"Error: {text}", file=sys.stderr, flush=True)
    return 1
