"""Two lenders through a real pooler in transaction mode: nobody meets another's context on a shared connection."""

import os
import pwd
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from django.db import connection, connections
from django.test import Client

from portal.ground.pooler import ensure_pooler
from portal.ground.ports import any_free
from tests.cast import make_cast, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.portal.failing_urls")]

REQUESTS = 400
CLIENTS = 12
POOL = 2


@pytest.fixture
def pooled(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The suite's database behind pgbouncer with two server connections for everybody."""
    program = os.environ.get("FORECOURT_PGBOUNCER") or ensure_pooler()
    direct = dict(connection.settings_dict)
    port = any_free()
    folder = tmp_path / "pooler"
    folder.mkdir()
    (folder / "users.txt").write_text(f'"{direct["USER"]}" "{direct["PASSWORD"]}"\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={direct['HOST']} port={direct['PORT']}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = plain\nauth_file = {folder}/users.txt\npool_mode = transaction\n"
        f"default_pool_size = {POOL}\nmax_client_conn = 200\n"
    )
    for path in (tmp_path.parent.parent, tmp_path.parent, tmp_path, folder):
        path.chmod(0o755)
    for file in folder.iterdir():
        file.chmod(0o644)
    user = ["-u", "nobody"] if os.geteuid() == 0 and pwd.getpwnam("nobody") else []
    process = subprocess.Popen([program, "-q", *user, str(folder / "pgbouncer.ini")])
    address: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "user": direct["USER"],
        "password": direct["PASSWORD"],
    }
    connections.close_all()
    settings = connections["default"].settings_dict
    kept = {key: settings[key] for key in ("HOST", "PORT", "OPTIONS", "CONN_MAX_AGE")}
    try:
        _wait_for(address, str(direct["NAME"]))
        # A pooler in transaction mode takes no start-up options; the server's role carries the time-outs there.
        settings.update(HOST="127.0.0.1", PORT=port, OPTIONS={}, CONN_MAX_AGE=0)
        yield {**address, "dbname": direct["NAME"]}
    finally:
        connections.close_all()
        settings.update(kept)
        process.terminate()
        process.wait(10)


def _wait_for(address: dict[str, Any], name: str) -> None:
    end = time.monotonic() + 10
    while True:
        try:
            psycopg2.connect(dbname=name, **address).close()
        except psycopg2.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
        else:
            return


def test_four_hundred_mixed_requests_of_two_lenders_meet_no_foreign_row(pooled: dict[str, Any]) -> None:
    cast = make_cast()
    people = {
        cast.owner: {"Alder Motors"},
        cast.stranger: {"Birch Cars"},
        cast.finance: {"Alder Motors", "Birch Cars"},
        cast.other_owner: {"Cedar Autos"},
        cast.other_finance: {"Cedar Autos"},
    }
    browsers = {person: sign_in(person).cookies for person in people}
    hosts = {cast.lender.pk: "summit.testserver", cast.other_lender.pk: "coast.testserver"}
    order = [list(people)[number % len(people)] for number in range(REQUESTS)]

    def ask(number: int) -> tuple[int, set[str]]:
        person = order[number]
        client = Client(HTTP_HOST=hosts[person.lender_id], raise_request_exception=False)
        client.cookies = browsers[person]
        try:
            answer = client.get("/crash/" if number % 7 == 0 else "/seen/")
            return answer.status_code, set(answer.content.decode().splitlines()) if number % 7 else set()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(ask, range(REQUESTS)))

    for number, (status, names) in enumerate(answers):
        if number % 7 == 0:
            assert status == 500
        else:
            assert (status, names) == (200, people[order[number]])
    for _ in range(10 * POOL):
        with psycopg2.connect(**pooled) as fresh, fresh.cursor() as cursor:
            cursor.execute(
                "SELECT current_user, coalesce(current_setting('app.lender_id', true), ''), "
                "coalesce(current_setting('app.dealership_ids', true), '')"
            )
            assert cursor.fetchone() == ("portal_app", "", "")
        fresh.close()


def test_the_control_a_session_wide_setting_does_leak(pooled: dict[str, Any]) -> None:
    leaked = 0
    with psycopg2.connect(**pooled) as first, first.cursor() as cursor:
        cursor.execute("SELECT set_config('app.lender_id', '42', false)")
    first.close()
    for _ in range(10):
        with psycopg2.connect(**pooled) as other, other.cursor() as cursor:
            cursor.execute("SELECT current_setting('app.lender_id', true)")
            leaked += cursor.fetchone() == ("42",)
        other.close()
    assert leaked
