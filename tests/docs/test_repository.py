"""What the repository must not carry: places of one machine, addresses of package indexes, secrets."""

import re
from pathlib import Path

import pytest

from tests.docs.paper import ROOT, text_of, tracked

_PLACES = re.compile(r"(?<![\w.:/$}~-])/(?:root|work|home|Users|mnt|media)/\w")
_INDEXES = re.compile(
    r"pypi\.org|pythonhosted|registry\.npmjs|--(?:extra-)?index-url|--find-links|--trusted-host"
)
_KEYS = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bAKIA[0-9A-Z]{16}\b")
_TEXT = {
    ".py",
    ".md",
    ".html",
    ".txt",
    ".in",
    ".toml",
    ".yml",
    ".css",
    ".js",
    ".sql",
    ".sh",
    ".env",
    ".ini",
    "",
}


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in tracked("*")
        if path.suffix in _TEXT and "vendor" not in path.parts and path != Path(__file__).resolve()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_place_of_one_machine_is_written_down() -> None:
    assert lines_with(_PLACES) == []


def test_no_package_index_is_named() -> None:
    assert lines_with(_INDEXES) == []


def test_no_private_key_is_kept() -> None:
    assert lines_with(_KEYS) == []


@pytest.mark.parametrize("level", ["base", "demo", "dev"])
def test_every_package_is_pinned_by_hash_and_no_address(level: str) -> None:
    lock = text_of(f"requirements/{level}.txt")
    assert "://" not in lock
    entries = re.split(r"\n(?=\S)", lock.strip())
    loose = [
        entry.splitlines()[0]
        for entry in entries
        if not re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+", entry) or "--hash=sha256:" not in entry
    ]
    assert loose == []


def test_each_lock_contains_the_one_before_it() -> None:
    pins = [
        set(re.findall(r"^(\S+==\S+)", text_of(f"requirements/{level}.txt"), re.MULTILINE))
        for level in ("base", "demo", "dev")
    ]
    assert pins[0] <= pins[1] <= pins[2]


def test_the_patterns_find_what_they_are_for() -> None:
    assert _PLACES.search("see /root/notes")
    assert not _PLACES.search("/account/home/page")
    assert _INDEXES.search("pip install --index-url somewhere")
