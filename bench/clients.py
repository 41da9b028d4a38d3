"""Clients that work at the same time: processes, each with a connection of its own, that begin together."""

from __future__ import annotations

import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from bench.measure import Sample, WrongAnswerError, backend_cpu

#: Pieces that each client does before the clock runs: a new connection reads its catalogues first.
WARM: Final = 3
_PATIENCE: Final = 300

Worker = Callable[[], tuple[Callable[[Any], None], int]]
"""Called in each process: opens a connection; returns what does one piece, and the server process behind it."""


def at_once(clients: int, worker: Worker, pieces: Sequence[Any]) -> Sample:
    """Let so many clients do the pieces between them; each takes `WARM` pieces more from the front, untimed."""
    from django.db import connections  # noqa: PLC0415 (Django is set up late)

    # A connection must not cross the fork.
    connections.close_all()
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(clients)
    answers = context.SimpleQueue()
    warm, timed = pieces[: clients * WARM], pieces[clients * WARM :]
    children = [
        context.Process(
            target=_child, args=(worker, warm[number::clients], timed[number::clients], barrier, answers)
        )
        for number in range(clients)
    ]
    for child in children:
        child.start()
    found = [answers.get() for _ in children]
    for child in children:
        child.join()
    wrong = [answer for answer in found if isinstance(answer, str)]
    if wrong:
        raise WrongAnswerError(wrong[0])
    servers = [answer["server"] for answer in found]
    return Sample(
        count=len(timed),
        wall=max(answer["end"] for answer in found) - min(answer["start"] for answer in found),
        app=sum(answer["app"] for answer in found),
        server=None if None in servers else sum(servers),
        each=sorted(moment for answer in found for moment in answer["each"]),
    )


def _child(worker: Worker, warm: Sequence[Any], timed: Sequence[Any], barrier: Any, answers: Any) -> None:
    try:
        do, backend = worker()
        for piece in warm:
            do(piece)
        barrier.wait(_PATIENCE)
        before, app, start = backend_cpu(backend), time.process_time(), time.monotonic()
        each = []
        for piece in timed:
            begun = time.monotonic()
            do(piece)
            each.append(time.monotonic() - begun)
        end, spent, after = time.monotonic(), time.process_time() - app, backend_cpu(backend)
        server = None if before is None or after is None else after - before
        answers.put({"start": start, "end": end, "app": spent, "server": server, "each": each})
    except BaseException as error:  # noqa: BLE001 (whatever it was, the parent waits for an answer)
        barrier.abort()
        answers.put(f"{type(error).__name__}: {error}")
    # Nothing of the parent's is closed here.
    os._exit(0)


def percentile(samples: Sequence[Sample], share: float) -> float:
    """Median over the rounds of the time below which `share` of the pieces stay, in milliseconds."""
    return 1000 * statistics.median(
        sample.each[min(len(sample.each) - 1, int(share * len(sample.each)))] for sample in samples
    )
