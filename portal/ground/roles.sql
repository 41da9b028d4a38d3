-- The roles of the portal. Run as a superuser by psql with the variables owner_password, app_password and
-- backup_password; running it again changes nothing but the passwords.
--
--   portal_owner     owns the database and migrates; sees every row, so that a data migration cannot miss some
--   portal_app       what web and worker connect as; owns nothing and has no right of its own beyond the next four,
--                    one of which each transaction takes on
--   portal_login     before a person is known
--   portal_dealer    a dealership's people
--   portal_staff     a lender's people
--   portal_platform  the operators of the portal
--   portal_backup    reads everything, for dumps; changes nothing
\set ON_ERROR_STOP on
\set QUIET on

DO $roles$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['portal_owner', 'portal_app', 'portal_login', 'portal_dealer', 'portal_staff',
                                  'portal_platform', 'portal_backup']
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I', wanted);
        END IF;
    END LOOP;
END
$roles$;

ALTER ROLE portal_owner LOGIN NOSUPERUSER CREATEDB NOCREATEROLE INHERIT BYPASSRLS NOREPLICATION PASSWORD :'owner_password';
ALTER ROLE portal_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS NOREPLICATION PASSWORD :'app_password';
ALTER ROLE portal_backup LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT BYPASSRLS NOREPLICATION PASSWORD :'backup_password';
ALTER ROLE portal_login NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS NOREPLICATION;
ALTER ROLE portal_dealer NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS NOREPLICATION;
ALTER ROLE portal_staff NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS NOREPLICATION;
ALTER ROLE portal_platform NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOINHERIT NOBYPASSRLS NOREPLICATION;

-- From PostgreSQL 16 on a grant carries its own INHERIT option, fixed by the member's attribute when it is made: so the
-- attributes stand above the grants.
GRANT portal_login, portal_dealer, portal_staff, portal_platform TO portal_app;
GRANT pg_read_all_data TO portal_backup;
ALTER ROLE portal_backup SET default_transaction_read_only = on;

-- What a person waits for is cut off in time. Set here, since behind a pooler a client cannot set it for its connection;
-- batch work raises it inside its own transaction.
ALTER ROLE portal_app SET statement_timeout = '15s';
ALTER ROLE portal_app SET lock_timeout = '8s';
ALTER ROLE portal_app SET idle_in_transaction_session_timeout = '60s';
