"""Documents point to what is there."""

import importlib
import re
from pathlib import Path

import pytest

from accounts.permissions import MATRIX
from tests.docs.paper import ROOT, anchors, code, documents, links, text_of

FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}
_NAME = re.compile(r"(?:accounts|finance|payments|support|portal)(?:\.\w+)+")


def broken(page: Path, root: Path = ROOT) -> list[str]:
    wrong = []
    for link in links(text_of(page)):
        target, _, anchor = link.partition("#")
        if "://" in target:
            wrong.append(f"{link} leads out")
            continue
        found = (page.parent / target).resolve() if target else page
        if not found.exists() or not found.is_relative_to(root):
            wrong.append(f"{link} is not there")
        elif anchor and anchor not in anchors(found.read_text(encoding="utf-8")):
            wrong.append(f"{link} has no such heading")
    return wrong


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Here\n[a](nowhere.md) [b](#there) [c](#here) [d](../elsewhere.md)", encoding="utf-8")
    (tmp_path.parent / "elsewhere.md").write_text("", encoding="utf-8")
    assert broken(page, tmp_path) == [
        "nowhere.md is not there",
        "#there has no such heading",
        "../elsewhere.md is not there",
    ]


def test_every_document_is_reached_from_the_first() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        for link in links(page.read_text(encoding="utf-8")):
            target = (page.parent / link.partition("#")[0]).resolve()
            waiting += target.glob("*.md") if target.is_dir() else [target] if target.suffix == ".md" else []
    assert [str(page.relative_to(ROOT)) for page in documents() if page not in reached] == []


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page: Path) -> None:
    named = [word for word in code(text_of(page)) if word.partition("/")[0] in FOLDERS and "/" in word]
    missing = [word for word in named if " " not in word and not list(ROOT.glob(word.rstrip("/")))]
    assert missing == []


@pytest.mark.parametrize("page", documents(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_of_the_code_exists(page: Path) -> None:
    missing = []
    for word in code(text_of(page)):
        if not _NAME.fullmatch(word) or word in MATRIX:
            continue
        parts = word.split(".")
        found = None
        for length in range(len(parts), 0, -1):
            try:
                found = importlib.import_module(".".join(parts[:length]))
            except ModuleNotFoundError:
                continue
            for name in parts[length:]:
                found = getattr(found, name, None)
            break
        if found is None:
            missing.append(word)
    assert missing == []
