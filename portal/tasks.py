"""The portal's own background work: a heartbeat that shows the way from beat through the broker to a worker."""

from django.core.cache import cache
from django.utils import timezone

from accounts.tenant_tasks import sweep_task

HEARTBEAT_KEY = "heartbeat"
HEARTBEAT_SECONDS = 120


@sweep_task("portal.tasks.note_heartbeat")
def note_heartbeat() -> None:
    """Show that beat, broker, worker and cache work together."""
    cache.set(HEARTBEAT_KEY, timezone.now().isoformat(), HEARTBEAT_SECONDS)
