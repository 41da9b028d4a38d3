"""Reads the documents: their text, links, tables and code blocks."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"`([^`\n]+)`")
_MANY = 20


def tracked(*patterns: str) -> list[Path]:
    """Files of the repository, those not yet committed included."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    found = sorted({ROOT / name for name in listing.splitlines() if (ROOT / name).is_file()})
    assert found, patterns
    return found


def documents() -> list[Path]:
    """Every document."""
    found = [path for path in tracked("*.md") if "vendor" not in path.parts]
    assert len(found) > _MANY
    return found


def text_of(name: str | Path) -> str:
    """The text of a document, named from the root."""
    return (ROOT / name).read_text(encoding="utf-8")


def section(name: str, title: str) -> str:
    """What stands below one heading, up to the next of its rank."""
    found = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^\1 |\Z)", text_of(name), re.DOTALL | re.MULTILINE)
    assert found, f"{name} has no heading {title!r}"
    return found.group(2)


def links(text: str) -> list[str]:
    """Where a document's links and pictures point."""
    return _LINK.findall(_FENCE.sub("", text))


def code(text: str) -> list[str]:
    """Everything set as code within a line."""
    return _CODE.findall(_FENCE.sub("", text))


def blocks(text: str, language: str) -> list[str]:
    """The code blocks of a language, without the indentation of a list that they stand in."""
    found = []
    for name, content in _FENCE.findall(text):
        if name == language:
            lines = content.splitlines()
            margin = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
            found.append("\n".join(line[margin:] for line in lines))
    return found


def rows(text: str, first_heading: str) -> list[list[str]]:
    """The rows of the table whose first column has that heading; several such tables are read as one."""
    found: list[list[str]] = []
    inside = False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.lstrip().startswith("|"):
            inside = False
        elif cells[0] == first_heading:
            inside = True
        elif inside and not re.fullmatch(r"[|: -]+", line.strip()):
            found.append(cells)
    assert found, f"no table with {first_heading!r}"
    return found


def anchors(text: str) -> set[str]:
    """The anchors that a page of Markdown offers."""
    titles = re.findall(r"^#+ (.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}
