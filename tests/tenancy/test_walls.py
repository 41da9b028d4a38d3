"""Both walls, asked of PostgreSQL itself as the role that production uses."""

import pytest
from django.db import Error, IntegrityError, ProgrammingError, connection, transaction

from accounts.models import Dealership, Membership, User
from accounts.tenancy import NoTenantError, current_scope, tenant
from tests.cast import Cast
from tests.tenancy.catalogue import columns_of, tenant_tables


def rows(sql: str, parameters: list[object] | None = None) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or [])
        return list(cursor.fetchall()) if cursor.description else []


def foreign_rows(table: str, lender_id: int) -> str:
    try:
        with transaction.atomic():
            ((found,),) = rows(f"SELECT count(*) FROM {table} WHERE lender_id <> %s", [lender_id])
    except ProgrammingError as refusal:
        return "permission denied" if "permission denied" in str(refusal) else str(refusal)
    return f"{found} rows" if found else "none"


def test_the_suite_runs_as_a_role_that_owns_nothing(cast: Cast) -> None:
    (role,) = rows("SELECT session_user")
    assert role == ("portal_app",)
    assert rows("SELECT rolsuper, rolbypassrls, rolinherit FROM pg_roles WHERE rolname = session_user") == [
        (False, False, False)
    ]
    assert rows(
        "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname LIKE 'portal_app'"
    ) == [(0,)]


def test_every_tenant_table_shows_a_dealer_nothing_of_another_lender(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        tables = tenant_tables()
    assert len(tables) > 40
    for table in tables:
        for scope in (
            {"dealerships": [cast.dealership.pk], "user_id": cast.owner.pk},
            {},
            {"login": True},
        ):
            with tenant(cast.lender.pk, **scope):  # type: ignore[arg-type]
                assert foreign_rows(table, cast.lender.pk) in {"none", "permission denied"}, table


def test_nothing_can_be_written_into_another_lender(cast: Cast) -> None:
    tables = {"accounts_dealership": "name", "finance_rateindex": "name", "support_announcement": "title"}
    for table, column in tables.items():
        assert column in columns_of(table)
        with tenant(cast.lender.pk):
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                if table == "accounts_dealership":
                    Dealership(lender_id=cast.other_lender.pk, name="Foreign", number="9").save()
                else:
                    rows(
                        f"INSERT INTO {table} SELECT * FROM jsonb_populate_record(null::{table}, %s)",
                        [f'{{"id": 999999, "lender_id": {cast.other_lender.pk}}}'],
                    )
    with tenant(cast.other_lender.pk):
        assert not Dealership.objects.filter(name="Foreign").exists()


def test_updating_across_the_wall_touches_no_row(cast: Cast) -> None:
    with tenant(cast.lender.pk), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_dealership SET name = 'Taken' WHERE id = %s", [cast.other_dealership.pk]
        )
        assert cursor.rowcount == 0
    with tenant(cast.other_lender.pk):
        assert Dealership.objects.get(pk=cast.other_dealership.pk).name == "Cedar Autos"


def test_a_dealer_sees_own_dealership_and_colleagues_only(cast: Cast) -> None:
    with tenant(cast.lender.pk, dealerships=[cast.dealership.pk], user_id=cast.owner.pk):
        assert [row.pk for row in Dealership.objects.all()] == [cast.dealership.pk]
        names = set(User.objects.values_list("username", flat=True))
        assert names == {"owen", "paula", "vera"}
        assert set(Membership.objects.values_list("dealership_id", flat=True)) == {cast.dealership.pk}


def test_a_dealer_changes_no_colleague(cast: Cast) -> None:
    with tenant(cast.lender.pk, dealerships=[cast.dealership.pk], user_id=cast.owner.pk):
        assert User.objects.filter(pk=cast.viewer.pk).update(full_name="Changed") == 0
        assert User.objects.filter(pk=cast.owner.pk).update(full_name="Owen Alder") == 1
    with tenant(cast.lender.pk):
        assert User.objects.get(pk=cast.viewer.pk).full_name == "Vera"


def test_before_sign_in_no_business_table_opens(cast: Cast) -> None:
    for table in ("finance_account", "payments_payment", "support_ticket", "finance_journalline"):
        with tenant(cast.lender.pk, login=True):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                rows(f"SELECT count(*) FROM {table}")


def test_without_a_context_every_tenant_table_raises(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        tables = tenant_tables()
    for table in tables:
        with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
            rows(f"SELECT 1 FROM {table} LIMIT 1")


def test_the_manager_raises_without_a_context(cast: Cast) -> None:
    with pytest.raises(NoTenantError):
        Dealership.objects.count()


def test_a_closed_context_leaves_nothing_behind(cast: Cast) -> None:
    with tenant(cast.other_lender.pk):
        assert Dealership.objects.count() == 1
    with pytest.raises(Error), transaction.atomic():
        rows("SELECT count(*) FROM accounts_dealership")
    assert rows("SELECT current_setting('app.lender_id', true)") in ([("",)], [(None,)])


def test_a_nested_context_gives_the_outer_one_back(cast: Cast) -> None:
    with tenant(cast.lender.pk, dealerships=[cast.dealership.pk], user_id=cast.owner.pk) as outer:
        with tenant(cast.other_lender.pk):
            assert Dealership.objects.get().pk == cast.other_dealership.pk
        assert current_scope() == outer
        assert Dealership.objects.get().pk == cast.dealership.pk


def test_a_nested_context_that_fails_gives_the_outer_one_back(cast: Cast) -> None:
    with tenant(cast.lender.pk, dealerships=[cast.dealership.pk], user_id=cast.owner.pk):
        with pytest.raises(IntegrityError), tenant(cast.lender.pk):
            Dealership.objects.create(name="Twice", number=cast.dealership.number)
        assert Dealership.objects.get().pk == cast.dealership.pk


def test_a_key_to_another_lenders_row_is_refused_by_the_database(cast: Cast) -> None:
    with pytest.raises(IntegrityError, match="tenant_fk"), tenant(cast.lender.pk):
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        Membership.objects.create(user=cast.owner, dealership_id=cast.other_dealership.pk, role="owner")


def test_changing_a_watched_row_by_raw_sql_is_in_the_history(cast: Cast) -> None:
    with tenant(cast.lender.pk, user_id=cast.finance.pk):
        rows(
            "UPDATE accounts_dealership SET town = 'Boulder' WHERE id = %s RETURNING id", [cast.dealership.pk]
        )
        found = rows(
            "SELECT user_id, before ->> 'town', after ->> 'town' FROM accounts_rowchange "
            "WHERE table_name = 'accounts_dealership' AND row_key = %s AND operation = 'update'",
            [cast.dealership.pk],
        )
    assert found == [(cast.finance.pk, "Denver", "Boulder")]


def test_the_history_holds_no_password_hash(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        found = rows("SELECT after FROM accounts_rowchange WHERE table_name = 'accounts_user'")
    assert found
    assert all("password" not in after for (after,) in found)  # type: ignore[operator]


@pytest.mark.parametrize("table", ["accounts_auditentry", "accounts_rowchange", "finance_journalline"])
def test_append_only_tables_grant_no_change(cast: Cast, table: str) -> None:
    with tenant(cast.lender.pk):
        for sql in (f"UPDATE {table} SET lender_id = lender_id", f"DELETE FROM {table}"):
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                rows(sql)
