"""What a deployment runs sees the rows of all lenders: no data migration passes rows by, no key is believed unseen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest
from django.db import IntegrityError, ProgrammingError, connection, migrations
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.operations.base import Operation

from accounts.models import Dealership
from accounts.row_security import TenantTable
from accounts.tenancy import tenant
from tests.cast import Cast
from tests.conftest import owner_connection
from tests.template import become_again, become_owner

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def deploying() -> Iterator[None]:
    """Connect as the migration job does."""
    before = become_owner()
    try:
        yield
    finally:
        become_again(before)


def migrate(*operations: Operation) -> None:
    """Run operations as `manage.py migrate` runs those of a migration, with the credentials that are in use."""
    tried = type("Migration", (migrations.Migration,), {"operations": list(operations)})
    migration = tried("9999_tried", "accounts")
    state = MigrationExecutor(connection).loader.project_state()
    with connection.schema_editor(atomic=True) as editor:
        migration.apply(state, editor)


def move_to_boulder(apps: Any, editor: Any) -> None:
    del editor
    apps.get_model("accounts", "Dealership").objects.filter(town="Denver").update(town="Boulder")


DATA = (
    migrations.RunPython(move_to_boulder),
    migrations.RunSQL("UPDATE accounts_dealership SET region = 'Colorado'"),
)


def places_of(cast: Cast) -> dict[int, list[tuple[str, str, str]]]:
    found = {}
    for lender in (cast.lender, cast.other_lender):
        with tenant(lender.pk):
            found[lender.pk] = list(Dealership.objects.order_by("name").values_list("name", "town", "region"))
    return found


def test_a_data_migration_changes_the_rows_of_every_lender(cast: Cast) -> None:
    with deploying():
        migrate(*DATA)
    assert places_of(cast) == {
        cast.lender.pk: [("Alder Motors", "Boulder", "Colorado"), ("Birch Cars", "Boulder", "Colorado")],
        cast.other_lender.pk: [("Cedar Autos", "Boulder", "Colorado")],
    }
    # Each change is in the history of its own lender.
    for lender, count in ((cast.lender, 2), (cast.other_lender, 1)):
        with tenant(lender.pk), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM accounts_rowchange WHERE table_name = 'accounts_dealership' "
                "AND operation = 'update' AND after ->> 'town' = 'Boulder' AND before ->> 'town' = 'Denver'"
            )
            assert cursor.fetchone() == (count,)


def test_the_control_with_the_applications_credentials_a_data_migration_fails_aloud(cast: Cast) -> None:
    before = places_of(cast)
    for operation in DATA:
        with pytest.raises(ProgrammingError, match="permission denied"):
            migrate(operation)
    assert places_of(cast) == before


@contextmanager
def broken_notes(cast: Cast) -> Iterator[str]:
    """A table without its walls yet, in which a row of the second lender points to the first one's dealership."""
    table = "accounts_triednote"
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute(
            f"CREATE TABLE {table} (id bigint PRIMARY KEY, lender_id bigint NOT NULL, dealership_id bigint NOT NULL)"
        )
        cursor.execute(
            f"INSERT INTO {table} VALUES (1, %s, %s), (2, %s, %s)",
            [cast.lender.pk, cast.dealership.pk, cast.other_lender.pk, cast.dealership.pk],
        )
    try:
        yield table
    finally:
        with owner, owner.cursor() as cursor:
            cursor.execute(f"DROP TABLE {table}")
        owner.close()


def keys_of(table: str) -> list[tuple[str, bool]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname, convalidated FROM pg_constraint WHERE contype = 'f' AND conrelid = %s::regclass",
            [table],
        )
        return list(cursor.fetchall())


def test_a_key_over_broken_rows_is_refused_by_the_database(cast: Cast) -> None:
    with broken_notes(cast) as table, deploying():
        walls = TenantTable(table, references={"dealership_id": "accounts_dealership"})
        single = migrations.RunSQL(
            f"ALTER TABLE {table} ADD FOREIGN KEY (lender_id, dealership_id) "
            "REFERENCES accounts_dealership (lender_id, id)"
        )
        for operation in (walls, single):
            with pytest.raises(IntegrityError, match="violates foreign key constraint"):
                migrate(operation)
            assert keys_of(table) == []
        migrate(migrations.RunSQL(f"DELETE FROM {table} WHERE id = 2"))
        migrate(walls)
        assert keys_of(table) == [(f"{table}_dealership_id_tenant_fk", True)]
        # Behind forced row security, too, the deployment sees and refuses: the walls stand now.
        migrate(migrations.RunSQL(f"ALTER TABLE {table} DROP CONSTRAINT {table}_dealership_id_tenant_fk"))
        migrate(
            migrations.RunSQL(f"INSERT INTO {table} VALUES (2, {cast.other_lender.pk}, {cast.dealership.pk})")
        )
        with pytest.raises(IntegrityError, match="violates foreign key constraint"):
            migrate(single)
        assert keys_of(table) == []


TRIED = """
CREATE TABLE aside.parent (lender_id bigint, id bigint, PRIMARY KEY (lender_id, id));
CREATE TABLE aside.child (lender_id bigint, parent_id bigint, note text DEFAULT '');
INSERT INTO aside.parent VALUES (1, 1), (2, 2);
INSERT INTO aside.child VALUES (1, 1), (2, 1);
ALTER TABLE aside.parent ENABLE ROW LEVEL SECURITY;
ALTER TABLE aside.parent FORCE ROW LEVEL SECURITY;
ALTER TABLE aside.child ENABLE ROW LEVEL SECURITY;
ALTER TABLE aside.child FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON aside.parent USING (lender_id = (SELECT current_setting('app.lender_id')::bigint));
CREATE POLICY wall ON aside.child USING (lender_id = (SELECT current_setting('app.lender_id')::bigint));
SELECT set_config('app.lender_id', '1', true);
"""
KEY = (
    "ALTER TABLE aside.child ADD CONSTRAINT tried FOREIGN KEY (lender_id, parent_id) REFERENCES aside.parent"
)


@contextmanager
def schema_aside() -> Iterator[None]:
    """A schema in which the application's staff role may own tables, for once."""
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("CREATE SCHEMA aside; GRANT USAGE, CREATE ON SCHEMA aside TO portal_staff")
    try:
        yield
    finally:
        with owner, owner.cursor() as cursor:
            cursor.execute("DROP SCHEMA aside CASCADE")
        owner.close()


def test_the_control_an_owner_behind_the_walls_believes_a_broken_key(transactional_db: None) -> None:
    """Why the owner passes row security: the same statements by an owner who does not pass by in silence."""
    database = connection.settings_dict
    with schema_aside():
        app = psycopg2.connect(
            dbname=database["NAME"],
            user=database["USER"],
            password=database["PASSWORD"],
            host=database["HOST"],
            port=database["PORT"],
        )
        with app.cursor() as cursor:
            cursor.execute("SET LOCAL ROLE portal_staff")
            cursor.execute(TRIED)
            cursor.execute("UPDATE aside.child SET note = 'seen'")
            assert cursor.rowcount == 1
            cursor.execute(KEY)
            cursor.execute("SELECT convalidated FROM pg_constraint WHERE conname = 'tried'")
            assert cursor.fetchone() == (True,)
        app.rollback()
        app.close()
        with owner_connection() as owner, owner.cursor() as cursor:
            cursor.execute(TRIED)
            cursor.execute("UPDATE aside.child SET note = 'seen'")
            assert cursor.rowcount == 2
            with pytest.raises(psycopg2.errors.ForeignKeyViolation):
                cursor.execute(KEY)
        owner.close()


def test_the_deploying_role_passes_row_security_and_the_application_does_not() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolname, rolbypassrls, rolsuper FROM pg_roles WHERE rolname = ANY (%s) ORDER BY rolname",
            [
                [
                    "portal_owner",
                    "portal_backup",
                    "portal_app",
                    "portal_staff",
                    "portal_dealer",
                    "portal_login",
                ]
            ],
        )
        assert cursor.fetchall() == [
            ("portal_app", False, False),
            ("portal_backup", True, False),
            ("portal_dealer", False, False),
            ("portal_login", False, False),
            ("portal_owner", True, False),
            ("portal_staff", False, False),
        ]
