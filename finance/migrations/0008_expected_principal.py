"""Principal on its way to an account, and the hold on a line's room."""

import django.db.models.deletion
from django.db import migrations, models

import accounts.models.tenant
import accounts.tenancy
from accounts.row_security import TenantTable

KEPT_BY_THE_PAYMENT = ("SELECT", "INSERT", "DELETE")

ROOM = """
-- Who decides about the room on a line waits for everybody who takes room back, and they wait for the decision. Whoever
-- holds a room has held the rates before, as every posting does: nobody waits for the two in a ring.
CREATE FUNCTION finance_hold_room(p_lender bigint, p_line bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4101, p_lender::int);
    PERFORM pg_advisory_xact_lock(hashtextextended(format('room:%s:%s', p_lender, p_line), 0));
END $$;

-- Those who take room back need not wait for one another.
CREATE FUNCTION finance_touch_rooms(p_lender bigint, p_accounts bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(4101, p_lender::int);
    PERFORM pg_advisory_xact_lock_shared(hashtextextended(format('room:%s:%s', p_lender, l.line_id), 0))
    FROM (SELECT DISTINCT a.line_id FROM finance_account a
          WHERE a.lender_id = p_lender AND a.id = ANY (p_accounts) ORDER BY a.line_id) l;
END $$;
"""
ROOM_BACK = """
DROP FUNCTION finance_touch_rooms(bigint, bigint[]);
DROP FUNCTION finance_hold_room(bigint, bigint);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_library_tables"), ("finance", "0007_ledger_guards")]

    operations = [
        migrations.CreateModel(
            name="ExpectedPrincipal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("reference", models.CharField(max_length=20)),
                (
                    "principal",
                    models.DecimalField(decimal_places=2, max_digits=16, verbose_name="principal"),
                ),
                (
                    "account",
                    accounts.models.tenant.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="finance.account",
                    ),
                ),
                (
                    "dealership",
                    accounts.models.tenant.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.dealership",
                    ),
                ),
                (
                    "lender",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        default=accounts.tenancy.default_lender_id,
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.lender",
                    ),
                ),
            ],
            options={
                "verbose_name": "expected principal",
                "verbose_name_plural": "expected principal",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["lender", "account"], name="finance_expected_account")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("lender", "reference", "account"), name="finance_expectedprincipal_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("principal__gt", 0)), name="finance_expectedprincipal_amount"
                    ),
                ],
            },
        ),
        TenantTable(
            "finance_expectedprincipal",
            dealer=KEPT_BY_THE_PAYMENT,
            staff=KEPT_BY_THE_PAYMENT,
            references={"account_id": "finance_account", "dealership_id": "accounts_dealership"},
        ),
        migrations.RunSQL(ROOM, ROOM_BACK),
    ]
