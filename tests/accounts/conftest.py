"""A clock that the tests of signing in can turn forward, and a count of password hashes."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.hashers import PortalArgon2PasswordHasher


class Clock:
    """The portal's idea of now."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._real = timezone.now

    def now(self) -> datetime:
        return self._real() + self.ahead

    def advance(self, **how_far: float) -> None:
        self.ahead += timedelta(**how_far)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", clock.now)
    return clock


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """One entry for each password hash that was computed."""
    computed: list[str] = []
    encode, verify = PortalArgon2PasswordHasher.encode, PortalArgon2PasswordHasher.verify

    def counted_encode(self, password, salt):
        computed.append("encode")
        return encode(self, password, salt)

    def counted_verify(self, password, encoded):
        computed.append("verify")
        return verify(self, password, encoded)

    monkeypatch.setattr(PortalArgon2PasswordHasher, "encode", counted_encode)
    monkeypatch.setattr(PortalArgon2PasswordHasher, "verify", counted_verify)
    return computed


@pytest.fixture(autouse=True)
def _fresh_brakes() -> Iterator[None]:
    """The loose brake per address lives in the cache, which no test database empties."""
    cache.clear()
    yield
    cache.clear()
