"""Who the running transaction works for.

PostgreSQL keeps both walls: between lenders, and between the dealerships of one lender. The application connects as
`portal_app`, a role that may read next to nothing. `tenant(...)` opens a transaction and switches to one of four roles
with the lender, the dealerships and the user set for exactly that transaction. Without it every tenant table answers
"permission denied": a forgotten context is an error, never an empty page.

Requests, tasks, commands and threads all enter by `tenant(...)`. Settings are transaction-local, because a pooler hands
the connection to somebody else right after.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

from django.db import connection, transaction

DatabaseRole = Literal["portal_login", "portal_dealer", "portal_staff", "portal_platform"]


@dataclass(frozen=True, slots=True)
class Scope:
    """One lender seen through one database role.

    `dealership_ids` matter to `portal_dealer` only; `user_id` is 0 when nobody is signed in.
    """

    role: DatabaseRole
    lender_id: int
    dealership_ids: tuple[int, ...] = ()
    user_id: int = 0


class NoTenantError(RuntimeError):
    """Work on a lender's data was started outside `tenant(...)`."""


_current: ContextVar[Scope | None] = ContextVar("forecourt_scope", default=None)

_APPLY = """
SELECT set_config('role', %s, true), set_config('app.lender_id', %s, true),
       set_config('app.dealership_ids', %s, true), set_config('app.user_id', %s, true)
"""


def current_scope() -> Scope:
    """The scope of the running block; raises NoTenantError outside one."""
    scope = _current.get()
    if scope is None:
        raise NoTenantError("This needs a lender: open `with tenant(...)` around it.")
    return scope


def current_lender_id() -> int:
    """The running block's lender; raises NoTenantError outside one."""
    return current_scope().lender_id


def default_lender_id() -> Any:
    """The default of every lender column: the running block's lender; outside one nothing, which no row accepts."""
    scope = _current.get()
    return scope.lender_id if scope else None


def scope_or_none() -> Scope | None:
    """The scope of the running block, or None."""
    return _current.get()


def _apply(scope: Scope) -> None:
    dealerships = "{" + ",".join(str(int(key)) for key in scope.dealership_ids) + "}"
    with connection.cursor() as cursor:
        cursor.execute(_APPLY, [scope.role, str(int(scope.lender_id)), dealerships, str(int(scope.user_id))])


def _forget() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('role', 'none', true), set_config('app.lender_id', '', true), "
            "set_config('app.dealership_ids', '', true), set_config('app.user_id', '', true)"
        )


@contextmanager
def scoped(scope: Scope) -> Iterator[Scope]:
    """Run a block as `scope`, in a transaction; on leaving, an outer scope is put back by hand.

    Releasing a savepoint keeps the settings made inside it, and the test suite's own outer transaction would hide a
    missing context, so both the nested and the outermost case restore explicitly.
    """
    with transaction.atomic():
        outer = _current.get()
        _apply(scope)
        token = _current.set(scope)
        try:
            yield scope
        finally:
            _current.reset(token)
            # After a database error the block is being rolled back, and with it the settings.
            if not connection.needs_rollback:
                if outer is None:
                    _forget()
                else:
                    _apply(outer)


def tenant(
    lender_id: int,
    *,
    dealerships: Iterable[int] | None = None,
    login: bool = False,
    user_id: int = 0,
) -> AbstractContextManager[Scope]:
    """Work inside one lender: for `dealerships` only, before sign-in (`login`), or, with neither, as its staff."""
    if dealerships is not None and login:
        raise ValueError("A scope is either for dealerships or before sign-in.")
    if dealerships is not None:
        return scoped(Scope("portal_dealer", lender_id, tuple(sorted(set(dealerships))), user_id))
    if login:
        return scoped(Scope("portal_login", lender_id, (), user_id))
    return scoped(Scope("portal_staff", lender_id, (), user_id))


def platform() -> AbstractContextManager[Scope]:
    """Work on the registry of lenders; every other table stays shut."""
    return scoped(Scope("portal_platform", 0))


def change_scope(scope: Scope) -> None:
    """Replace the running block's scope, as when a request turns out to be signed in.

    Only for the middleware that owns the block: the block's end restores what was there before it.
    """
    current_scope()
    _apply(scope)
    _current.set(scope)


def tenant_cache_key(key: str, key_prefix: str, version: int) -> str:
    """Django's KEY_FUNCTION: every cached value belongs to the lender it was written for."""
    scope = _current.get()
    return f"{key_prefix}:{scope.lender_id if scope else 0}:{version}:{key}"
