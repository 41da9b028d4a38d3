"""Port choice: a busy port is noticed, and another is found."""

import socket

import pytest

from portal.ground import ports
from portal.ground.messages import GroundError


@pytest.fixture
def busy():
    with socket.socket() as server:
        server.bind((ports.LOOPBACK, 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_that_someone_listens_on_is_busy(busy: int) -> None:
    assert not ports.is_free(busy)
    assert ports.is_free(ports.any_free())


def test_a_free_wanted_port_is_kept() -> None:
    port = ports.any_free()
    assert ports.wanted_or_next(port) == port
    assert ports.remembered_or_free(port) == port


def test_a_busy_wanted_port_gives_a_later_one(busy: int) -> None:
    chosen = ports.wanted_or_next(busy)
    assert chosen > busy
    assert ports.is_free(chosen)
    assert ports.remembered_or_free(busy) != busy


def test_a_port_promised_to_another_process_is_passed_over() -> None:
    port = ports.any_free()
    assert ports.wanted_or_next(port, taken=frozenset({port})) > port


def test_no_free_port_names_the_range_and_the_way_out(busy: int) -> None:
    with pytest.raises(GroundError, match=rf"between {busy} and {busy}.*PORT"):
        ports.wanted_or_next(busy, tries=1)
