"""The portal's own background work: a heartbeat that shows the way from beat through the broker to a worker."""

from celery import shared_task
from django.core.cache import cache
from django.utils import timezone

HEARTBEAT_KEY = "heartbeat"
HEARTBEAT_SECONDS = 120


def _note_heartbeat() -> None:
    cache.set(HEARTBEAT_KEY, timezone.now().isoformat(), HEARTBEAT_SECONDS)


note_heartbeat = shared_task(name="portal.tasks.note_heartbeat", opens_tenant=False)(_note_heartbeat)
