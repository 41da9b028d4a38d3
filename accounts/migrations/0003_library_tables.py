"""Walls around the tables of Django and allauth.

The lender column of allauth's tables is not known to its models; a trigger fills it from the running block. allauth
makes a verified e-mail unique overall; here it is unique per lender, under the same index name, so that its later
migrations find it.
"""

from django.db import migrations

from accounts.row_security import FULL, OWN_USER, TenantTable

LENDER_COLUMN = """
CREATE FUNCTION set_lender() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.lender_id := current_setting('app.lender_id')::bigint;
    RETURN NEW;
END $$;
ALTER TABLE account_emailaddress ADD COLUMN lender_id bigint NOT NULL;
CREATE TRIGGER account_emailaddress_lender BEFORE INSERT ON account_emailaddress
    FOR EACH ROW EXECUTE FUNCTION set_lender();
ALTER TABLE usersessions_usersession ADD COLUMN lender_id bigint NOT NULL;
DROP INDEX unique_verified_email;
CREATE UNIQUE INDEX unique_verified_email ON account_emailaddress (lender_id, email) WHERE verified;
CREATE TRIGGER usersessions_usersession_lender BEFORE INSERT ON usersessions_usersession
    FOR EACH ROW EXECUTE FUNCTION set_lender();
"""
LENDER_COLUMN_BACK = """
DROP TRIGGER usersessions_usersession_lender ON usersessions_usersession;
ALTER TABLE usersessions_usersession DROP COLUMN lender_id;
DROP INDEX unique_verified_email;
CREATE UNIQUE INDEX unique_verified_email ON account_emailaddress (email) WHERE verified;
DROP TRIGGER account_emailaddress_lender ON account_emailaddress;
ALTER TABLE account_emailaddress DROP COLUMN lender_id;
DROP FUNCTION set_lender();
"""
EVERYONE = "portal_login, portal_dealer, portal_staff, portal_platform"


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_walls"),
        ("account", "0009_emailaddress_unique_primary_email"),
        ("usersessions", "0001_initial"),
        ("sessions", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunSQL(LENDER_COLUMN, LENDER_COLUMN_BACK),
        TenantTable(
            "account_emailaddress",
            login=FULL,
            dealer=FULL,
            staff=FULL,
            dealer_rows=OWN_USER,
            references={"user_id": "accounts_user"},
        ),
        TenantTable(
            "usersessions_usersession",
            login=FULL,
            dealer=FULL,
            staff=FULL,
            dealer_rows=OWN_USER,
            references={"user_id": "accounts_user"},
        ),
        # The session's key is the secret, and the row is needed before the lender's transaction begins and after it ends.
        migrations.RunSQL(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON django_session TO portal_app, {EVERYONE}",
            f"REVOKE ALL ON django_session FROM portal_app, {EVERYONE}",
        ),
        migrations.RunSQL(
            f"GRANT SELECT ON django_content_type, django_migrations TO portal_app, {EVERYONE}",
            f"REVOKE ALL ON django_content_type, django_migrations FROM portal_app, {EVERYONE}",
        ),
    ]
