"""Health: alive, and ready to do the whole work."""

import pytest
from django.core.cache import cache
from django.db import OperationalError, connection
from django.test import Client

from portal.tasks import HEARTBEAT_KEY, note_heartbeat
from tests.cast import Cast

pytestmark = pytest.mark.django_db


def test_alive_asks_nothing(client: Client) -> None:
    assert client.get("/health/live/").json() == {"status": "ok"}


def test_ready_when_a_worker_has_noted_its_heartbeat(cast: Cast, client: Client) -> None:
    note_heartbeat()
    answer = client.get("/health/ready/")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok", "worker": "ok"}


def test_not_ready_without_a_worker(cast: Cast, client: Client) -> None:
    cache.delete(HEARTBEAT_KEY)
    answer = client.get("/health/ready/")
    assert answer.status_code == 503
    assert answer.json()["worker"].startswith("no heartbeat")


def test_not_ready_without_a_broker(cast: Cast, client: Client, settings: pytest.FixtureRequest) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    assert client.get("/health/ready/").json()["broker"] == "does not answer"


def test_not_ready_while_no_lender_is_entered(client: Client) -> None:
    note_heartbeat()
    answer = client.get("/health/ready/")
    assert answer.status_code == 503
    assert answer.json()["database"] == "has no lender"


def test_not_ready_without_a_database(cast: Cast, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    note_heartbeat()

    def broken() -> None:
        raise OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(connection, "cursor", broken)
    answer = client.get("/health/ready/")
    assert answer.status_code == 503
    assert answer.json()["database"] == "does not answer"
    assert client.get("/health/live/").status_code == 200
