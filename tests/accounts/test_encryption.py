import pytest
from cryptography.fernet import InvalidToken
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from accounts.encryption import decrypt, encrypt, keyed_hash, matches, possible_hashes


@given(st.binary(max_size=300))
def test_what_is_encrypted_comes_back(plain: bytes) -> None:
    token = encrypt(plain)
    assert decrypt(token) == plain
    assert decrypt(memoryview(token)) == plain
    assert plain not in token or len(plain) < 4


def test_any_string_serves_as_a_key(settings: object) -> None:
    for key in ("x", "a long sentence, with ünicode", "ZGVtby1vbmx5LWZpZWxkLWtleS0tbm90LXNlY3JldC0="):
        settings.FIELD_KEYS = [key]  # type: ignore[attr-defined]
        assert decrypt(encrypt(b"secret")) == b"secret"


def test_a_new_key_in_front_still_reads_the_old(settings: object) -> None:
    settings.FIELD_KEYS = ["old"]  # type: ignore[attr-defined]
    token, code = encrypt(b"secret"), keyed_hash("code", "123456")
    settings.FIELD_KEYS = ["new", "old"]  # type: ignore[attr-defined]
    assert decrypt(token) == b"secret"
    assert matches("code", "123456", code)
    assert keyed_hash("code", "123456") != code
    assert code in possible_hashes("code", "123456")
    settings.FIELD_KEYS = ["new"]  # type: ignore[attr-defined]
    assert not matches("code", "123456", code)
    with pytest.raises(InvalidToken):
        decrypt(token)


def test_hashes_differ_by_purpose_and_value() -> None:
    assert len({keyed_hash("a", "1"), keyed_hash("a", "2"), keyed_hash("b", "1"), keyed_hash("ab", "")}) == 4
    assert not matches("a", "1", keyed_hash("b", "1"))
    assert not matches("a", "1", "")


def test_without_a_key_nothing_is_stored(settings: object) -> None:
    settings.FIELD_KEYS = []  # type: ignore[attr-defined]
    with pytest.raises(ImproperlyConfigured, match="FORECOURT_FIELD_KEYS"):
        encrypt(b"secret")
