"""Reading accounts under their locks, and writing a posting: functions, so that PostgreSQL plans their statements once.

Planned anew for each payment, the joins behind the walls would cost ten times what running them costs. Both run with the
caller's rights, inside the caller's walls.
"""

from django.db import migrations

# A handful of rows by their keys, always: one plan for all sizes, and never a scan of a whole table.
PLANS = "SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off"

READ = """
CREATE FUNCTION finance_read_cards(
    p_lender bigint, p_accounts bigint[], p_day date, p_settled boolean, p_source text, p_key text,
    p_hold_rates boolean, p_hold_accounts boolean
) RETURNS TABLE (
    account_id bigint, dealership_id bigint, line_id bigint, kind text, state text, currency text, rate_plan_id bigint,
    opened_on date, day_count text, compounding text,
    principal numeric, accrued_parts numeric, remainder_parts numeric, accrued_through date, billed_interest numeric,
    fees numeric, credit numeric, last_sequence int,
    start_rate numeric, start_cumulative numeric, start_growth numeric,
    end_rate numeric, end_cumulative numeric, end_growth numeric,
    allocation_order text, payment_day smallint, unit_state text, is_sold boolean, lent numeric, scheduled numeric,
    method text, instalment numeric, items text, entry_id bigint
) LANGUAGE plpgsql {plans} AS $$
#variable_conflict use_column
BEGIN
    IF p_hold_rates THEN
        PERFORM pg_advisory_xact_lock_shared(4101, p_lender::int);
    END IF;
    IF p_hold_accounts THEN
        -- In the order of their keys, so that two payments over the same accounts never wait for each other in a ring.
        PERFORM 1 FROM finance_accountposition p WHERE p.lender_id = p_lender AND p.account_id = ANY (p_accounts)
        ORDER BY p.account_id FOR UPDATE;
    END IF;
    -- A statement of its own: it sees what others committed while the locks were waited for.
    RETURN QUERY
    SELECT a.id, a.dealership_id, a.line_id, a.kind::text, a.state::text, a.currency::text, a.rate_plan_id, a.opened_on,
           r.day_count::text, r.compounding::text,
           p.principal, p.accrued_parts, p.remainder_parts, p.accrued_through, p.billed_interest, p.fees, p.credit,
           p.last_sequence,
           s.annual_rate, s.cumulative, s.growth, e.annual_rate, e.cumulative, e.growth,
           t.allocation_order::text, t.payment_day, u.state::text, u.sold_on IS NOT NULL,
           coalesce(u.advance_amount, l.amount, 0), coalesce(i.scheduled, 0), l.method::text, l.instalment, i.items,
           (SELECT n.id FROM finance_journalentry n
            WHERE n.lender_id = p_lender AND n.source = p_source AND n.key = p_key)
    FROM finance_account a
    JOIN finance_accountposition p ON p.lender_id = a.lender_id AND p.account_id = a.id
    JOIN finance_rateplan r ON r.lender_id = a.lender_id AND r.id = a.rate_plan_id
    LEFT JOIN finance_rateplanday s
        ON s.lender_id = a.lender_id AND s.plan_id = a.rate_plan_id AND s.day = p.accrued_through
    LEFT JOIN finance_rateplanday e ON e.lender_id = a.lender_id AND e.plan_id = a.rate_plan_id AND e.day = p_day
    LEFT JOIN finance_unit u ON u.lender_id = a.lender_id AND u.account_id = a.id
    LEFT JOIN finance_loan l ON l.lender_id = a.lender_id AND l.account_id = a.id
    LEFT JOIN LATERAL (
        SELECT o.allocation_order, o.payment_day FROM finance_lineterms o
        WHERE o.lender_id = a.lender_id AND o.line_id = a.line_id AND o.effective_from <= p_day
        ORDER BY o.effective_from DESC LIMIT 1) t ON true
    LEFT JOIN LATERAL (
        SELECT sum(d.principal) AS scheduled, json_agg(json_build_array(
            d.id, d.kind, d.number, d.due_on, d.billed_on, d.grace_until,
            d.principal::text, d.interest::text, d.fees::text,
            d.outstanding_principal::text, d.outstanding_interest::text, d.outstanding_fees::text, d.rule
        ) ORDER BY d.due_on, d.id)
            FILTER (WHERE p_settled OR a.kind = 'loan'
                    OR d.outstanding_principal > 0 OR d.outstanding_interest > 0 OR d.outstanding_fees > 0)::text AS items
        FROM finance_dueitem d WHERE d.lender_id = a.lender_id AND d.account_id = a.id) i ON true
    WHERE a.lender_id = p_lender AND a.id = ANY (p_accounts)
    ORDER BY a.id;
END $$;
"""
READ_BACK = "DROP FUNCTION finance_read_cards(bigint, bigint[], date, boolean, text, text, boolean, boolean)"

POST = """
CREATE FUNCTION finance_post(p_lender bigint, p_entry jsonb) RETURNS TABLE (
    entry_id bigint, lines bigint, events bigint, positions bigint, changed bigint, added bigint
) LANGUAGE plpgsql {plans} AS $$
#variable_conflict use_column
DECLARE
    v_entry bigint;
    v_dealership bigint := (p_entry ->> 'dealership')::bigint;
    v_lines bigint;
    v_events bigint;
    v_positions bigint := 0;
    v_changed bigint := 0;
    v_added bigint := 0;
BEGIN
    -- One statement, since an entry is refused that has no lines when its statement ends.
    WITH entry AS (
        INSERT INTO finance_journalentry (lender_id, dealership_id, source, key, business_date, effective_on,
                                          description, actor_id, reverses_id, recorded_at)
        VALUES (p_lender, v_dealership, p_entry ->> 'source', p_entry ->> 'key', (p_entry ->> 'business_date')::date,
                (p_entry ->> 'effective_on')::date, p_entry ->> 'description', (p_entry ->> 'actor')::bigint,
                (p_entry ->> 'reverses')::bigint, now())
        ON CONFLICT (lender_id, source, key) DO NOTHING
        RETURNING id
    ), written AS (
        INSERT INTO finance_journalline (lender_id, dealership_id, entry_id, ledger_account_id, account_id, debit, credit)
        SELECT p_lender, v_dealership, entry.id, g.id, v.account, greatest(v.amount, 0), greatest(-v.amount, 0)
        FROM entry
        CROSS JOIN ROWS FROM (jsonb_to_recordset(p_entry -> 'lines') AS (code text, account bigint, amount numeric))
            WITH ORDINALITY AS v(code, account, amount, place)
        JOIN finance_ledgeraccount g ON g.lender_id = p_lender AND g.code = v.code
        ORDER BY v.place
        RETURNING 1
    )
    SELECT (SELECT id FROM entry), (SELECT count(*) FROM written) INTO v_entry, v_lines;
    IF v_entry IS NULL THEN
        RETURN;
    END IF;

    INSERT INTO finance_accountevent (lender_id, dealership_id, account_id, entry_id, sequence, kind, effective_on,
                                      recorded_at, principal, billed, interest, fees, credit, reverses_sequence)
    SELECT p_lender, v_dealership, v.account, v_entry, v.sequence, v.kind, v.effective_on,
           now(), v.principal, v.billed, v.interest, v.fees, v.credit, v.reverses
    FROM jsonb_to_recordset(p_entry -> 'events')
        AS v(account bigint, sequence int, kind text, effective_on date, principal numeric, billed numeric,
             interest numeric, fees numeric, credit numeric, reverses int);
    GET DIAGNOSTICS v_events = ROW_COUNT;

    UPDATE finance_accountposition p
    SET principal = v.principal, accrued_parts = v.accrued, remainder_parts = v.remainder, accrued_through = v.through,
        billed_interest = v.billed, fees = v.fees, credit = v.credit, last_sequence = v.sequence
    FROM jsonb_to_recordset(p_entry -> 'positions')
        AS v(account bigint, principal numeric, accrued numeric, remainder numeric, through date, billed numeric,
             fees numeric, credit numeric, sequence int, before int)
    WHERE p.lender_id = p_lender AND p.account_id = v.account AND p.last_sequence = v.before;
    GET DIAGNOSTICS v_positions = ROW_COUNT;

    IF jsonb_array_length(p_entry -> 'changed') > 0 THEN
        UPDATE finance_dueitem d
        SET billed_on = v.billed_on, principal = v.principal, interest = v.interest, fees = v.fees,
            outstanding_principal = v.open_principal, outstanding_interest = v.open_interest,
            outstanding_fees = v.open_fees
        FROM jsonb_to_recordset(p_entry -> 'changed')
            AS v(id bigint, billed_on date, principal numeric, interest numeric, fees numeric,
                 open_principal numeric, open_interest numeric, open_fees numeric)
        WHERE d.lender_id = p_lender AND d.id = v.id;
        GET DIAGNOSTICS v_changed = ROW_COUNT;
    END IF;

    IF jsonb_array_length(p_entry -> 'added') > 0 THEN
        INSERT INTO finance_dueitem (lender_id, dealership_id, public_id, account_id, kind, number, due_on, grace_until,
                                     rule, billed_on, principal, interest, fees,
                                     outstanding_principal, outstanding_interest, outstanding_fees)
        SELECT p_lender, v_dealership, gen_random_uuid(), v.account, v.kind, v.number, v.due_on, v.grace_until,
               v.rule, v.billed_on, v.principal, v.interest, v.fees, v.open_principal, v.open_interest, v.open_fees
        FROM jsonb_to_recordset(p_entry -> 'added')
            AS v(account bigint, kind text, number int, due_on date, grace_until date, rule text, billed_on date,
                 principal numeric, interest numeric, fees numeric,
                 open_principal numeric, open_interest numeric, open_fees numeric);
        GET DIAGNOSTICS v_added = ROW_COUNT;
    END IF;

    RETURN QUERY SELECT v_entry, v_lines, v_events, v_positions, v_changed, v_added;
END $$;
"""
POST_BACK = "DROP FUNCTION finance_post(bigint, jsonb)"


class Migration(migrations.Migration):
    dependencies = [("finance", "0005_principal_movements")]

    operations = [
        migrations.RunSQL(READ.replace("{plans}", PLANS), READ_BACK),
        migrations.RunSQL(POST.replace("{plans}", PLANS), POST_BACK),
    ]
