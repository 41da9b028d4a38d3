#!/bin/sh
# First start of the database: the portal's roles, and the database handed to the one that migrates.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<SQL
\set owner_password '$PORTAL_OWNER_PASSWORD'
\set app_password '$PORTAL_APP_PASSWORD'
\set backup_password '$PORTAL_BACKUP_PASSWORD'
\i /roles.sql
ALTER DATABASE $POSTGRES_DB OWNER TO portal_owner;
SQL
