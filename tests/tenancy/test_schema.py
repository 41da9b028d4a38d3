"""Every table, view, key and index obeys the rules of the walls, whoever adds one."""

import pytest
from django.db import connection

from tests.conftest import owner_connection

ROLES = ("portal_app", "portal_login", "portal_dealer", "portal_staff", "portal_platform")

# Tables that an application role may read although no wall stands around them, each with its reason.
WITHOUT_WALL = {
    "accounts_lenderhost": "read before the lender is known; holds host names only",
    "django_session": "the key is the secret; needed before the lender's transaction begins",
    "django_content_type": "names of models",
    "django_migrations": "names of migrations",
}

UNCOVERED = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm', 'f')
  AND EXISTS (SELECT 1 FROM unnest(%s::text[]) AS r(name)
              WHERE has_table_privilege(r.name, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'))
  AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
      SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive))
ORDER BY 1
"""
OPEN_POLICIES = """
SELECT tablename || '.' || policyname FROM pg_policies
WHERE schemaname = 'public' AND (qual = 'true' OR with_check = 'true'
      OR coalesce(qual, with_check) NOT LIKE '%%app.lender_id%%')
"""
SINGLE_KEYS = """
SELECT k.conrelid::regclass || '.' || k.conname FROM pg_constraint k
WHERE k.contype = 'f' AND k.connamespace = 'public'::regnamespace AND cardinality(k.conkey) = 1
  AND EXISTS (SELECT 1 FROM pg_attribute a
              WHERE a.attrelid = k.conrelid AND a.attname = 'lender_id' AND NOT a.attisdropped)
  AND EXISTS (SELECT 1 FROM pg_attribute a
              WHERE a.attrelid = k.confrelid AND a.attname = 'lender_id' AND NOT a.attisdropped)
  AND NOT EXISTS (
      SELECT 1 FROM pg_constraint w WHERE w.contype = 'f' AND w.conrelid = k.conrelid AND w.confrelid = k.confrelid
        AND cardinality(w.conkey) = 2 AND w.conkey @> k.conkey)
"""
LOOSE_UNIQUES = """
SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND i.indisunique AND NOT i.indisprimary
  AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'lender_id' AND NOT a.attisdropped)
  AND c.relname <> 'accounts_lenderhost'
  AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'lender_id'
                  AND a.attnum = ANY (i.indkey::int2[]))
"""
LEAKY_VIEWS = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'v'
  AND NOT coalesce(c.reloptions @> ARRAY['security_invoker=true'], false)
UNION SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'm'
"""
DEFINERS = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef"

# Unique keys of a library whose value is its own tenant: one session row per session key, one primary mail per person.
LIBRARY_UNIQUES = {
    "usersessions_usersession_session_key_key",
    "unique_primary_email",
    "account_emailaddress_user_id_email_987c8728_uniq",
}


def names(sql: str, parameters: list[object] | None = None) -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return {row[0] for row in cursor.fetchall()}


@pytest.mark.django_db
def test_every_readable_table_has_a_wall() -> None:
    assert names(UNCOVERED, [list(ROLES)]) == set(WITHOUT_WALL)


@pytest.mark.django_db
def test_every_policy_names_the_lender() -> None:
    assert names(OPEN_POLICIES) == set()


@pytest.mark.django_db
def test_every_key_between_tenant_tables_carries_the_lender() -> None:
    assert names(SINGLE_KEYS) == set()


@pytest.mark.django_db
def test_every_unique_key_carries_the_lender() -> None:
    assert names(LOOSE_UNIQUES) <= LIBRARY_UNIQUES


@pytest.mark.django_db
def test_no_view_and_no_function_steps_round_the_walls() -> None:
    assert names(LEAKY_VIEWS) == set()
    assert names(DEFINERS) == set()


@pytest.mark.django_db
def test_nobody_may_truncate() -> None:
    for role in ROLES:
        assert (
            names(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' "
                "AND has_table_privilege(%s, oid, 'TRUNCATE')",
                [role],
            )
            == set()
        )


@pytest.mark.django_db(transaction=True)
def test_the_check_sees_a_new_table_view_or_partition_without_a_wall() -> None:
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("CREATE TABLE stray (id int, lender_id bigint)")
        cursor.execute("GRANT SELECT ON stray TO portal_staff")
        cursor.execute("CREATE TABLE parted (id int, lender_id bigint) PARTITION BY LIST (lender_id)")
        cursor.execute("CREATE TABLE parted_one PARTITION OF parted FOR VALUES IN (1)")
        cursor.execute("GRANT SELECT ON parted_one TO portal_dealer")
        cursor.execute("CREATE VIEW stray_view AS SELECT * FROM accounts_dealership")
    try:
        assert {"stray", "parted_one"} <= names(UNCOVERED, [list(ROLES)])
        assert names(LEAKY_VIEWS) == {"stray_view"}
    finally:
        with owner_connection() as owner, owner.cursor() as cursor:
            cursor.execute("DROP VIEW stray_view; DROP TABLE parted; DROP TABLE stray")


@pytest.mark.django_db(transaction=True)
def test_the_check_sees_a_wall_that_fell_with_its_column() -> None:
    with owner_connection() as owner, owner.cursor() as cursor:
        cursor.execute("CREATE TABLE fallen (id int, lender_id bigint)")
        cursor.execute(
            "ALTER TABLE fallen ENABLE ROW LEVEL SECURITY; ALTER TABLE fallen FORCE ROW LEVEL SECURITY"
        )
        cursor.execute(
            "CREATE POLICY wall ON fallen AS RESTRICTIVE TO portal_staff "
            "USING (lender_id = (SELECT current_setting('app.lender_id')::bigint))"
        )
        cursor.execute("GRANT SELECT ON fallen TO portal_staff")
    try:
        assert "fallen" not in names(UNCOVERED, [list(ROLES)])
        with owner_connection() as owner, owner.cursor() as cursor:
            cursor.execute("ALTER TABLE fallen DROP COLUMN lender_id CASCADE")
        assert "fallen" in names(UNCOVERED, [list(ROLES)])
    finally:
        with owner_connection() as owner, owner.cursor() as cursor:
            cursor.execute("DROP TABLE fallen")
