"""The embedded servers and the roles, on servers of this test's own."""

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg2
import pytest
import redis

from portal.ground import ports, processes
from portal.ground.messages import GroundError
from portal.ground.postgres import Postgres
from portal.ground.services import Services
from portal.ground.state import State

ROLES = """
SELECT rolname, rolcanlogin, rolsuper, rolcreatedb, rolcreaterole, rolinherit, rolbypassrls, rolconfig::text,
       ARRAY(SELECT parent.rolname || CASE WHEN pg_has_role(r.rolname, parent.oid, 'USAGE') THEN ' used' ELSE ' set' END
             FROM pg_auth_members m JOIN pg_roles parent ON parent.oid = m.roleid
             WHERE m.member = r.oid ORDER BY 1)::text
FROM pg_roles r WHERE rolname LIKE 'portal\\_%' AND rolname <> 'portal_admin' ORDER BY 1
"""


@pytest.fixture(scope="module")
def folder():
    """A data folder that the servers' user can reach when the tests run as root."""
    path = Path(tempfile.mkdtemp(prefix="forecourt-ground-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def running(folder: Path):
    services = Services(folder, given={})
    services.start()
    yield services
    services.stop()


def command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes().replace(b"\0", b" ")


def connect(url: str):
    return psycopg2.connect(url, connect_timeout=5)


def test_both_servers_answer_to_their_urls(running: Services) -> None:
    variables = running.environment()
    for name, role in (("DATABASE_URL", "portal_app"), ("DATABASE_OWNER_URL", "portal_owner")):
        with connect(variables[name]) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT current_user, current_setting('server_version_num')::int >= 150000")
            assert cursor.fetchone() == (role, True)
        connection.close()
    with redis.Redis.from_url(variables["REDIS_URL"]) as client:
        assert client.ping()
        assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_a_write_is_safe_before_it_is_acknowledged(running: Services) -> None:
    assert running.postgres is not None
    for name, value in {
        "fsync": "on",
        "synchronous_commit": "on",
        "jit": "off",
        "max_connections": "200",
    }.items():
        assert running.postgres.query(f"SHOW {name}").strip() == value


def test_no_server_listens_beyond_this_machine(running: Services) -> None:
    assert running.postgres is not None
    assert running.valkey is not None
    assert running.postgres.query("SHOW listen_addresses").strip() == ports.LOOPBACK
    with redis.Redis.from_url(running.valkey.url) as client:
        assert client.config_get("bind") == {"bind": ports.LOOPBACK}


def test_a_server_refuses_a_wrong_password(running: Services) -> None:
    assert running.valkey is not None
    url = running.environment()["DATABASE_URL"]
    password = running.state.secret("postgres", "app_password")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        connect(url.replace(password, "wrong"))
    with (
        redis.Redis(host=ports.LOOPBACK, port=running.valkey.port, password="wrong") as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_preparing_again_changes_no_role(running: Services) -> None:
    assert running.postgres is not None
    before = running.postgres.query(ROLES)
    assert before.count("\n") == 7
    running.postgres.prepare()
    assert running.postgres.query(ROLES) == before


def test_a_changed_role_is_set_right(running: Services) -> None:
    assert running.postgres is not None
    before = running.postgres.query(ROLES)
    running.postgres.query("ALTER ROLE portal_app BYPASSRLS INHERIT CREATEDB")
    running.postgres.query("REVOKE portal_staff FROM portal_app")
    assert running.postgres.query(ROLES) != before
    running.postgres.prepare()
    assert running.postgres.query(ROLES) == before


def test_the_application_role_has_no_power_of_its_own(running: Services) -> None:
    connection = connect(running.environment()["DATABASE_URL"])
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole, rolinherit,"
            " pg_has_role('portal_owner', 'MEMBER') FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False,) * 6
        for role in ("portal_login", "portal_dealer", "portal_staff", "portal_platform"):
            cursor.execute("SELECT pg_has_role(%s, 'MEMBER'), pg_has_role(%s, 'USAGE')", [role, role])
            assert cursor.fetchone() == (True, False), f"{role} must be taken on, never inherited"
    connection.close()


def test_the_backup_role_reads_what_others_own_and_writes_nothing(running: Services) -> None:
    assert running.postgres is not None
    owner = connect(running.postgres.url("owner"))
    with owner, owner.cursor() as cursor:
        cursor.execute("CREATE TABLE kept (number int); ALTER TABLE kept ENABLE ROW LEVEL SECURITY")
        cursor.execute("INSERT INTO kept VALUES (1)")
    backup = connect(running.postgres.url("backup"))
    with backup, backup.cursor() as cursor:
        cursor.execute("SELECT number FROM kept")
        assert cursor.fetchall() == [(1,)]
    for statement in (
        "INSERT INTO kept VALUES (2)",
        "SET default_transaction_read_only = off; DELETE FROM kept",
    ):
        with pytest.raises(psycopg2.Error), backup, backup.cursor() as cursor:
            cursor.execute(statement)
    with owner, owner.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept")
        assert cursor.fetchone() == (1,)
        cursor.execute("DROP TABLE kept")
    owner.close()
    backup.close()


def test_the_owner_makes_databases_with_the_extensions_that_it_may_need(running: Services) -> None:
    assert running.postgres is not None
    connection = connect(running.postgres.url("owner"))
    with connection, connection.cursor() as cursor:
        for name in ("pg_trgm", "citext", "btree_gist", "unaccent"):
            cursor.execute(f"CREATE EXTENSION {name}")
        connection.rollback()
    connection.close()


def test_after_a_kill_everything_acknowledged_is_there(running: Services) -> None:
    assert running.postgres is not None
    assert running.postgres.child is not None
    owner = connect(running.postgres.url("owner"))
    with owner, owner.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE lasting (number int); INSERT INTO lasting SELECT generate_series(1, 500)"
        )
    port = running.postgres.port
    os.kill(running.postgres.child.pid, signal.SIGKILL)
    running.postgres.child.process.wait(10)
    assert running.restart_what_ended() == "postgresql"
    assert running.postgres.port == port
    again = connect(running.postgres.url("owner"))
    with again, again.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lasting")
        assert cursor.fetchone() == (500,)
        cursor.execute("DROP TABLE lasting")
    owner.close()
    again.close()


def test_a_queue_survives_the_kill_of_its_server(running: Services) -> None:
    assert running.valkey is not None
    assert running.valkey.child is not None
    with redis.Redis.from_url(running.valkey.url) as client:
        client.rpush("waiting", *range(20))
        assert processes.wait_until(
            lambda: (
                client.info("persistence")["aof_pending_bio_fsync"] == 0
                and client.waitaof(1, 0, 3000)[0] == 1
            ),
            5,
        )
    os.kill(running.valkey.child.pid, signal.SIGKILL)
    running.valkey.child.process.wait(10)
    assert running.restart_what_ended() == "valkey"
    with redis.Redis.from_url(running.valkey.url) as client:
        assert client.llen("waiting") == 20
        client.delete("waiting")


def test_a_stranger_on_the_remembered_port_is_not_taken_for_ours(running: Services) -> None:
    """The remembered port belongs to another program by now: the server moves to a free one."""
    assert running.valkey is not None
    port = running.valkey.port
    assert running.valkey.child is not None
    running.valkey.child.ask_to_stop()
    assert running.valkey.child.wait_stopped(10)
    with socket.socket() as stranger:
        stranger.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        stranger.bind((ports.LOOPBACK, port))
        stranger.listen()
        assert not running.valkey.answers()
        running.valkey.start()
        assert running.valkey.port != port
        assert running.valkey.answers()


def test_data_of_another_major_version_is_refused_with_the_way_out(folder: Path, running: Services) -> None:
    assert running.postgres is not None
    other = Postgres(folder, State(folder / "other.json"), running.postgres.account, folder / "other")
    other.cluster.mkdir(parents=True)
    (other.cluster / "PG_VERSION").write_text("9\n", encoding="ascii")
    with pytest.raises(GroundError, match=r"PostgreSQL 9, which is not installed.*RESET=1"):
        other.start()


def test_no_password_shows_in_the_list_of_processes(running: Services) -> None:
    assert running.postgres is not None
    listing = b"\n".join(command_lines()).decode(errors="replace")
    assert str(running.postgres.cluster) in listing
    for section in ("postgres", "valkey"):
        for name, value in running.state.section(section).items():
            if name.endswith("password"):
                assert value not in listing


def test_a_server_of_ones_own_is_never_started_or_touched(folder: Path) -> None:
    given = {
        "DATABASE_URL": "postgresql://portal_app:x@db.example/forecourt",
        "DATABASE_OWNER_URL": "postgresql://portal_owner:x@db.example/forecourt",
        "REDIS_URL": "redis://cache.example/0",
    }
    services = Services(folder, given=given)
    services.start()
    assert services.postgres is None
    assert services.valkey is None
    assert given.items() <= services.environment().items()


def test_a_database_of_ones_own_needs_its_owner_too(folder: Path) -> None:
    with pytest.raises(GroundError, match="DATABASE_OWNER_URL is needed"):
        Services(folder, given={"DATABASE_URL": "postgresql://portal_app:x@db.example/forecourt"})


def test_addresses_printed_before_do_not_count_as_a_server_of_ones_own(
    folder: Path, running: Services
) -> None:
    again = Services(folder, given=running.environment())
    assert again.postgres is not None
    assert again.valkey is not None
