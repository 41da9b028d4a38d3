"""Where a request came from, counted past our own proxies."""

import pytest
from django.test import RequestFactory, override_settings

from accounts.addresses import client_address


def address(proxies: int, forwarded: str | None, peer: str = "10.0.0.1") -> str | None:
    headers = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    with override_settings(TRUSTED_PROXY_COUNT=proxies):
        return client_address(RequestFactory().get("/", REMOTE_ADDR=peer, **headers))


@pytest.mark.parametrize(
    ("proxies", "forwarded", "found"),
    [
        (0, None, "10.0.0.1"),
        (0, "6.6.6.6", "10.0.0.1"),
        (1, "203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6, 203.0.113.9", "203.0.113.9"),
        (1, "6.6.6.6,,  203.0.113.9 ,", "203.0.113.9"),
        (2, "6.6.6.6, 203.0.113.9, 10.0.0.7", "203.0.113.9"),
        # Somebody who came past the proxies has no entry of theirs; what counts is who spoke to us.
        (2, "203.0.113.9", "10.0.0.1"),
        (1, None, "10.0.0.1"),
        (1, "not an address", None),
        (1, "203.0.113.9:4711", None),
        (1, "2001:db8::1", "2001:db8::1"),
        (1, "2001:0DB8:0:0::1", "2001:db8::1"),
        (1, "::ffff:203.0.113.9", "203.0.113.9"),
        (1, "fe80::1%eth0", "fe80::1"),
        (1, "x" * 5000, None),
    ],
)
def test_the_entry_before_our_own_proxies_counts(
    proxies: int, forwarded: str | None, found: str | None
) -> None:
    assert address(proxies, forwarded) == found


@pytest.mark.parametrize(
    ("peer", "found"), [("", None), ("fe80::1%2", "fe80::1"), ("::ffff:198.51.100.7", "198.51.100.7")]
)
def test_a_server_may_name_its_peer_in_its_own_way(peer: str, found: str | None) -> None:
    assert address(0, None, peer) == found
