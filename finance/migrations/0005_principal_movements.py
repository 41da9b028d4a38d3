"""An index for the use of a credit line over time."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("finance", "0004_statement_making")]

    operations = [
        migrations.AddIndex(
            model_name="accountevent",
            index=models.Index(
                condition=models.Q(("principal", 0), _negated=True),
                fields=["lender", "dealership", "effective_on"],
                name="finance_accountevent_moved",
            ),
        ),
    ]
