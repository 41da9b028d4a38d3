"""Where the title of each unit is, and how it came there."""

import django.db.models.deletion
from django.db import migrations, models

import accounts.models.tenant
import accounts.tenancy
from accounts.row_security import ADD, TenantTable

LIFE = """
CREATE FUNCTION finance_check_title_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('awaited', 'held'), ('held', 'lent'), ('lent', 'held'), ('held', 'released'), ('lent', 'released'),
        ('released', 'shipped'), ('released', 'held'), ('shipped', 'held')
    ) THEN
        RAISE EXCEPTION 'A title does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_vehicletitle_life BEFORE UPDATE OF state ON finance_vehicletitle
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION finance_check_title_state();

-- Of what is floored already nobody has said yet where the title is.
INSERT INTO finance_vehicletitle (lender_id, unit_id, dealership_id, state, since, kept_at, tracking)
SELECT lender_id, account_id, dealership_id, 'awaited', funded_on, '', '' FROM finance_unit WHERE funded_on IS NOT NULL;
INSERT INTO finance_titleevent (lender_id, unit_id, dealership_id, state, happened_on, kept_at, tracking, recorded_at)
SELECT lender_id, unit_id, dealership_id, state, since, '', '', now() FROM finance_vehicletitle;
-- The keys of these rows are looked at now: an index cannot be made while they wait for the end.
SET CONSTRAINTS ALL IMMEDIATE;
"""
LIFE_BACK = """
DROP TRIGGER finance_vehicletitle_life ON finance_vehicletitle;
DROP FUNCTION finance_check_title_state();
"""
UNIT = {"unit_id": "finance_unit.account_id", "dealership_id": "accounts_dealership"}


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_library_tables"),
        ("finance", "0008_expected_principal"),
    ]

    operations = [
        migrations.CreateModel(
            name="TitleEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("awaited", "Awaited"),
                            ("held", "Held"),
                            ("lent", "Lent out"),
                            ("released", "Released"),
                            ("shipped", "Shipped"),
                        ],
                        max_length=8,
                        verbose_name="title",
                    ),
                ),
                ("happened_on", models.DateField(verbose_name="when")),
                ("kept_at", models.CharField(blank=True, max_length=60, verbose_name="kept at")),
                ("due_back_on", models.DateField(blank=True, null=True, verbose_name="due back")),
                ("tracking", models.CharField(blank=True, max_length=60, verbose_name="tracking")),
                ("recorded_at", models.DateTimeField(auto_now_add=True, verbose_name="recorded")),
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
                (
                    "unit",
                    accounts.models.tenant.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="title_events",
                        to="finance.unit",
                    ),
                ),
            ],
            options={
                "verbose_name": "step of a title",
                "verbose_name_plural": "steps of a title",
                "ordering": ["id"],
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["lender", "unit", "id"], name="finance_titleevent_unit")],
            },
        ),
        migrations.CreateModel(
            name="VehicleTitle",
            fields=[
                (
                    "unit",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="title",
                        serialize=False,
                        to="finance.unit",
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("awaited", "Awaited"),
                            ("held", "Held"),
                            ("lent", "Lent out"),
                            ("released", "Released"),
                            ("shipped", "Shipped"),
                        ],
                        default="awaited",
                        max_length=8,
                        verbose_name="title",
                    ),
                ),
                ("since", models.DateField(verbose_name="since")),
                ("kept_at", models.CharField(blank=True, max_length=60, verbose_name="kept at")),
                ("due_back_on", models.DateField(blank=True, null=True, verbose_name="due back")),
                ("tracking", models.CharField(blank=True, max_length=60, verbose_name="tracking")),
                (
                    "dealership",
                    accounts.models.tenant.TenantForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.dealership",
                        verbose_name="dealership",
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
                "verbose_name": "title",
                "verbose_name_plural": "titles",
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["lender", "state", "since"], name="finance_title_state")],
            },
        ),
        TenantTable("finance_vehicletitle", references=UNIT, key="unit_id", watch=True),
        TenantTable("finance_titleevent", staff=ADD, references=UNIT, append_only=True),
        migrations.RunSQL(LIFE, LIFE_BACK),
    ]
