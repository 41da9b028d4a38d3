"""The base of every task: the lender comes with the message, the work runs inside it.

A task is declared with `@shared_task(name=...)` and called by `task.hint(lender_id, ...)`. The row that orders the
work is the truth and the broker only a hint: with the broker away, `hint` logs and returns, and a sweep finds the row.
"""

import logging
from typing import Any

import structlog
from celery import Task, current_app
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from accounts.audit import Origin, working_from
from accounts.tenancy import tenant

logger = logging.getLogger(__name__)


class TenantTask(Task):  # type: ignore[misc]
    """A task whose first argument is a lender's id runs inside that lender as its staff.

    `opens_tenant = False` for sweeps that list lenders and order one task for each, and for tasks that open their own
    short transactions around outside I/O.
    """

    abstract = True
    opens_tenant = True

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        structlog.contextvars.bind_contextvars(task=self.name, task_id=self.request.id)
        with working_from(Origin("task", None, (self.request.id or "")[:20])):
            if not self.opens_tenant:
                return super().__call__(*args, **kwargs)
            with tenant(int(args[0])):
                return super().__call__(*args, **kwargs)

    def hint(self, *args: Any) -> None:
        """Ask a worker to do this now; never raises when the broker is away."""
        hint_by_name(self.name, *args)


def hint_by_name(name: str, *args: Any) -> None:
    """As TenantTask.hint, for a caller that stands below the task it asks for."""
    try:
        current_app.send_task(name, args=args, ignore_result=True, retry=False)
    except (BrokerError, RedisError, OSError):
        logger.warning("The broker did not take the hint; the sweep will", extra={"task_name": name})
