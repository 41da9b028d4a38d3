"""A cache that may be lost: when Redis is away, every look-up misses and every write is dropped, with a log line.

Nothing that must hold lives here: locks, counters, payments and sessions are rows.
"""

import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)


class OutageTolerantRedisCache(RedisCache):
    """Django's Redis cache, answering as an empty one while Redis does not answer."""

    def _try(self, name: str, default: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return getattr(super(), name)(*args, **kwargs)
        except (RedisError, OSError):
            logger.warning("The cache did not answer", extra={"operation": name})
            return default

    def add(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._try("add", True, *args, **kwargs))

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._try("get", default, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> None:
        self._try("set", None, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._try("touch", False, *args, **kwargs))

    def delete(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._try("delete", False, *args, **kwargs))

    def get_many(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(self._try("get_many", {}, *args, **kwargs))

    def has_key(self, *args: Any, **kwargs: Any) -> bool:
        return bool(self._try("has_key", False, *args, **kwargs))

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> int:
        return int(self._try("incr", delta, key, delta, version))

    def set_many(self, *args: Any, **kwargs: Any) -> list[Any]:
        return list(self._try("set_many", [], *args, **kwargs) or [])

    def delete_many(self, *args: Any, **kwargs: Any) -> None:
        self._try("delete_many", None, *args, **kwargs)

    def clear(self) -> None:
        self._try("clear", None)
