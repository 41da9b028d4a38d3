"""What PostgreSQL's own catalogue says about the tables."""

from django.db import connection


def _names(sql: str, parameters: list[object] | None = None) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or [])
        return [row[0] for row in cursor.fetchall()]


def tenant_tables() -> list[str]:
    """Every table with a lender column."""
    return _names(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'lender_id' AND NOT a.attisdropped "
        "WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname <> 'accounts_lenderhost' ORDER BY 1"
    )


def columns_of(table: str) -> set[str]:
    """The columns of a table."""
    return set(
        _names("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0", [table])
    )
