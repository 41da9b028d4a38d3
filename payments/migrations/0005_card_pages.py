"""Cards by redirect: one standing method for each dealership, the open page and the last four of a payment."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_library_tables"),
        ("payments", "0004_walls_of_drafts_and_receipts"),
    ]

    operations = [
        migrations.AddField(
            model_name="payment",
            name="card_last_four",
            field=models.CharField(blank=True, max_length=4, verbose_name="card"),
        ),
        migrations.AddField(
            model_name="payment",
            name="processor_page",
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AlterField(
            model_name="payment",
            name="return_code",
            field=models.CharField(blank=True, max_length=40, verbose_name="return code"),
        ),
        migrations.AlterField(
            model_name="paymentmethod",
            name="last_four",
            field=models.CharField(blank=True, max_length=4, verbose_name="last four characters"),
        ),
        migrations.AddConstraint(
            model_name="paymentmethod",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "card")),
                fields=("lender", "dealership"),
                name="payments_method_one_card",
            ),
        ),
    ]
