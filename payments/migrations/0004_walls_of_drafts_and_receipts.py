"""The walls of drafts and receipts, and what a dealer's own database role may do to a payment."""

from django.db import migrations

from accounts.row_security import ADD, FULL, OWN_DEALERSHIPS, OWN_USER, TenantTable

# Row security says which payments a dealer may touch; this says how. Moving one on is the worker's business.
DEALERS_HAND = """
CREATE FUNCTION payments_check_dealers_hand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_user <> 'portal_dealer' THEN
        RETURN NEW;
    END IF;
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'submitted' AND NEW.entry_id IS NULL AND NEW.return_entry_id IS NULL THEN
            RETURN NEW;
        END IF;
    ELSIF OLD.state = 'submitted' AND OLD.sending_since IS NULL AND NEW.state = 'cancelled'
        AND to_jsonb(OLD) - 'state' = to_jsonb(NEW) - 'state' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'A dealer submits a payment, or cancels one that was not sent yet; nothing else.'
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER payments_payment_dealers_hand BEFORE INSERT OR UPDATE ON payments_payment
    FOR EACH ROW EXECUTE FUNCTION payments_check_dealers_hand();
"""
DEALERS_HAND_BACK = """
DROP TRIGGER payments_payment_dealers_hand ON payments_payment;
DROP FUNCTION payments_check_dealers_hand();
"""

DEALERSHIP = {"dealership_id": "accounts_dealership"}


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_drafts_and_receipts")]

    operations = [
        TenantTable(
            "payments_paymentdraft",
            dealer=FULL,
            staff=FULL,
            dealer_rows=f"{OWN_USER} AND {OWN_DEALERSHIPS}",
            references={**DEALERSHIP, "user_id": "accounts_user", "method_id": "payments_paymentmethod"},
        ),
        TenantTable(
            "payments_paymentreceipt",
            dealer=ADD,
            references={**DEALERSHIP, "payment_id": "payments_payment"},
        ),
        migrations.RunSQL(DEALERS_HAND, DEALERS_HAND_BACK),
    ]
