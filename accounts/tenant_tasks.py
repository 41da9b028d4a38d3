"""The base of every task: the lender comes with the message, the work runs inside it.

A task is declared with `@tenant_task("app.tasks.name")`, or `@sweep_task(...)` when it opens its own short
transactions, and called by `task.hint(lender_id, ...)`. The row that orders the
work is the truth and the broker only a hint: with the broker away, `hint` logs and returns, and a sweep finds the row.
"""

import logging
from collections.abc import Callable
from typing import Any, cast

import structlog
from celery import Task, current_app, shared_task
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.audit import Origin, working_from
from accounts.tenancy import tenant

logger = logging.getLogger(__name__)


class TenantTask(Task):
    """A task whose first argument is a lender's id runs inside that lender as its staff.

    `opens_tenant = False` for sweeps that list lenders and order one task for each, and for tasks that open their own
    short transactions around outside I/O.
    """

    abstract = True
    opens_tenant = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with (
            structlog.contextvars.bound_contextvars(task=self.name, task_id=self.request.id),
            working_from(Origin("task", None, (self.request.id or "")[:20])),
        ):
            if not self.opens_tenant:
                return super().__call__(*args, **kwargs)
            with tenant(int(args[0])):
                return super().__call__(*args, **kwargs)

    def hint(self, *args: Any) -> None:
        """Ask a worker to do this now; never raises when the broker is away."""
        hint_by_name(self.name, *args)


def tenant_task(name: str) -> Callable[[Callable[..., Any]], TenantTask]:
    """Declare a task that takes a lender's id first and runs inside that lender."""
    return lambda run: cast(TenantTask, shared_task(name=name)(run))


def sweep_task(name: str) -> Callable[[Callable[..., Any]], TenantTask]:
    """Declare a task that stands outside any lender: a sweep, or one with outside I/O between its transactions."""
    options: dict[str, Any] = {"name": name, "opens_tenant": False}
    return lambda run: cast(TenantTask, shared_task(**options)(run))


def hint_by_name(name: str, *args: Any) -> None:
    """As TenantTask.hint, for a caller that stands below the task it asks for."""
    try:
        current_app.send_task(name, args=args, ignore_result=True, retry=False)
    except (BrokerError, RedisError, OSError):
        logger.warning("The broker did not take the hint; the sweep will", extra={"task_name": name})
