"""The ledger guards itself in the database; the proof finds what only its owner could have planted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.tenancy import tenant
from finance.actions.billing import bill_interest
from finance.actions.receipts import Share, post_payment
from finance.models import JournalEntry, JournalLine, LedgerAccount, Unit
from finance.queries.proof import problems
from tests.cast import Cast
from tests.conftest import owner_connection
from tests.finance.books import D, open_books

FLOORED = date(2025, 1, 17)


def some_postings(cast: Cast) -> Unit:
    unit = open_books(cast.dealership, document_fee=D("18.00")).fund("20000.00", FLOORED)
    bill_interest(period_end=date(2025, 1, 31))
    post_payment(
        key="P-1",
        shares=[Share(unit.pk, "amount", D("1000.00"))],
        value_date=date(2025, 2, 10),
        business_date=date(2025, 2, 10),
        description="Payment",
        actor=None,
    )
    return unit


def refused(sql: str, parameters: list[object]) -> str:
    """Run a statement that the database must refuse; return what it says."""
    before = JournalLine.objects.count(), JournalEntry.objects.count()
    with pytest.raises(DatabaseError) as caught, transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert (JournalLine.objects.count(), JournalEntry.objects.count()) == before
    return str(caught.value)


ENTRY_AND_LINES = """
WITH entry AS (
    INSERT INTO finance_journalentry (lender_id, source, key, business_date, effective_on, description, recorded_at)
    VALUES (%s, 'test', 'raw', '2025-02-01', '2025-02-01', 'By hand', now()) RETURNING id, lender_id
)
INSERT INTO finance_journalline (lender_id, entry_id, ledger_account_id, debit, credit)
SELECT entry.lender_id, entry.id, side.account, side.debit, side.credit
FROM entry CROSS JOIN (VALUES (%s::bigint, %s::numeric, 0::numeric), (%s::bigint, 0::numeric, %s::numeric))
    AS side(account, debit, credit)
"""


@pytest.mark.django_db
def test_an_entry_that_balances_is_taken(inside: Cast) -> None:
    some_postings(inside)
    cash, income = (LedgerAccount.objects.get(code=code).pk for code in ("1000", "4000"))
    with connection.cursor() as cursor:
        cursor.execute(ENTRY_AND_LINES, [inside.lender.pk, cash, D("5.00"), income, D("5.00")])
    assert JournalEntry.objects.filter(source="test").count() == 1


@pytest.mark.django_db
def test_an_unbalanced_entry_is_refused(inside: Cast) -> None:
    some_postings(inside)
    cash, income = (LedgerAccount.objects.get(code=code).pk for code in ("1000", "4000"))
    said = refused(ENTRY_AND_LINES, [inside.lender.pk, cash, D("5.00"), income, D("4.99")])
    assert "does not balance: debit 5.00, credit 4.99" in said


@pytest.mark.django_db
def test_an_entry_without_lines_is_refused(inside: Cast) -> None:
    said = refused(
        "INSERT INTO finance_journalentry "
        "(lender_id, source, key, business_date, effective_on, description, recorded_at) "
        "VALUES (%s, 'test', 'raw', '2025-02-01', '2025-02-01', 'Nothing', now())",
        [inside.lender.pk],
    )
    assert "has no lines" in said


@pytest.mark.django_db
def test_a_line_with_two_sides_or_none_is_refused(inside: Cast) -> None:
    some_postings(inside)
    line = JournalLine.objects.all()[0]
    for debit, credit in (("1.00", "1.00"), ("0.00", "0.00"), ("-1.00", "0.00")):
        said = refused(
            "INSERT INTO finance_journalline (lender_id, entry_id, ledger_account_id, debit, credit) "
            "VALUES (%s, %s, %s, %s, %s)",
            [inside.lender.pk, line.entry_id, line.ledger_account_id, D(debit), D(credit)],
        )
        assert "finance_journalline_one_side" in said or "does not balance" in said


LINES_OF_AN_ENTRY = """
INSERT INTO finance_journalline (lender_id, entry_id, ledger_account_id, debit, credit)
SELECT e.lender_id, e.id, g.id, CASE g.code WHEN '1000' THEN 5 ELSE 0 END, CASE g.code WHEN '1000' THEN 0 ELSE 5 END
FROM finance_journalentry e JOIN finance_ledgeraccount g ON g.lender_id = e.lender_id AND g.code IN ('1000', '4000')
WHERE e.lender_id = %s AND e.source = 'payment'
"""
EVENT_OF_AN_ENTRY = """
INSERT INTO finance_accountevent (lender_id, dealership_id, account_id, entry_id, sequence, kind, effective_on,
                                  recorded_at, principal, billed, interest, fees, credit)
SELECT lender_id, dealership_id, account_id, entry_id, 99, 'adjustment', effective_on, now(), -5, 0, 0, 0, 0
FROM finance_accountevent WHERE lender_id = %s AND kind = 'advance'
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("addition", [LINES_OF_AN_ENTRY, EVENT_OF_AN_ENTRY])
def test_nothing_is_added_to_what_is_posted(cast: Cast, addition: str) -> None:
    with tenant(cast.lender.pk):
        some_postings(cast)
    with tenant(cast.lender.pk):
        assert "is posted: nothing is added to it" in refused(addition, [cast.lender.pk])
        assert problems() == []


@pytest.mark.django_db
def test_what_is_not_a_number_does_not_pass_for_a_balance(inside: Cast) -> None:
    some_postings(inside)
    cash, income = (LedgerAccount.objects.get(code=code).pk for code in ("1000", "4000"))
    values = [inside.lender.pk, cash, D("NaN"), income, D("NaN")]
    assert "finance_journalline_numbers" in refused(ENTRY_AND_LINES, values)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE finance_accountposition SET principal = 'NaN' WHERE lender_id = %s",
        "UPDATE finance_accountposition SET accrued_parts = 'NaN' WHERE lender_id = %s",
        "UPDATE finance_dueitem SET principal = 'NaN', outstanding_principal = 'NaN' WHERE lender_id = %s",
        """UPDATE finance_creditline SET "limit" = 'NaN' WHERE lender_id = %s""",
        "UPDATE finance_unit SET advance_amount = 'NaN' WHERE lender_id = %s",
        "UPDATE finance_rateplanday SET cumulative = 'NaN' WHERE lender_id = %s",
    ],
)
def test_what_is_not_a_number_is_kept_nowhere(inside: Cast, change: str) -> None:
    some_postings(inside)
    assert "_numbers" in refused(change, [inside.lender.pk])


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["finance_journalentry", "finance_journalline", "finance_accountevent"])
@pytest.mark.parametrize(
    "change",
    ["UPDATE {} SET lender_id = lender_id WHERE lender_id = %s", "DELETE FROM {} WHERE lender_id = %s"],
)
def test_what_is_posted_is_never_edited_or_deleted_by_the_application(
    inside: Cast, table: str, change: str
) -> None:
    some_postings(inside)
    assert "permission denied" in refused(change.format(table), [inside.lender.pk])


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["finance_journalentry", "finance_journalline", "finance_accountevent"])
@pytest.mark.parametrize("change", ["UPDATE {} SET lender_id = lender_id", "DELETE FROM {}"])
def test_not_even_by_the_owner(cast: Cast, table: str, change: str) -> None:
    with tenant(cast.lender.pk):
        some_postings(cast)
    owner = owner_connection()
    try:
        with pytest.raises(Exception, match="never changed or deleted"), owner, owner.cursor() as cursor:
            cursor.execute(change.format(table))
    finally:
        owner.close()
    with tenant(cast.lender.pk):
        assert problems() == []


@pytest.mark.django_db
def test_one_cause_posts_once_whoever_writes(inside: Cast) -> None:
    some_postings(inside)
    cash, income = (LedgerAccount.objects.get(code=code).pk for code in ("1000", "4000"))
    values = [inside.lender.pk, cash, D("5.00"), income, D("5.00")]
    with connection.cursor() as cursor:
        cursor.execute(ENTRY_AND_LINES, values)
    assert "finance_journalentry_once" in refused(ENTRY_AND_LINES, values)


@pytest.mark.django_db
def test_dealers_read_the_ledger_of_their_own_and_write_nothing(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        unit = some_postings(cast)
        entries = JournalEntry.objects.count()
    with tenant(cast.lender.pk, dealerships=[cast.dealership.pk]):
        assert JournalEntry.objects.count() == entries
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            post_payment(
                key="P-2",
                shares=[Share(unit.pk, "amount", D("1.00"))],
                value_date=date(2025, 2, 11),
                business_date=date(2025, 2, 11),
                description="Payment",
                actor=None,
            )
    with tenant(cast.lender.pk, dealerships=[cast.stranger_dealership.pk]):
        assert JournalEntry.objects.count() == 0


# --- the proof --------------------------------------------------------------------------------------------------------


@contextmanager
def planted(*statements: str) -> Iterator[None]:
    """What only the owner of the tables could do, with the guards switched off."""
    owner = owner_connection()
    try:
        with owner, owner.cursor() as cursor:
            for table in ("finance_journalentry", "finance_journalline", "finance_accountevent"):
                cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            for statement in statements:
                cursor.execute(statement)
            for table in ("finance_journalentry", "finance_journalline", "finance_accountevent"):
                cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        yield
    finally:
        owner.close()


OF_THE_BILL = "WHERE entry_id = (SELECT id FROM finance_journalentry WHERE source = 'interest')"
ONE_LINE = "(SELECT min(id) FROM finance_journalline WHERE debit > 0 AND account_id IS NOT NULL)"
BOTH_SIDES = "debit = debit + 0.01 * sign(debit), credit = credit + 0.01 * sign(credit)"
PLANTS = {
    "a cent on one line": (
        f"UPDATE finance_journalline SET debit = debit + 0.01 WHERE id = {ONE_LINE}",
        "finance_journalentry",
    ),
    "a cent on both sides of an entry": (
        f"UPDATE finance_journalline SET {BOTH_SIDES} {OF_THE_BILL}",
        "finance_journalentry",
    ),
    "a cent in a position": (
        "UPDATE finance_accountposition SET principal = principal + 0.01 WHERE principal > 0",
        "finance_accountposition",
    ),
    "a cent in an event": (
        "UPDATE finance_accountevent SET principal = principal - 0.01 WHERE kind = 'advance'",
        "finance_accountposition",
    ),
    "a trifle of accrued interest": (
        "UPDATE finance_accountposition SET accrued_parts = accrued_parts + 0.00000001",
        "finance_accountposition",
    ),
    "a cent that is due": (
        "UPDATE finance_dueitem SET outstanding_principal = outstanding_principal - 0.01 WHERE kind = 'maturity'",
        "finance_account",
    ),
    "an event that vanished": (
        "DELETE FROM finance_accountevent WHERE kind = 'fee_assessed'",
        "finance_accountposition",
    ),
    "an entry without lines": (f"DELETE FROM finance_journalline {OF_THE_BILL}", "finance_journalentry"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("plant", PLANTS)
def test_the_proof_finds_one_planted_cent_and_names_its_row(cast: Cast, plant: str) -> None:
    with tenant(cast.lender.pk):
        some_postings(cast)
    with tenant(cast.other_lender.pk):
        open_books(cast.other_dealership).fund("9000.00", FLOORED)
    out = StringIO()
    call_command("verify_ledger", stdout=out)
    assert "summit: the books are right" in out.getvalue()

    statement, table = PLANTS[plant]
    with planted(statement):
        out = StringIO()
        with pytest.raises(CommandError):
            call_command("verify_ledger", "--lender", "summit", stdout=out)
    lines = out.getvalue().splitlines()
    assert any(line.startswith(f"summit: {table} ") for line in lines), lines
    assert not any("the books are right" in line for line in lines)


@pytest.mark.django_db(transaction=True)
def test_the_proof_of_one_day_folds_what_moved_on_it(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        some_postings(cast)
    with (
        planted("UPDATE finance_accountposition SET accrued_parts = accrued_parts + 1"),
        tenant(cast.lender.pk),
    ):
        assert problems(since=date(2025, 2, 11)) == []
        assert [problem.table for problem in problems(since=date(2025, 2, 10))] == ["finance_accountposition"]


@pytest.mark.django_db
def test_an_amount_never_loses_a_cent_on_its_way(inside: Cast) -> None:
    unit = some_postings(inside)
    rows = JournalLine.objects.filter(account=unit.account, ledger_account__code="1200")
    assert sum((row.debit - row.credit for row in rows), Decimal(0)) == D("19097.17")
