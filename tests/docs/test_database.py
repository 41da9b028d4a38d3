"""Documents that speak of the database are held against a real one."""

import psycopg2
import pytest
from django.db import connection
from django.test import Client

from accounts.models import Lender, LenderHost, OutgoingMessage, User
from accounts.tenancy import platform, tenant
from finance.models import LedgerAccount
from payments.queries.offered import methods_of
from tests.cast import Cast, make_dealership
from tests.docs.paper import blocks, code, rows, section, text_of

VIEWS = "docs/integrators/sql-views.md"


@pytest.mark.parametrize("view", ["journal", "payment_receipts"])
def test_a_view_has_the_documented_columns(inside: Cast, view: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {view} LIMIT 0")
        columns = {column.name for column in cursor.description}
    listed = [name for cells in rows(section(VIEWS, f"`{view}`"), "Column") for name in code(cells[0])]
    assert len(listed) == len(set(listed))
    assert set(listed) == columns


def test_every_view_is_documented(inside: Cast) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT viewname FROM pg_views WHERE schemaname = 'public'")
        views = {name for (name,) in cursor.fetchall()}
    assert views == {"journal", "payment_receipts"}


def test_the_documented_way_to_read_a_view_works(db: None) -> None:
    (script,) = blocks(text_of(VIEWS), "sql")
    access = connection.settings_dict
    with psycopg2.connect(
        dbname=access["NAME"],
        user=access["USER"],
        password=access["PASSWORD"],
        host=access["HOST"],
        port=access["PORT"],
    ) as reader:
        reader.autocommit = True
        with reader.cursor() as cursor:
            cursor.execute(script)
    reader.close()


def enter_as_documented() -> tuple[Lender, str]:
    """The first lender, and the script that enters a bank account."""
    first, account = blocks(text_of("docs/operators/install.md"), "python")
    exec(compile(first, "install.md", "exec"), {})
    with platform():
        return Lender.objects.get(slug="acme"), account


def test_the_first_lender_is_entered_as_documented(db: None) -> None:
    lender, _script = enter_as_documented()
    with platform():
        lender.full_clean()
        host = LenderHost.objects.get(lender=lender)
    with tenant(lender.pk):
        assert LedgerAccount.objects.count() > 1
        person = User.objects.get(kind=User.Kind.FINANCE)
        assert not person.has_usable_password()
        mail = OutgoingMessage.objects.get(user=person)
    page = Client(HTTP_HOST=host.host).get(mail.context["action_path"], follow=True)
    assert page.status_code == 200
    assert b'type="password"' in page.content


def test_a_bank_account_is_entered_as_documented(db: None) -> None:
    lender, script = enter_as_documented()
    with tenant(lender.pk):
        dealership = make_dealership("Alder Motors", "10001")
    exec(compile(script, "install.md", "exec"), {})
    with tenant(lender.pk):
        assert [method.kind for method in methods_of(dealership.pk)] == ["ach_debit", "card"]
