import datetime

import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import accounts.tenancy
from accounts.row_security import TenantTable


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_library_tables"),
        ("support", "0002_walls"),
    ]

    operations = [
        migrations.CreateModel(
            name="SupportRule",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("opens_at", models.TimeField(default=datetime.time(8, 0), verbose_name="opens")),
                ("closes_at", models.TimeField(default=datetime.time(18, 0), verbose_name="closes")),
                (
                    "answer_hours",
                    models.PositiveSmallIntegerField(
                        default=4,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(80),
                        ],
                        verbose_name="working hours to the answer",
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
                "verbose_name": "support rule",
                "verbose_name_plural": "support rules",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("lender",), name="support_supportrule_one"),
                    models.CheckConstraint(
                        condition=models.Q(("closes_at__gt", models.F("opens_at"))),
                        name="support_supportrule_hours",
                    ),
                ],
            },
        ),
        TenantTable("support_supportrule", dealer_rows=None, watch=True),
        migrations.AddIndex(
            model_name="attachment",
            index=models.Index(
                condition=models.Q(("scan", "waiting")),
                fields=["lender", "id"],
                name="support_attachment_waiting",
            ),
        ),
    ]
