"""The end of day has no step that assesses late fees."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("finance", "0010_unit_lookups")]

    operations = [
        migrations.AlterField(
            model_name="daystep",
            name="step",
            field=models.CharField(
                choices=[
                    ("rates", "Extend the rate plans"),
                    ("interest", "Bill the month's interest"),
                    ("alerts", "Send due-date alerts"),
                    ("statements", "Produce statements"),
                    ("proof", "Prove the ledger"),
                ],
                max_length=10,
                verbose_name="step",
            ),
        ),
    ]
