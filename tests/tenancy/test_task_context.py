"""A task keeps to the lender that its message names, in each of its runs, and leaves nothing behind in the worker."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from django.conf import settings

from accounts.tenancy import current_lender_id, tenant
from tests.cast import Cast
from tests.processes import waited_for, worker_process
from tests.tenancy.retried_tasks import TABLES

pytestmark = pytest.mark.django_db(transaction=True)


def broker_of_this_process() -> str:
    """A broker database that no other process of the tests uses."""
    number = 14 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % 2
    return re.sub(r"/[0-9]+$", f"/{number}", settings.REDIS_URL)


def test_a_failing_task_that_is_tried_three_times_sees_its_lender_alone(cast: Cast, tmp_path: Path) -> None:
    notes = tmp_path / "notes.jsonl"
    broker = broker_of_this_process()
    with redis.Redis.from_url(broker) as store:
        store.flushdb()
    queue = Celery(broker=broker)

    def lines(count: int) -> list[dict[str, Any]]:
        found = notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []
        return [json.loads(line) for line in found] if len(found) >= count else []

    with worker_process(tmp_path, broker, include="tests.tenancy.retried_tasks"):
        for lender in (cast.lender, cast.other_lender):
            with tenant(lender.pk):
                queue.send_task("tests.tenancy.look_and_fail", args=[current_lender_id(), str(notes)])
        waited_for(lambda: lines(12))
        queue.send_task("tests.tenancy.look_outside", args=[str(notes)])
        seen = waited_for(lambda: lines(13))
    queue.close()

    first, second = cast.lender.pk, cast.other_lender.pk
    runs = {line["run"]: line for line in seen}
    tried = [f"{lender_id}.{number}" for lender_id in (first, second) for number in range(3)]
    assert sorted(runs) == sorted([*tried, *(f"after {run}" for run in tried), "outside"])
    for lender_id in (first, second):
        for number in range(3):
            run = runs[f"{lender_id}.{number}"]
            assert run["lenders"] == {table: [lender_id] for table in TABLES}
            assert (run["role"], run["settings"]) == ("portal_staff", [str(lender_id), "{}", "0"])
    # One process served them all; each run's own connection carries nothing of it afterwards.
    assert len({line["process"] for line in seen}) == 1
    for run in tried:
        assert runs[f"after {run}"]["backend"] == runs[run]["backend"]
    for left in (*(runs[f"after {run}"] for run in tried), runs["outside"]):
        assert (left["role"], left["settings"]) == ("portal_app", ["", "", ""])
        assert all(answer.startswith("permission denied for table") for answer in left["lenders"].values())
