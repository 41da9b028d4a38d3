"""Processes beside the tests: started as in production, on the tests' database, and ended with their children."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection


def waited_for(what: Callable[[], Any], seconds: float = 60.0) -> Any:
    """The first true answer, or a failure."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    pytest.fail("It did not happen in time.")


def started(command: list[str], log: Path, **extra: str) -> subprocess.Popen[bytes]:
    """A process in a group of its own, so that its children die with it."""
    database = connection.settings_dict
    address = f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}"
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "portal.settings.test",
        "DATABASE_URL": f"{address}/{database['NAME']}",
        **extra,
    }
    with log.open("ab") as output:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=settings.BASE_DIR,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def killed(process: subprocess.Popen[bytes]) -> None:
    """Dead at once, with everything it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=30)


@contextmanager
def worker_process(
    folder: Path, broker: str, *, include: str = "", **extra: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker as production runs it, ready for work; `include` names a module with tasks of the tests."""
    log = folder / f"worker-{uuid4().hex[:6]}.log"
    command = ["-m", "celery", "--app", "portal.celery", "worker", "--concurrency", "1", "--loglevel", "INFO"]
    process = started(
        [*command, "--include", include] if include else command, log, REDIS_URL=broker, **extra
    )
    try:
        waited_for(lambda: " ready." in log.read_text())
        yield process
    finally:
        killed(process)
