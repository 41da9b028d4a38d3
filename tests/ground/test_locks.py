"""The lock files: complete, hashed, and free of any host's name."""

import re

import pytest

from portal.ground import places

LOCKS = sorted((places.CHECKOUT / "requirements").glob("*.txt"))
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)")


def pins(name: str) -> dict[str, str]:
    text = (places.CHECKOUT / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
    return {match[1]: match[2] for line in text.splitlines() if (match := PIN.match(line))}


def test_there_is_a_lock_for_each_list_of_requirements() -> None:
    lists = {path.stem for path in (places.CHECKOUT / "requirements").glob("*.in")}
    assert {path.stem for path in LOCKS} == lists == {"base", "demo", "dev"}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_host(lock) -> None:
    assert "://" not in lock.read_text(encoding="utf-8")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_pinned_package_has_a_hash(lock) -> None:
    entries = re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8").strip())
    assert len(entries) > 30
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize(("smaller", "larger"), [("base", "demo"), ("demo", "dev")])
def test_a_larger_lock_holds_the_smaller_one_at_the_same_versions(smaller: str, larger: str) -> None:
    assert pins(smaller).items() <= pins(larger).items()


def test_the_lock_covers_the_python_of_debian_12() -> None:
    """Python 3.11.2 needs a package that 3.11.3 does not; a lock made for one patch version alone would lack it."""
    assert "async-timeout" in pins("base")
