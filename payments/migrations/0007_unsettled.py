"""An index for the payments of a dealership that are on their way or came back."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0006_expected_principal")]

    operations = [
        migrations.AddIndex(
            model_name="payment",
            index=models.Index(
                condition=models.Q(("state__in", ["submitted", "processing", "checking", "returned"])),
                fields=["lender", "dealership"],
                name="payments_payment_unsettled",
            ),
        ),
    ]
