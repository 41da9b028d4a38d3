"""Holding a payment, and moving it to a state: functions, one round trip each, so that PostgreSQL plans their statements
once.

Both run with the caller's rights, inside the caller's walls; the guards of a payment's life judge what they write.
"""

from django.db import migrations

# A handful of rows by their keys, always: one plan for all sizes, and never a scan of a whole table.
PLANS = "SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"

LOCK = """
CREATE FUNCTION payments_lock(p_lender bigint, p_dealership bigint) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(format('payments:%s:%s', p_lender, p_dealership), 0))
$$;
"""
LOCK_BACK = "DROP FUNCTION payments_lock(bigint, bigint)"

HOLD = """
CREATE FUNCTION payments_hold(p_lender bigint, p_payment bigint) RETURNS TABLE (
    payment payments_payment, lender accounts_lender, method payments_paymentmethod, dealership accounts_dealership,
    made_by accounts_user, entry finance_journalentry, shares text
) LANGUAGE plpgsql {plans} AS $$
#variable_conflict use_column
DECLARE
    v_dealership bigint;
BEGIN
    SELECT p.dealership_id INTO v_dealership FROM payments_payment p
    WHERE p.lender_id = p_lender AND p.id = p_payment;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    -- The dealership's payments first, then the one: the order of everybody.
    PERFORM payments_lock(p_lender, v_dealership);
    -- A statement of its own: it sees what others committed while the lock was waited for. Only the payment's own row
    -- is locked: people and lenders are read by everybody.
    RETURN QUERY
    SELECT p, l, m, d, u, n,
           (SELECT json_agg(json_build_array(s.account_id, s.purpose, s.amount::text) ORDER BY s.account_id)::text
            FROM payments_paymentshare s WHERE s.lender_id = p.lender_id AND s.payment_id = p.id)
    FROM payments_payment p
    JOIN accounts_lender l ON l.id = p.lender_id
    JOIN payments_paymentmethod m ON m.lender_id = p.lender_id AND m.id = p.method_id
    JOIN accounts_dealership d ON d.lender_id = p.lender_id AND d.id = p.dealership_id
    JOIN accounts_user u ON u.lender_id = p.lender_id AND u.id = p.made_by_id
    LEFT JOIN finance_journalentry n ON n.lender_id = p.lender_id AND n.id = p.entry_id
    WHERE p.lender_id = p_lender AND p.id = p_payment
    FOR UPDATE OF p;
END $$;
"""
HOLD_BACK = "DROP FUNCTION payments_hold(bigint, bigint)"

MOVE = """
CREATE FUNCTION payments_move(p_lender bigint, p_payment bigint, p_move jsonb) RETURNS boolean
LANGUAGE plpgsql {plans} AS $$
DECLARE
    v_state text := p_move ->> 'state';
    v_before text := p_move ->> 'before';
    v_by_way text := p_move ->> 'by_way';
    v_dealership bigint := (p_move ->> 'dealership')::bigint;
    v_moment timestamptz := clock_timestamp();
BEGIN
    IF v_by_way IS NOT NULL THEN
        UPDATE payments_payment SET state = v_by_way
        WHERE lender_id = p_lender AND id = p_payment AND state = v_before;
        IF NOT FOUND THEN
            RETURN false;
        END IF;
        INSERT INTO payments_paymentstep (lender_id, payment_id, dealership_id, state, recorded_at, note)
        VALUES (p_lender, p_payment, v_dealership, v_by_way, v_moment, '');
        v_before := v_by_way;
    END IF;

    -- The state, with what the state brings; all of it is written once and never taken away.
    UPDATE payments_payment
    SET state = v_state,
        entry_id = coalesce((p_move ->> 'entry_id')::bigint, entry_id),
        settled_at = coalesce((p_move ->> 'settled_at')::timestamptz, settled_at),
        return_entry_id = coalesce((p_move ->> 'return_entry_id')::bigint, return_entry_id),
        returned_at = coalesce((p_move ->> 'returned_at')::timestamptz, returned_at),
        return_code = coalesce(p_move ->> 'return_code', return_code),
        return_reason = coalesce(p_move ->> 'return_reason', return_reason)
    WHERE lender_id = p_lender AND id = p_payment AND state = v_before;
    IF NOT FOUND THEN
        RETURN false;
    END IF;

    INSERT INTO payments_paymentstep (lender_id, payment_id, dealership_id, state, recorded_at, note)
    VALUES (p_lender, p_payment, v_dealership, v_state, v_moment, p_move ->> 'note');

    INSERT INTO payments_paymentreceipt (lender_id, payment_id, dealership_id, payment_state, state, file, sha256,
                                         attempts, next_attempt_at, ordered_at)
    VALUES (p_lender, p_payment, v_dealership, v_state, 'waiting', '', '', 0,
            (p_move ->> 'print_at')::timestamptz, v_moment)
    ON CONFLICT (lender_id, payment_id, payment_state) DO NOTHING;

    INSERT INTO accounts_auditentry (lender_id, recorded_at, code, subject, actor_id, actor_name, dealership_id,
                                     address, entrance, reference, reason, details)
    SELECT p_lender, v_moment, a.code, a.subject, a.actor_id, a.actor_name, a.dealership_id, a.address, a.entrance,
           a.reference, a.reason, a.details
    FROM jsonb_to_record(p_move -> 'act')
        AS a(code text, subject text, actor_id bigint, actor_name text, dealership_id bigint, address inet,
             entrance text, reference text, reason text, details jsonb);
    RETURN true;
END $$;
"""
MOVE_BACK = "DROP FUNCTION payments_move(bigint, bigint, jsonb)"


class Migration(migrations.Migration):
    dependencies = [("payments", "0007_unsettled"), ("accounts", "0003_library_tables")]

    operations = [
        migrations.RunSQL(LOCK, LOCK_BACK),
        migrations.RunSQL(HOLD.replace("{plans}", PLANS), HOLD_BACK),
        migrations.RunSQL(MOVE.replace("{plans}", PLANS), MOVE_BACK),
    ]
