"""Units are found by the end of their VIN and by their stock number: by one index each, for dealers and for staff."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("finance", "0009_titles")]

    operations = [
        migrations.AddField(
            model_name="unit",
            name="stock_key",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.functions.Upper(
                    models.functions.Replace("stock_number", models.Value(" "))
                ),
                output_field=models.CharField(max_length=20),
            ),
        ),
        migrations.AddIndex(
            model_name="unit",
            index=models.Index(fields=["lender", "vin_tail", "dealership"], name="finance_unit_tail"),
        ),
        migrations.AddIndex(
            model_name="unit",
            index=models.Index(fields=["lender", "stock_key", "dealership"], name="finance_unit_stock_key"),
        ),
        migrations.RemoveIndex(model_name="unit", name="finance_unit_vin_tail"),
        migrations.RemoveIndex(model_name="unit", name="finance_unit_lender_tail"),
        migrations.RemoveIndex(model_name="unit", name="finance_unit_stock"),
    ]
