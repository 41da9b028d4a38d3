"""Tasks of the tests, run by a real worker: they write down what they see, one line of JSON for each run."""

import json
import os
from pathlib import Path
from typing import Any, NoReturn

from celery import current_task
from celery.signals import task_failure, task_retry
from django.db import ProgrammingError, connection, transaction

from accounts.tenant_tasks import sweep_task, tenant_task

TABLES = ("accounts_dealership", "accounts_user", "accounts_membership", "accounts_rowchange")


def _asked(sql: str) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _lenders_in(table: str) -> list[int] | str:
    try:
        with transaction.atomic():
            return [lender for (lender,) in _asked(f"SELECT DISTINCT lender_id FROM {table}")]
    except ProgrammingError as refusal:
        return str(refusal).strip()


def _write(notes: str, run: str) -> None:
    (context,) = _asked(
        "SELECT current_user, coalesce(current_setting('app.lender_id', true), ''), "
        "coalesce(current_setting('app.dealership_ids', true), ''), "
        "coalesce(current_setting('app.user_id', true), ''), pg_backend_pid()"
    )
    role, *settings, backend = context
    line = {
        "run": run,
        "process": os.getpid(),
        "backend": backend,
        "role": role,
        "settings": settings,
        "lenders": {table: _lenders_in(table) for table in TABLES},
    }
    with Path(notes).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


@tenant_task("tests.tenancy.look_and_fail")
def look_and_fail(lender_id: int, notes: str) -> NoReturn:
    """Look, fail, be tried again twice, and fail for good."""
    _write(notes, f"{lender_id}.{current_task.request.retries}")
    raise current_task.retry(exc=ZeroDivisionError("Not this time."), countdown=0, max_retries=2)


@task_retry.connect
@task_failure.connect
def look_after(sender: Any, **_about: Any) -> None:
    """Look again when a run has failed, on the connection that it used and that is still open."""
    if sender.name == "tests.tenancy.look_and_fail":
        lender_id, notes = sender.request.args
        _write(notes, f"after {lender_id}.{sender.request.retries}")


@sweep_task("tests.tenancy.look_outside")
def look_outside(notes: str) -> None:
    """Look once more, later, in the same worker and outside any lender."""
    _write(notes, "outside")
