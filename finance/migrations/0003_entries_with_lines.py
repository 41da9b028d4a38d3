"""An entry comes with its lines in one statement, and is refused at the end of that statement if it does not.

Checked at the end of the transaction, the trigger would run after the scope of the work was put away, and see nothing.
"""

from django.db import migrations

DROP = "DROP TRIGGER finance_journalentry_has_lines ON finance_journalentry"
CREATE = """
CREATE CONSTRAINT TRIGGER finance_journalentry_has_lines AFTER INSERT ON finance_journalentry
    DEFERRABLE INITIALLY {when} FOR EACH ROW EXECUTE FUNCTION finance_check_entry()
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0002_walls")]

    operations = [
        migrations.RunSQL([DROP, CREATE.format(when="IMMEDIATE")], [DROP, CREATE.format(when="DEFERRED")]),
    ]
