"""Secrets that must be readable again (second-factor keys, account numbers), and keyed hashes of those that must not.

The keys come from the environment (`FORECOURT_FIELD_KEYS`, newest first) and never touch the database: a stolen backup
alone opens nothing. Any string serves as a key; what encrypts and what hashes is derived from it (HKDF-SHA256).
"""

import base64
import hmac
from functools import lru_cache
from hashlib import sha256

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


def encrypt(plain: bytes) -> bytes:
    """`plain`, readable only with a field key; the newest key is used."""
    return _fernet(_field_keys()).encrypt(plain)


def decrypt(token: bytes | memoryview) -> bytes:
    """What was encrypted, with any of the present keys; raises cryptography's InvalidToken otherwise."""
    return _fernet(_field_keys()).decrypt(bytes(token))


def keyed_hash(purpose: str, value: str) -> str:
    """64 hexadecimal characters that nobody can compute or guess from without a field key.

    `purpose` separates uses: the same value hashed for another purpose gives something else.
    """
    return _hash(_field_keys()[0], purpose, value)


def matches(purpose: str, value: str, stored: str) -> bool:
    """Whether `stored` is the keyed hash of `value`, under any present key, compared in constant time."""
    found = False
    for candidate in possible_hashes(purpose, value):
        found |= hmac.compare_digest(candidate, stored)
    return found


def possible_hashes(purpose: str, value: str) -> list[str]:
    """The hash of `value` under each present key, for a look-up."""
    return [_hash(key, purpose, value) for key in _field_keys()]


def _field_keys() -> tuple[str, ...]:
    if not settings.FIELD_KEYS:
        raise ImproperlyConfigured("Set FORECOURT_FIELD_KEYS to at least one long random string.")
    return tuple(settings.FIELD_KEYS)


@lru_cache(maxsize=4)
def _fernet(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_derive(key, b"encryption"))) for key in keys])


def _hash(key: str, purpose: str, value: str) -> str:
    return hmac.new(_derive(key, b"hashing"), f"{purpose}\x00{value}".encode(), sha256).hexdigest()


@lru_cache(maxsize=16)
def _derive(key: str, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"forecourt field keys: " + use).derive(
        key.encode()
    )
