"""The walls of the finance app, and the ledger that guards itself."""

from django.db import migrations

from accounts.row_security import ADD, FULL, TenantTable

LEDGER = """
-- Lines of an entry come in one statement, and that statement balances for every entry it touches. Checking the
-- statement's own rows once is linear in them, where a check per row would read a bulk entry again for each line.
CREATE FUNCTION finance_check_lines() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong record;
BEGIN
    SELECT entry_id, sum(debit) AS debit, sum(credit) AS credit INTO wrong
    FROM new_lines GROUP BY entry_id HAVING sum(debit) <> sum(credit) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'Journal entry % does not balance: debit %, credit %.', wrong.entry_id, wrong.debit, wrong.credit
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER finance_journalline_balance AFTER INSERT ON finance_journalline
    REFERENCING NEW TABLE AS new_lines FOR EACH STATEMENT EXECUTE FUNCTION finance_check_lines();

-- An entry without lines is refused at the end of its transaction.
CREATE FUNCTION finance_check_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM finance_journalline WHERE lender_id = NEW.lender_id AND entry_id = NEW.id) THEN
        RAISE EXCEPTION 'Journal entry % has no lines.', NEW.id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER finance_journalentry_has_lines AFTER INSERT ON finance_journalentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION finance_check_entry();
"""
LEDGER_BACK = """
DROP TRIGGER finance_journalentry_has_lines ON finance_journalentry;
DROP FUNCTION finance_check_entry();
DROP TRIGGER finance_journalline_balance ON finance_journalline;
DROP FUNCTION finance_check_lines();
"""

UNIT_LIFE = """
CREATE FUNCTION finance_check_unit_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.state, NEW.state) NOT IN (
        ('requested', 'approved'), ('requested', 'refused'), ('approved', 'funded'), ('approved', 'refused'),
        ('funded', 'sold'), ('funded', 'paid'), ('sold', 'paid'), ('sold', 'funded'), ('paid', 'funded'),
        ('paid', 'sold')
    ) THEN
        RAISE EXCEPTION 'A unit does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER finance_unit_life BEFORE UPDATE OF state ON finance_unit
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION finance_check_unit_state();

-- A printed statement stays as it was printed.
CREATE TRIGGER finance_statement_printed BEFORE UPDATE OR DELETE ON finance_statement
    FOR EACH ROW WHEN (OLD.state = 'ready') EXECUTE FUNCTION refuse_change();
"""
UNIT_LIFE_BACK = """
DROP TRIGGER finance_statement_printed ON finance_statement;
DROP TRIGGER finance_unit_life ON finance_unit;
DROP FUNCTION finance_check_unit_state();
"""

# Heap-only updates: room on each page, and no index on anything that moves.
NARROW = "ALTER TABLE finance_accountposition SET (fillfactor = 45)"

VIEWS = """
CREATE VIEW journal WITH (security_invoker = true) AS
SELECT e.lender_id, e.id AS transaction_id, e.source, e.key, e.business_date, e.effective_on, e.recorded_at,
       e.description, e.reverses_id, l.dealership_id, g.code AS ledger_account, l.account_id,
       l.debit - l.credit AS amount, n.currency
FROM finance_journalline l
JOIN finance_journalentry e ON e.lender_id = l.lender_id AND e.id = l.entry_id
JOIN finance_ledgeraccount g ON g.lender_id = l.lender_id AND g.id = l.ledger_account_id
JOIN accounts_lender n ON n.id = l.lender_id;
COMMENT ON VIEW journal IS 'Every posting: debit positive, credit negative; each transaction sums to zero.';
GRANT SELECT ON journal TO portal_staff;
"""

DEALERSHIP = {"dealership_id": "accounts_dealership"}
ACCOUNT = {"account_id": "finance_account"}


class Migration(migrations.Migration):
    dependencies = [("finance", "0001_tables"), ("accounts", "0002_walls")]

    operations = [
        TenantTable("finance_rateindex", dealer_rows=None, watch=True),
        TenantTable(
            "finance_indexfixing",
            dealer_rows=None,
            staff=ADD,
            references={"index_id": "finance_rateindex"},
            append_only=True,
            watch=True,
        ),
        TenantTable(
            "finance_rateplan", dealer_rows=None, references={"index_id": "finance_rateindex"}, watch=True
        ),
        TenantTable(
            "finance_rateplanday", dealer_rows=None, staff=FULL, references={"plan_id": "finance_rateplan"}
        ),
        TenantTable("finance_curtailmentprogramme", dealer_rows=None, watch=True),
        TenantTable("finance_creditline", references=DEALERSHIP, public_id=True, watch=True),
        TenantTable(
            "finance_lineterms",
            dealer_rows="EXISTS (SELECT 1 FROM finance_creditline c WHERE c.lender_id = finance_lineterms.lender_id "
            "AND c.id = finance_lineterms.line_id)",
            references={
                "line_id": "finance_creditline",
                "rate_plan_id": "finance_rateplan",
                "programme_id": "finance_curtailmentprogramme",
            },
            watch=True,
        ),
        TenantTable(
            "finance_account",
            references={**DEALERSHIP, "line_id": "finance_creditline", "rate_plan_id": "finance_rateplan"},
            public_id=True,
        ),
        TenantTable("finance_unit", references={**ACCOUNT, **DEALERSHIP}, key="account_id", watch=True),
        TenantTable("finance_loan", references={**ACCOUNT, **DEALERSHIP}, key="account_id", watch=True),
        TenantTable("finance_accountposition", references=ACCOUNT, key="account_id"),
        TenantTable("finance_ledgeraccount", dealer_rows=None, watch=True),
        TenantTable(
            "finance_journalentry",
            staff=ADD,
            references={**DEALERSHIP, "actor_id": "accounts_user", "reverses_id": "finance_journalentry"},
            append_only=True,
        ),
        TenantTable(
            "finance_journalline",
            staff=ADD,
            references={
                "entry_id": "finance_journalentry",
                "ledger_account_id": "finance_ledgeraccount",
                **ACCOUNT,
            },
            append_only=True,
        ),
        TenantTable(
            "finance_accountevent",
            staff=ADD,
            references={**ACCOUNT, "entry_id": "finance_journalentry"},
            append_only=True,
        ),
        TenantTable("finance_dueitem", references=ACCOUNT, public_id=True),
        TenantTable("finance_daystep", dealer=(), staff=FULL),
        TenantTable(
            "finance_statementbatch", dealer=(), references={"ordered_by_id": "accounts_user"}, public_id=True
        ),
        TenantTable(
            "finance_statement",
            references={**DEALERSHIP, "batch_id": "finance_statementbatch"},
            public_id=True,
        ),
        migrations.RunSQL(LEDGER, LEDGER_BACK),
        migrations.RunSQL(UNIT_LIFE, UNIT_LIFE_BACK),
        migrations.RunSQL(NARROW, "ALTER TABLE finance_accountposition RESET (fillfactor)"),
        migrations.RunSQL(VIEWS, "DROP VIEW journal"),
    ]
