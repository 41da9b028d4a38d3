"""What is posted takes nothing more, and an amount is a number.

Lines and events come in the transaction that writes their entry: a balanced pair of lines added to an old entry would
change what was posted as surely as an edit. PostgreSQL holds NaN to be equal to itself and greater than every number,
so it would balance and pass for a positive amount.
"""

from django.db import migrations

CHECK_LINES = """
CREATE OR REPLACE FUNCTION finance_check_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT entry_id, sum(debit) AS debit, sum(credit) AS credit INTO wrong
    FROM new_lines GROUP BY entry_id HAVING sum(debit) <> sum(credit) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Journal entry % does not balance: debit %, credit %.', wrong.entry_id, wrong.debit, wrong.credit
            USING ERRCODE = 'check_violation';
    END IF;{more}
    RETURN NULL;
END $$;
"""
# An entry is recorded at the time at which its transaction began, which later transactions do not share.
OF_THIS_TRANSACTION = """
    SELECT n.entry_id INTO wrong FROM (SELECT DISTINCT lender_id, entry_id FROM {rows}) n
    JOIN finance_journalentry e ON e.lender_id = n.lender_id AND e.id = n.entry_id
    WHERE e.recorded_at <> now() LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Journal entry % is posted: nothing is added to it.', wrong.entry_id
            USING ERRCODE = 'check_violation';
    END IF;"""

CHECK_EVENTS = f"""
CREATE FUNCTION finance_check_events() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN{OF_THIS_TRANSACTION.format(rows="new_events")}
    RETURN NULL;
END $$;
CREATE TRIGGER finance_accountevent_posted AFTER INSERT ON finance_accountevent
    REFERENCING NEW TABLE AS new_events FOR EACH STATEMENT EXECUTE FUNCTION finance_check_events();
"""
CHECK_EVENTS_BACK = """
DROP TRIGGER finance_accountevent_posted ON finance_accountevent;
DROP FUNCTION finance_check_events();
"""

AMOUNTS = {
    "finance_journalline": ["debit", "credit"],
    "finance_accountevent": ["principal", "billed", "interest", "fees", "credit"],
    "finance_accountposition": [
        "principal",
        "billed_interest",
        "fees",
        "credit",
        "accrued_parts",
        "remainder_parts",
    ],
    "finance_dueitem": ["principal", "interest", "fees"],
    "finance_creditline": ['"limit"'],
    "finance_unit": ["advance_amount"],
    "finance_loan": ["amount", "instalment"],
    "finance_indexfixing": ["annual_rate"],
    "finance_rateplan": ["margin"],
    "finance_rateplanday": ["annual_rate", "cumulative", "growth"],
}


def _numbers(table: str) -> migrations.RunSQL:
    condition = " AND ".join(f"{column} <> 'NaN'" for column in AMOUNTS[table])
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {table}_numbers CHECK ({condition})",
        f"ALTER TABLE {table} DROP CONSTRAINT {table}_numbers",
    )


class Migration(migrations.Migration):
    dependencies = [("finance", "0006_posting_functions")]

    operations = [
        migrations.RunSQL(
            CHECK_LINES.replace("{more}", OF_THIS_TRANSACTION.format(rows="new_lines")),
            CHECK_LINES.replace("{more}", ""),
        ),
        migrations.RunSQL(CHECK_EVENTS, CHECK_EVENTS_BACK),
        *(_numbers(table) for table in AMOUNTS),
    ]
