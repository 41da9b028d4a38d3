"""Signing in: the portal's check of name and password against the bare hash; a wrong name must cost the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from bench.ground import Sizes
from bench.measure import Gate, Sample, in_turns, must, ratio, shown, table, timed
from bench.stock import Stock

PASSWORD: Final = "quiet harbour lantern 7"  # noqa: S105 (an invented one)


def run(stock: Stock, sizes: Sizes) -> list[Gate]:
    """Sign in with the right password, with an unknown name, and compute the hash alone, in turns."""
    from django.contrib.auth.hashers import check_password, make_password  # noqa: PLC0415 (Django is set up late)
    from django.db import connection  # noqa: PLC0415

    from accounts.backends import LenderBackend  # noqa: PLC0415
    from accounts.models import User  # noqa: PLC0415
    from accounts.tenancy import tenant  # noqa: PLC0415

    with tenant(stock.lender_id):
        person = User.objects.create_user("dana", "dana@people.example", PASSWORD, full_name="Dana")
    encoded, backend = make_password(PASSWORD), LenderBackend()

    def signing_in(name: str) -> Any:
        with tenant(stock.lender_id, login=True):
            return backend.authenticate(None, identifier=name, password=PASSWORD)

    must(signing_in("dana") == person and signing_in("nobody") is None, "signing in does not work")
    connection.ensure_connection()
    process = connection.connection.info.backend_pid

    def timed_run(once: Callable[[], Any]) -> Callable[[int], Sample]:
        def run_once(_number: int) -> Sample:
            with timed(sizes.looks, process) as sample:
                for _ in range(sizes.looks):
                    once()
            return sample

        return run_once

    samples = in_turns(
        {
            "name and password": timed_run(lambda: signing_in("dana")),
            "unknown name": timed_run(lambda: signing_in("nobody")),
            "bare hash": timed_run(lambda: check_password(PASSWORD, encoded)),
        }
    )
    table(
        ("signing in", "per second", "CPU ms"),
        [
            (
                side,
                shown(of_side, lambda sample: sample.count / sample.wall),
                shown(of_side, lambda sample: 1000 * sample.cpu / sample.count),
            )
            for side, of_side in samples.items()
        ],
    )
    known, unknown, bare = samples.values()
    return [
        Gate("L1 signing in, CPU beside the bare hash", ratio(known, bare), 1.5),
        Gate("L1 an unknown name, CPU beside a known one", ratio(unknown, known), 1.1),
    ]
