"""The one migration operation that puts a table behind the walls.

Each tenant table gets, in the migration that creates it: a unique key `(lender_id, id)`, composite foreign keys to
other tenant tables (a single-column key would accept another lender's row, since key checks bypass row security),
row security enabled and forced, a restrictive wall per lender, one permissive policy per role, and explicit grants.
A table without the operation has no grants at all, so forgetting it is loud.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import migrations

LENDER = "lender_id = (SELECT current_setting('app.lender_id')::bigint)"
# The inner SELECT makes PostgreSQL read the setting once per query and keeps index conditions usable.
OWN_DEALERSHIPS = "dealership_id = ANY ((SELECT current_setting('app.dealership_ids')::bigint[])::bigint[])"
OWN_USER = "user_id = (SELECT current_setting('app.user_id')::bigint)"

READ = ("SELECT",)
ADD = ("SELECT", "INSERT")
CHANGE = ("SELECT", "INSERT", "UPDATE")
FULL = ("SELECT", "INSERT", "UPDATE", "DELETE")

ROLES = ("portal_login", "portal_dealer", "portal_staff")


class TenantTable(migrations.RunSQL):
    """Put `table` behind the walls.

    login, dealer, staff: the commands each role may use; empty means no access.
    dealer_rows: what narrows a dealer inside the lender, a condition over the table's columns (None: whole lender).
    dealer_writes: a narrower condition for what a dealer may change, where reading is wider.
    references: column -> target table of composite foreign keys `(lender_id, column) -> (lender_id, id)`; a target
    may be written "table.column" where the target's key is not `id`.
    key: the primary key's column.
    public_id: the table has one; it is unique inside the lender.
    append_only: UPDATE and DELETE are refused by a trigger, to the owner as well.
    watch: a trigger writes every change into the history of changes, without the columns of `watch_except`.
    """

    def __init__(
        self,
        table: str,
        *,
        login: Sequence[str] = (),
        dealer: Sequence[str] = READ,
        staff: Sequence[str] = CHANGE,
        dealer_rows: str | None = OWN_DEALERSHIPS,
        dealer_writes: str | None = None,
        references: Mapping[str, str] | None = None,
        key: str = "id",
        public_id: bool = False,
        append_only: bool = False,
        watch: bool = False,
        watch_except: Sequence[str] = (),
    ) -> None:
        self.table = table
        self.options: dict[str, Any] = {
            "login": tuple(login),
            "dealer": tuple(dealer),
            "staff": tuple(staff),
            "dealer_rows": dealer_rows,
            "dealer_writes": dealer_writes,
            "references": dict(references or {}),
            "key": key,
            "public_id": public_id,
            "append_only": append_only,
            "watch": watch,
            "watch_except": tuple(watch_except),
        }
        super().__init__(self._forward(), self._backward())

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.table], self.options

    def describe(self) -> str:
        return f"Put {self.table} behind the tenant walls"

    def _forward(self) -> list[Any]:
        table, options = self.table, self.options
        key = options["key"]
        statements = [f"CREATE UNIQUE INDEX {table}_tenant_key ON {table} (lender_id, {key})"]
        if options["public_id"]:
            statements.append(f"CREATE UNIQUE INDEX {table}_public_key ON {table} (lender_id, public_id)")
        if not options["references"]:
            # A table that hangs on no other tenant table hangs on its lender; elsewhere the composite keys imply it.
            statements.append(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_lender_fk FOREIGN KEY (lender_id) "
                f"REFERENCES accounts_lender (id) DEFERRABLE INITIALLY DEFERRED"
            )
        for column, target in options["references"].items():
            target_table, _, target_key = target.partition(".")
            statements.append(
                f"ALTER TABLE {table} ADD CONSTRAINT {table}_{column}_tenant_fk FOREIGN KEY (lender_id, {column}) "
                f"REFERENCES {target_table} (lender_id, {target_key or 'id'}) DEFERRABLE INITIALLY DEFERRED"
            )
        statements += [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"REVOKE ALL ON {table} FROM PUBLIC",
            (
                f"CREATE POLICY wall ON {table} AS RESTRICTIVE TO {', '.join(ROLES)} "
                f"USING ({LENDER}) WITH CHECK ({LENDER})"
            ),
        ]
        for role in ("login", "dealer", "staff"):
            commands = options[role]
            if not commands:
                continue
            rows = LENDER
            if role == "dealer" and options["dealer_rows"]:
                rows = f"{LENDER} AND {options['dealer_rows']}"
            writes = (
                f"{LENDER} AND {options['dealer_writes']}"
                if role == "dealer" and options["dealer_writes"]
                else rows
            )
            for command in commands:
                # Reading may be wider than writing; each command has a policy of its own.
                clause = {
                    "SELECT": f"USING ({rows})",
                    "INSERT": f"WITH CHECK ({writes})",
                    "UPDATE": f"USING ({writes}) WITH CHECK ({writes})",
                    "DELETE": f"USING ({writes})",
                }[command]
                statements.append(
                    f"CREATE POLICY {role}_{command.lower()} ON {table} FOR {command} TO portal_{role} {clause}"
                )
            statements.append(f"GRANT {', '.join(commands)} ON {table} TO portal_{role}")
        if options["watch"]:
            arguments = ", ".join(f"'{word}'" for word in (key, *options["watch_except"]))
            statements.append(
                f"CREATE TRIGGER {table}_history AFTER INSERT OR UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION record_row_change({arguments})"
            )
        if options["append_only"]:
            statements.append(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION refuse_change()"
            )
        return statements

    def _backward(self) -> list[Any]:
        table, options = self.table, self.options
        statements = []
        if options["watch"]:
            statements.append(f"DROP TRIGGER {table}_history ON {table}")
        if options["append_only"]:
            statements.append(f"DROP TRIGGER {table}_append_only ON {table}")
        for role in ("login", "dealer", "staff"):
            statements += [f"DROP POLICY {role}_{command.lower()} ON {table}" for command in options[role]]
            if options[role]:
                statements.append(f"REVOKE ALL ON {table} FROM portal_{role}")
        statements.append(f"DROP POLICY wall ON {table}")
        statements.append(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        statements.append(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        statements += [
            f"ALTER TABLE {table} DROP CONSTRAINT {table}_{column}_tenant_fk"
            for column in reversed(options["references"])
        ]
        if not options["references"]:
            statements.append(f"ALTER TABLE {table} DROP CONSTRAINT {table}_lender_fk")
        if options["public_id"]:
            statements.append(f"DROP INDEX {table}_public_key")
        statements.append(f"DROP INDEX {table}_tenant_key")
        return statements
