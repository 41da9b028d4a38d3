"""A payment on its way is known to finance by the principal that it will bring: kept with its state, by the database.

Whichever way a payment changes its state, the two cannot part: they change in one statement. The functions run with the
caller's rights, inside the caller's walls.
"""

from django.db import migrations

KEPT = """
-- On its way, and really so: opening a card page pays nothing yet.
CREATE FUNCTION payments_brings_principal(p_state text, p_gateway text) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT p_state IN ('submitted', 'processing', 'checking') AND NOT (p_state = 'submitted' AND p_gateway = 'card-page')
$$;

CREATE FUNCTION payments_expect_shares() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO finance_expectedprincipal (lender_id, dealership_id, account_id, reference, principal)
    SELECT s.lender_id, s.dealership_id, s.account_id, p.number, s.principal
    FROM new_shares s JOIN payments_payment p ON p.lender_id = s.lender_id AND p.id = s.payment_id
    WHERE s.principal > 0 AND payments_brings_principal(p.state, p.gateway);
    RETURN NULL;
END $$;
CREATE TRIGGER payments_paymentshare_expected AFTER INSERT ON payments_paymentshare
    REFERENCING NEW TABLE AS new_shares FOR EACH STATEMENT EXECUTE FUNCTION payments_expect_shares();

CREATE FUNCTION payments_keep_expected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF payments_brings_principal(NEW.state, NEW.gateway) THEN
        INSERT INTO finance_expectedprincipal (lender_id, dealership_id, account_id, reference, principal)
        SELECT s.lender_id, s.dealership_id, s.account_id, NEW.number, s.principal
        FROM payments_paymentshare s
        WHERE s.lender_id = NEW.lender_id AND s.payment_id = NEW.id AND s.principal > 0;
        RETURN NULL;
    END IF;
    IF NEW.state <> 'settled' THEN
        -- Room is taken back and nothing comes in its place: not while somebody decides about it. What settles passes
        -- from expected to paid in one transaction.
        PERFORM finance_touch_rooms(NEW.lender_id, ARRAY(
            SELECT e.account_id FROM finance_expectedprincipal e
            WHERE e.lender_id = NEW.lender_id AND e.reference = NEW.number));
    END IF;
    DELETE FROM finance_expectedprincipal WHERE lender_id = NEW.lender_id AND reference = NEW.number;
    RETURN NULL;
END $$;
CREATE TRIGGER payments_payment_expected AFTER UPDATE OF state ON payments_payment FOR EACH ROW
    WHEN (payments_brings_principal(OLD.state, OLD.gateway) <> payments_brings_principal(NEW.state, NEW.gateway))
    EXECUTE FUNCTION payments_keep_expected();

INSERT INTO finance_expectedprincipal (lender_id, dealership_id, account_id, reference, principal)
SELECT s.lender_id, s.dealership_id, s.account_id, p.number, s.principal
FROM payments_payment p JOIN payments_paymentshare s ON s.lender_id = p.lender_id AND s.payment_id = p.id
WHERE s.principal > 0 AND payments_brings_principal(p.state, p.gateway);
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;

-- Nobody makes credit free by hand.
CREATE FUNCTION payments_refuse_hand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'Expected principal follows the payments; it is not written by hand.'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER finance_expectedprincipal_kept BEFORE INSERT OR UPDATE OR DELETE ON finance_expectedprincipal
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION payments_refuse_hand();
"""
KEPT_BACK = """
DROP TRIGGER finance_expectedprincipal_kept ON finance_expectedprincipal;
DROP FUNCTION payments_refuse_hand();
DELETE FROM finance_expectedprincipal;
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS ALL DEFERRED;
DROP TRIGGER payments_payment_expected ON payments_payment;
DROP FUNCTION payments_keep_expected();
DROP TRIGGER payments_paymentshare_expected ON payments_paymentshare;
DROP FUNCTION payments_expect_shares();
DROP FUNCTION payments_brings_principal(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("payments", "0005_card_pages"), ("finance", "0008_expected_principal")]

    operations = [migrations.RunSQL(KEPT, KEPT_BACK)]
