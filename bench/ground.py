"""The bench's own database: made anew by its owner, used as the restricted role of production, dropped at the end."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2

NAME = "forecourt_bench"
#: Hints to workers carry it: no worker of a running portal takes them, and the end of the run deletes them.
BROKER_PREFIX = "forecourt-bench:"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: `units` billed at once; everything else follows."""

    units: int
    is_quick: bool

    @classmethod
    def of_environment(cls) -> Sizes:
        """BENCH_UNITS (100,000 by default); BENCH_QUICK=1 asks for a tenth."""
        is_quick = os.environ.get("BENCH_QUICK", "") not in {"", "0"}
        units = int(os.environ.get("BENCH_UNITS", "10000" if is_quick else "100000"))
        if units < 1000:
            raise SystemExit("BENCH_UNITS must be 1000 or more.")
        return cls(units, is_quick)

    @property
    def crowd(self) -> int:
        """BENCH_CROWD: units of many lenders over which plans are looked at; 200,000 by default, a tenth when quick."""
        return int(os.environ.get("BENCH_CROWD", "20000" if self.is_quick else "200000"))

    @property
    def growth(self) -> int:
        """Units of the second, smaller lender that is billed beside the first."""
        return self.units // 10

    @property
    def desk(self) -> int:
        """Units of the lender whose dealers look, pay and get statements; the three dealers measured come on top.

        Enough for each payment to be of a unit that none was made of before.
        """
        return max(self.units // 4, 4000 if self.is_quick else 12_000)

    def payments(self, clients: int) -> int:
        """Payments of one timed run with so many clients."""
        return (32 if self.is_quick else 96) * min(clients, 4) // clients * clients

    @property
    def statements(self) -> int:
        """PDFs of one timed run."""
        return 3 if self.is_quick else 6

    @property
    def looks(self) -> int:
        """Dashboards of one timed run."""
        return 15 if self.is_quick else 40


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


def owner_url() -> str:
    """The bench's database as its owner."""
    return _named(os.environ["DATABASE_OWNER_URL"], NAME)


def app_url() -> str:
    """The bench's database as the role that web and worker connect as."""
    return _named(os.environ["DATABASE_URL"], NAME)


def _connection(url: str) -> Any:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    return connection


def _drop() -> None:
    """Drop the database, and end what a killed run left in it: each role may end its own sessions alone."""
    for url in (os.environ["DATABASE_OWNER_URL"], _named(os.environ["DATABASE_URL"], _owner_database())):
        _execute(
            url,
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
            f"WHERE datname = '{NAME}' AND usename = current_user",
        )
    _execute(os.environ["DATABASE_OWNER_URL"], f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)")


def _owner_database() -> str:
    return urlsplit(os.environ["DATABASE_OWNER_URL"]).path.removeprefix("/")


def _execute(url: str, statement: str) -> None:
    connection = _connection(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


@contextmanager
def database() -> Iterator[None]:
    """An empty, migrated database, and Django set up to use it as `portal_app`."""
    _drop()
    _execute(os.environ["DATABASE_OWNER_URL"], f"CREATE DATABASE {NAME}")
    app, owner = app_url(), owner_url()
    os.environ["DJANGO_SETTINGS_MODULE"] = "bench.settings"
    try:
        subprocess.run(
            [sys.executable, "manage.py", "migrate", "--skip-checks", "--verbosity", "0"],
            env=os.environ | {"DATABASE_URL": owner},
            check=True,
        )
        os.environ["DATABASE_URL"] = app
        import django  # noqa: PLC0415 (its settings read the variables above)

        django.setup()
        import portal.celery  # noqa: PLC0415, F401 (hints find the broker by it)

        yield
    finally:
        _forget_hints()
        _close()
        if os.environ.get("BENCH_KEEP", "") in {"", "0"}:
            _drop()


def _close() -> None:
    from django.db import connections  # noqa: PLC0415

    connections.close_all()


def _forget_hints() -> None:
    """Delete from the broker what was hinted to workers that do not exist."""
    from django.conf import settings  # noqa: PLC0415
    from redis import Redis  # noqa: PLC0415

    if not settings.configured:
        return
    broker = Redis.from_url(settings.REDIS_URL)
    keys = list(broker.scan_iter(match=f"{BROKER_PREFIX}*"))
    if keys:
        broker.delete(*keys)


@contextmanager
def owner_cursor() -> Iterator[Any]:
    """A cursor of the database's owner, committing at the end: for building what is measured."""
    connection = psycopg2.connect(owner_url())
    try:
        with connection, connection.cursor() as cursor:
            yield cursor
    finally:
        connection.close()


def tidy_tables() -> None:
    """Let the planner know what is there, and leave no clean-up for the timed runs."""
    _execute(owner_url(), "VACUUM (ANALYZE)")


def server_settings() -> str:
    """The settings of the server that decide what a figure means, in one line."""
    names = (
        "server_version",
        "fsync",
        "synchronous_commit",
        "full_page_writes",
        "wal_level",
        "shared_buffers",
        "jit",
    )
    connection = psycopg2.connect(app_url())
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT name, current_setting(name) FROM unnest(%s) WITH ORDINALITY AS n(name, place) ORDER BY place",
                [list(names)],
            )
            found = [" ".join(row) for row in cursor.fetchall()]
    finally:
        connection.close()
    return ", ".join(found)
