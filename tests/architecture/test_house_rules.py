"""Rules that a linter does not know: no float near money, no clock inside a rule, nothing from elsewhere on a page."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = ("accounts", "finance", "payments", "support", "portal")
MONEY = ("finance", "payments")
# The edges know what time it is; everything below is told.
EDGES = (
    "views",
    "admin",
    "forms",
    "tasks",
    "management",
    "middleware",
    "webhooks",
    "gateways",
    "demo",
    "sandbox_bank",
)


def tracked(*patterns: str) -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    return [ROOT / name for name in listing.splitlines() if (ROOT / name).is_file()]


def modules(*apps: str) -> Iterator[tuple[Path, ast.Module]]:
    for app in apps:
        for path in sorted((ROOT / app).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def name_of(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def called(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield name_of(node.func), node.lineno


def test_no_float_comes_near_money() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path, tree in modules(*MONEY)
        for name, line in called(tree)
        if name == "float" or name.endswith(("FloatField", "from_float"))
    ]
    assert found == []


def test_no_float_literal_stands_in_a_rule_of_money() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in modules("finance")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, float)
    ]
    assert found == []


def test_rules_are_told_the_date() -> None:
    clocks = (
        "date.today",
        "datetime.now",
        "timezone.now",
        "datetime.today",
        "timezone.localdate",
        "time.time",
    )
    found = [
        f"{path.relative_to(ROOT)}:{line} {name}"
        for path, tree in modules("finance", "payments")
        if not set(path.relative_to(ROOT).with_suffix("").parts) & set(EDGES)
        for name, line in called(tree)
        if name in clocks
    ]
    assert found == []


def test_rounding_has_one_function() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path, tree in modules(*MONEY)
        # Year parts and growth factors are exact numerators with places of their own, not amounts; formatting shows.
        if path not in {ROOT / "finance" / "money.py", ROOT / "finance" / "formatting.py"}
        # Shares and effective costs are rates shown to people, never posted.
        if path.name not in {"lines.py", "account_page.py", "printing.py"}
        if "interest" not in path.parts
        for name, line in called(tree)
        if name.endswith(".quantize")
    ]
    assert found == []


def test_no_form_offers_rows_of_everybody() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{keyword.value.lineno}"
        for path, tree in modules(*APPS)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and name_of(node.func).endswith(("ModelChoiceField", "ModelMultipleChoiceField"))
        for keyword in node.keywords
        if keyword.arg == "queryset" and isinstance(keyword.value, ast.Call)
        if name_of(keyword.value.func).endswith(".all")
    ]
    assert found == []


@pytest.mark.parametrize("word", ["utils", "helpers", "common", "services", "misc", "signals"])
def test_no_room_is_named_after_nothing(word: str) -> None:
    found = [path for app in APPS for path in tracked(f"{app}/*.py") if "ground" not in path.parts]
    assert [path for path in found if path.stem == word or word in path.relative_to(ROOT).parts] == []


def test_no_template_carries_script_or_style_of_its_own() -> None:
    inline = re.compile(r"<script>|<style|\son[a-z]+=\"|\sstyle=\"", re.IGNORECASE)
    # Mail programs know no style sheets, and a document has no policy; nothing there runs.
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in tracked("templates/*.html")
        if "emails" not in path.parts and not path.stem.endswith("_pdf")
        for match in inline.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_page_asks_another_host() -> None:
    elsewhere = re.compile(
        r"(?:src|href|action|url)\s*[=(]\s*[\"']?(?:https?:)?//(?!www\.w3\.org)", re.IGNORECASE
    )
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in tracked("templates/*.html", "static/portal/*", "static/finance/*")
        if path.suffix in {".html", ".css", ".js"}
        for match in elsewhere.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_form_that_posts_carries_its_token() -> None:
    forms = re.compile(r"<form\b[^>]*method=\"post\"[^>]*>(?P<rest>.{0,400})", re.IGNORECASE | re.DOTALL)
    found = [
        str(path.relative_to(ROOT))
        for path in tracked("templates/*.html")
        for match in forms.finditer(path.read_text(encoding="utf-8"))
        if "csrf_token" not in match.group("rest")
    ]
    assert found == []


def test_nothing_is_left_for_later() -> None:
    words = re.compile(r"\b(TODO|FIXME|NotImplementedError)\b")
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in tracked("*.py", "*.html", "*.js", "*.css", "Makefile")
        if "vendor" not in path.parts and path != Path(__file__).resolve()
        for match in words.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_no_test_is_skipped() -> None:
    skipping = re.compile(r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b|@unittest\.skip")
    found = [
        str(path.relative_to(ROOT))
        for path in tracked("tests/*.py")
        if path != Path(__file__).resolve() and skipping.search(path.read_text(encoding="utf-8"))
    ]
    assert found == []
