"""The walls of the accounts app, and the functions that guard append-only and watched tables."""

from django.db import migrations

from accounts.row_security import ADD, CHANGE, FULL, OWN_DEALERSHIPS, OWN_USER, READ, TenantTable

FUNCTIONS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Rows of % are never changed or deleted; post a correction instead.', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

-- Arguments: the key column, then columns that must not be copied (hashes, encrypted numbers).
CREATE FUNCTION record_row_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    old_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    excluded text[] := coalesce(TG_ARGV[1:], '{}');
BEGIN
    IF TG_NARGS > 1 THEN
        old_row := old_row - excluded;
        new_row := new_row - excluded;
    END IF;
    IF TG_OP = 'UPDATE' AND old_row = new_row THEN
        RETURN NULL;
    END IF;
    INSERT INTO accounts_rowchange (lender_id, recorded_at, table_name, row_key, operation, user_id, before, after)
    VALUES (
        (coalesce(new_row, old_row) ->> 'lender_id')::bigint, now(), TG_TABLE_NAME,
        (coalesce(new_row, old_row) ->> TG_ARGV[0])::bigint, lower(TG_OP),
        nullif(nullif(current_setting('app.user_id', true), ''), '0')::bigint, old_row, new_row
    );
    RETURN NULL;
END $$;
"""

DROP_FUNCTIONS = "DROP FUNCTION record_row_change(); DROP FUNCTION refuse_change();"

REGISTRY = [
    "GRANT USAGE ON SCHEMA public TO portal_app, portal_login, portal_dealer, portal_staff, portal_platform",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO portal_login, portal_dealer, portal_staff, portal_platform",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES "
    "TO portal_login, portal_dealer, portal_staff, portal_platform",
    # The list of hosts is read before the lender is known.
    "GRANT SELECT ON accounts_lenderhost TO portal_app, portal_login, portal_dealer, portal_staff",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON accounts_lenderhost TO portal_platform",
    # A lender's own row: its staff may change settings, everybody inside may read it.
    "ALTER TABLE accounts_lender ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE accounts_lender FORCE ROW LEVEL SECURITY",
    "CREATE POLICY wall ON accounts_lender AS RESTRICTIVE TO portal_login, portal_dealer, portal_staff "
    "USING (id = (SELECT current_setting('app.lender_id')::bigint))",
    "CREATE POLICY inside ON accounts_lender TO portal_login, portal_dealer, portal_staff "
    "USING (id = (SELECT current_setting('app.lender_id')::bigint))",
    "CREATE POLICY registry ON accounts_lender TO portal_platform "
    "USING ((SELECT current_setting('app.lender_id')) = '0')",
    "GRANT SELECT ON accounts_lender TO portal_login, portal_dealer, portal_staff",
    "GRANT UPDATE ON accounts_lender TO portal_staff",
    "GRANT SELECT, INSERT, UPDATE ON accounts_lender TO portal_platform",
]
REGISTRY_BACK = [
    "REVOKE ALL ON accounts_lender FROM portal_login, portal_dealer, portal_staff, portal_platform",
    "DROP POLICY registry ON accounts_lender",
    "DROP POLICY inside ON accounts_lender",
    "DROP POLICY wall ON accounts_lender",
    "ALTER TABLE accounts_lender NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE accounts_lender DISABLE ROW LEVEL SECURITY",
    "REVOKE ALL ON accounts_lenderhost FROM portal_app, portal_login, portal_dealer, portal_staff, portal_platform",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON SEQUENCES "
    "FROM portal_login, portal_dealer, portal_staff, portal_platform",
]

OWN_ROW = "id = (SELECT current_setting('app.user_id')::bigint)"
COLLEAGUES = f"({OWN_ROW} OR EXISTS (SELECT 1 FROM accounts_membership m WHERE m.user_id = accounts_user.id))"
OWN_OR_DEALERSHIP = f"({OWN_USER} OR {OWN_DEALERSHIPS})"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_tables")]

    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(REGISTRY, REGISTRY_BACK),
        TenantTable(
            "accounts_rowchange",
            login=("INSERT",),
            dealer=("INSERT",),
            staff=ADD,
            dealer_rows=None,
            append_only=True,
        ),
        TenantTable("accounts_numbersequence", dealer=CHANGE, staff=CHANGE, dealer_rows=None),
        TenantTable(
            "accounts_dealership",
            login=READ,
            dealer_rows="id = ANY ((SELECT current_setting('app.dealership_ids')::bigint[])::bigint[])",
            public_id=True,
            watch=True,
        ),
        TenantTable(
            "accounts_user",
            login=CHANGE,
            dealer=("SELECT", "UPDATE"),
            dealer_rows=COLLEAGUES,
            dealer_writes=OWN_ROW,
            public_id=True,
            watch=True,
            watch_except=("password", "last_login"),
        ),
        TenantTable(
            "accounts_membership",
            login=ADD,
            staff=FULL,
            references={"user_id": "accounts_user", "dealership_id": "accounts_dealership"},
            watch=True,
        ),
        TenantTable(
            "accounts_signinguard",
            login=FULL,
            dealer=FULL,
            staff=FULL,
            dealer_rows=OWN_USER,
            references={"user_id": "accounts_user"},
        ),
        TenantTable(
            "accounts_signinattempt",
            login=ADD,
            dealer=ADD,
            staff=ADD,
            dealer_rows=OWN_USER,
            references={"user_id": "accounts_user"},
            append_only=True,
        ),
        *(
            TenantTable(
                table,
                login=FULL,
                dealer=FULL,
                staff=FULL,
                dealer_rows=OWN_USER,
                references={"user_id": "accounts_user"},
            )
            for table in (
                "accounts_authenticatorfactor",
                "accounts_emailcodefactor",
                "accounts_recoverycodefactor",
            )
        ),
        TenantTable(
            "accounts_recoverycode",
            login=FULL,
            dealer=FULL,
            staff=FULL,
            dealer_rows=OWN_USER,
            references={"user_id": "accounts_user", "factor_id": "accounts_recoverycodefactor"},
        ),
        TenantTable(
            "accounts_auditentry",
            login=ADD,
            dealer=ADD,
            staff=ADD,
            dealer_rows=f"(actor_id = (SELECT current_setting('app.user_id')::bigint) OR {OWN_DEALERSHIPS})",
            references={"actor_id": "accounts_user", "dealership_id": "accounts_dealership"},
            append_only=True,
        ),
        TenantTable(
            "accounts_outgoingmessage",
            login=CHANGE,
            dealer=CHANGE,
            staff=CHANGE,
            dealer_rows=OWN_OR_DEALERSHIP,
            references={"user_id": "accounts_user", "dealership_id": "accounts_dealership"},
            public_id=True,
        ),
    ]
