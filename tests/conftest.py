"""The test database is made by its owner and used as `portal_app`, the restricted role of production."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import dj_database_url
import psycopg2
import pytest
from django.db import connection
from django.test import Client, TransactionTestCase
from django.test.utils import setup_databases, teardown_databases

from accounts.middleware.host import forget_hosts
from accounts.models import User
from accounts.tenancy import tenant
from tests.cast import Cast, make_cast, sign_in
from tests.template import become_again, become_owner, copy_template

_KEPT = {"django_migrations", "django_content_type", "auth_permission"}


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest,
    django_test_environment: None,
    django_db_blocker: Any,
    django_db_modify_db_settings: None,
) -> Iterator[None]:
    """Create and migrate as portal_owner, run as portal_app, drop as portal_owner."""
    with django_db_blocker.unblock():
        app = become_owner()
        copy_template()
        keep = request.config.getvalue("reuse_db")
        previous = setup_databases(verbosity=0, interactive=False, keepdb=keep, serialized_aliases=[])
        become_again(app)
    yield
    with django_db_blocker.unblock():
        become_owner()
        if not keep:
            teardown_databases(previous, verbosity=0)


def owner_connection() -> Any:
    """A connection of the database's owner to the test database, for what the application may not do."""
    owner = dj_database_url.parse(os.environ["DATABASE_OWNER_URL"])
    return psycopg2.connect(
        dbname=connection.settings_dict["NAME"],
        user=owner["USER"],
        password=owner["PASSWORD"],
        host=owner["HOST"],
        port=owner["PORT"],
    )


def _empty_tables(self: TransactionTestCase) -> None:
    """Empty what a committing test left; the application's role may not truncate, so the owner does."""
    connection.close()
    for attempt in range(5):
        try:
            with owner_connection() as empty, empty.cursor() as cursor:
                cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
                tables = ", ".join(f'"{name}"' for (name,) in cursor.fetchall() if name not in _KEPT)
                cursor.execute(f"TRUNCATE {tables}")
        except psycopg2.errors.DeadlockDetected:
            # A request that the closed browser had still sent reads in another order than TRUNCATE locks.
            if attempt == 4:
                raise
        else:
            break
    forget_hosts()


TransactionTestCase._fixture_teardown = _empty_tables  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def _fresh_hosts() -> Iterator[None]:
    forget_hosts()
    yield
    forget_hosts()


@pytest.fixture
def cast(db: None) -> Cast:
    """Everybody who meets a new view; in a committing test the rows are committed."""
    return make_cast()


@pytest.fixture
def client_of(db: None) -> Callable[[User], Client]:
    """A browser on the person's lender's host, signed in with a second factor shown."""
    return sign_in


@pytest.fixture
def inside(cast: Cast) -> Iterator[Cast]:
    """The test runs as staff of the first lender."""
    with tenant(cast.lender.pk):
        yield cast
