"""Health for load balancers and operators: alive, and ready to do the whole work."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import Error, connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis import Redis
from redis.exceptions import RedisError

from portal.tasks import HEARTBEAT_KEY


@transaction.non_atomic_requests
def live(request: HttpRequest) -> HttpResponse:
    """200 while the process answers; it asks nothing else."""
    return JsonResponse({"status": "ok"})


@transaction.non_atomic_requests
def ready(request: HttpRequest) -> HttpResponse:
    """200 when database, broker and a worker's heartbeat are there; 503 naming what is not."""
    checks: dict[str, Callable[[], Any]] = {"database": _database, "broker": _broker, "worker": _worker}
    states = {name: check() for name, check in checks.items()}
    healthy = all(state == "ok" for state in states.values())
    return JsonResponse({"status": "ok" if healthy else "failing", **states}, status=200 if healthy else 503)


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM accounts_lenderhost")
            (hosts,) = cursor.fetchone()
    except Error:
        return "does not answer"
    return "ok" if hosts else "has no lender"


def _broker() -> str:
    try:
        with Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=1) as broker:
            broker.ping()
    except (RedisError, OSError):
        return "does not answer"
    return "ok"


def _worker() -> str:
    """A heartbeat goes from beat through the broker to a worker and into the cache, and is younger than two minutes."""
    return "ok" if cache.get(HEARTBEAT_KEY) else "no heartbeat from a worker in two minutes"
