"""The walls of the payments app, and the life of a payment."""

from django.db import migrations

from accounts.row_security import ADD, CHANGE, TenantTable

LIFE = """
CREATE FUNCTION payments_check_state() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> NEW.state AND (OLD.state, NEW.state) NOT IN (
        ('submitted', 'processing'), ('submitted', 'checking'), ('submitted', 'declined'), ('submitted', 'cancelled'),
        ('checking', 'submitted'), ('checking', 'processing'), ('checking', 'settled'), ('checking', 'declined'),
        ('processing', 'settled'), ('processing', 'declined'), ('processing', 'returned'), ('processing', 'checking'),
        ('settled', 'returned')
    ) THEN
        RAISE EXCEPTION 'A payment does not go from % to %.', OLD.state, NEW.state USING ERRCODE = 'check_violation';
    END IF;
    -- What was submitted stays as it was: amount, account, token, value date.
    IF (OLD.amount, OLD.currency, OLD.token, OLD.dealership_id, OLD.method_id, OLD.number, OLD.value_date)
       IS DISTINCT FROM
       (NEW.amount, NEW.currency, NEW.token, NEW.dealership_id, NEW.method_id, NEW.number, NEW.value_date) THEN
        RAISE EXCEPTION 'A submitted payment keeps its amount, account and value date.'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payments_payment_life BEFORE UPDATE ON payments_payment
    FOR EACH ROW EXECUTE FUNCTION payments_check_state();
CREATE TRIGGER payments_payment_kept BEFORE DELETE ON payments_payment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
LIFE_BACK = """
DROP TRIGGER payments_payment_kept ON payments_payment;
DROP TRIGGER payments_payment_life ON payments_payment;
DROP FUNCTION payments_check_state();
"""

VIEWS = """
CREATE VIEW payment_receipts WITH (security_invoker = true) AS
SELECT p.lender_id, p.id AS payment_id, p.number, p.token, p.dealership_id, p.amount, p.currency, p.state, p.value_date,
       p.submitted_at, p.settled_at, p.returned_at, p.gateway, p.gateway_reference, p.entry_id, p.return_entry_id,
       (SELECT count(*) FROM accounts_outgoingmessage m
        WHERE m.lender_id = p.lender_id AND m.key = 'payment-receipt:' || p.number) AS receipts
FROM payments_payment p;
COMMENT ON VIEW payment_receipts IS 'Every payment with its journal entries and the number of receipts ordered for it.';
GRANT SELECT ON payment_receipts TO portal_staff;
"""

DEALERSHIP = {"dealership_id": "accounts_dealership"}


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_tables"), ("finance", "0002_walls")]

    operations = [
        TenantTable(
            "payments_paymentmethod",
            references=DEALERSHIP,
            public_id=True,
            watch=True,
            watch_except=("encrypted_number",),
        ),
        TenantTable(
            "payments_payment",
            dealer=CHANGE,
            references={
                **DEALERSHIP,
                "method_id": "payments_paymentmethod",
                "made_by_id": "accounts_user",
                "entry_id": "finance_journalentry",
                "return_entry_id": "finance_journalentry",
            },
            public_id=True,
        ),
        TenantTable(
            "payments_paymentshare",
            dealer=ADD,
            staff=ADD,
            references={"payment_id": "payments_payment", "account_id": "finance_account"},
            append_only=True,
        ),
        TenantTable(
            "payments_paymentstep",
            dealer=ADD,
            staff=ADD,
            references={"payment_id": "payments_payment"},
            append_only=True,
        ),
        TenantTable("payments_gatewayevent", login=CHANGE, dealer=()),
        migrations.RunSQL(LIFE, LIFE_BACK),
        migrations.RunSQL(VIEWS, "DROP VIEW payment_receipts"),
    ]
