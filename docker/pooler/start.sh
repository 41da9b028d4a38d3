#!/bin/sh
# Writes the users' passwords to memory (a tmpfs), then becomes the pooler.
set -eu
umask 077
printf '"portal_app" "%s"\n"portal_backup" "%s"\n' "$PORTAL_APP_PASSWORD" "$PORTAL_BACKUP_PASSWORD" > /run/pgbouncer/users.txt
exec pgbouncer /etc/pgbouncer/pgbouncer.ini
