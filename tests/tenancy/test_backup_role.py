"""A dump as `portal_backup` holds every lender, and that role changes nothing."""

import os
import subprocess
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.db import connection

from portal.ground import places
from portal.ground.postgres import installed_binaries
from portal.ground.services import Services
from tests.cast import Cast
from tests.conftest import owner_connection
from tests.tenancy.catalogue import tenant_tables

pytestmark = pytest.mark.django_db(transaction=True)


def backup_url() -> str:
    """The test database as `portal_backup`.

    The launcher knows the password on its own server. For a server that DATABASE_URL names, DATABASE_BACKUP_URL says
    it, or else a password file of libpq's.
    """
    path = f"/{connection.settings_dict['NAME']}"
    if given := os.environ.get("DATABASE_BACKUP_URL"):
        return urlunsplit(urlsplit(given)._replace(path=path))
    services = Services(places.data_directory())
    if services.postgres:
        return services.postgres.url("backup", path[1:])
    owner = urlsplit(os.environ["DATABASE_OWNER_URL"])
    place = owner.netloc.rpartition("@")[2]
    return urlunsplit(owner._replace(netloc=f"portal_backup@{place}", path=path))


def app_url() -> str:
    database = connection.settings_dict
    return f"postgresql://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def dump(url: str, folder: Path) -> tuple[int, str, str]:
    """Dump the database by the first pg_dump here that is no older than the server: exit code, dump, complaints."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version_num")
        major = int(cursor.fetchone()[0]) // 10000
    able = [found for found in installed_binaries() if found.major >= major]
    assert able, f"Install the client programs of PostgreSQL {major} or later."
    program = able[0].program("pg_dump")
    file = folder / "dump.sql"
    outcome = subprocess.run(
        [program, f"--dbname={url}", "--format=plain", f"--file={file}"],
        capture_output=True,
        text=True,
        check=False,
    )
    return outcome.returncode, file.read_text(encoding="utf-8") if file.exists() else "", outcome.stderr


def lenders_in(text: str) -> dict[str, Counter[int]]:
    """How many rows of each lender a dump has of each table."""
    found: dict[str, Counter[int]] = {}
    lines = iter(text.splitlines())
    for line in lines:
        if not line.startswith("COPY public."):
            continue
        table, _, rest = line.removeprefix("COPY public.").partition(" (")
        columns = rest.partition(")")[0].split(", ")
        if "lender_id" not in columns:
            continue
        place = columns.index("lender_id")
        counted = found[table] = Counter()
        for row in lines:
            if row == "\\.":
                break
            counted[int(row.split("\t")[place])] += 1
    return found


def test_a_dump_holds_every_row_of_every_lender(cast: Cast, tmp_path: Path) -> None:
    code, text, complaints = dump(backup_url(), tmp_path)
    assert (code, complaints) == (0, "")
    found = lenders_in(text)
    with owner_connection() as owner, owner.cursor() as cursor:
        for table in tenant_tables():
            cursor.execute(f"SELECT lender_id, count(*) FROM {table} GROUP BY 1")
            assert found[table] == dict(cursor.fetchall()), table
    owner.close()
    both = {cast.lender.pk, cast.other_lender.pk}
    for table in ("accounts_dealership", "accounts_user", "accounts_membership", "accounts_rowchange"):
        assert set(found[table]) == both


def test_the_control_a_dump_by_the_application_fails_aloud(cast: Cast, tmp_path: Path) -> None:
    code, text, complaints = dump(app_url(), tmp_path)
    assert code != 0
    assert "permission denied" in complaints
    assert cast.owner.email not in text


def test_the_backup_role_writes_nothing_anywhere(cast: Cast) -> None:
    statements = (
        "UPDATE accounts_dealership SET town = 'Elsewhere'",
        "DELETE FROM accounts_membership",
        "INSERT INTO accounts_rowchange SELECT * FROM accounts_rowchange",
        "TRUNCATE django_session",
        "CREATE TABLE copied AS SELECT * FROM accounts_user",
        "ALTER TABLE accounts_user DISABLE ROW LEVEL SECURITY",
        "SET ROLE portal_owner",
        "SET ROLE portal_staff",
    )
    backup = psycopg2.connect(backup_url())
    backup.autocommit = True
    with backup.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("portal_backup",)
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction):
            cursor.execute(statements[0])
        # The role is born read-only, which a session may undo; it has no right to write either.
        cursor.execute("SET default_transaction_read_only = off")
        for statement in statements:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute(statement)
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') "
            "AND has_table_privilege(oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
        )
        assert cursor.fetchall() == []
        cursor.execute("SELECT count(*) FROM accounts_dealership WHERE town = 'Denver'")
        assert cursor.fetchone() == (3,)
    backup.close()
