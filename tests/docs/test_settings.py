"""Every variable is documented, with its default, and every documented one is read."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.docs.paper import ROOT, code, rows, section, text_of, tracked

PAGE = "docs/operators/settings.md"
_READERS = {"text", "flag", "number", "words"}


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def settings_read(path: Path) -> dict[str, ast.expr | None]:
    """Everything read by `environment.text` and its kin, with its default as written (None: required)."""
    found: dict[str, ast.expr | None] = {}
    for node in ast.walk(tree_of(path)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in _READERS
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "environment"
            and isinstance(node.args[0], ast.Constant)
        ):
            default = node.args[1] if len(node.args) > 1 else None
            found[node.args[0].value] = default
    return found


def names_read(path: Path) -> Iterator[str]:
    """Names taken from `os.environ` itself."""
    for node in ast.walk(tree_of(path)):
        key: ast.expr | None = None
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            key = node.slice if ast.unparse(node.value) == "os.environ" else None
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "os.environ.get":
            key = node.args[0]
        if isinstance(key, ast.Constant):
            yield str(key.value)


def documented(title: str) -> dict[str, list[str]]:
    return {cells[0].strip("`"): cells[1:] for cells in rows(section(PAGE, title), "Variable")}


def portal_settings() -> dict[str, list[str]]:
    return documented("The portal") | documented("Mail, bank, scanner")


def written(default: ast.expr | None) -> str | None:
    """How the page writes a default; None where it is put together and the page says it in words."""
    if default is None:
        return "required"
    if not isinstance(default, ast.Constant):
        return None
    if isinstance(default.value, bool):
        return f"`{'yes' if default.value else 'no'}`"
    return f"`{default.value!s}`" if default.value != "" else "none"


def test_the_page_lists_what_the_settings_read() -> None:
    assert set(portal_settings()) == set(settings_read(ROOT / "portal/settings/base.py"))


def test_the_page_gives_the_defaults_of_the_code() -> None:
    read = settings_read(ROOT / "portal/settings/base.py")
    wrong = {
        name: (cells[0], written(read[name]))
        for name, cells in portal_settings().items()
        if written(read[name]) not in {None, cells[0]}
    }
    assert wrong == {}


def test_other_variables_are_documented_where_they_are_read() -> None:
    everywhere = {re.sub(r"=.*", "", word) for page in tracked("docs/*.md") for word in code(text_of(page))}
    read = {
        name
        for path in tracked("portal/*.py", "finance/*.py", "tests/*.py", "bench/*.py", "docs/*.py")
        for name in (*names_read(path), *settings_read(path))
    }
    assert sorted(read - everywhere) == []


def test_documented_variables_of_demo_and_tests_are_read() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in tracked("portal/*.py", "tests/*.py", "Makefile")
    )
    assert [name for name in documented("Demo and tests") if name not in sources] == []


def test_compose_asks_for_nothing_that_is_not_documented() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", text_of("docker-compose.yml")))
    own = set(documented("Docker Compose"))
    assert asked - set(portal_settings()) == own


def test_the_example_lists_every_value_that_compose_requires() -> None:
    required = set(re.findall(r"\$\{([A-Z_]+):\?", text_of("docker-compose.yml")))
    offered = set(re.findall(r"^([A-Z_]+)=", text_of("docker/example.env"), re.MULTILINE))
    assert required == offered
