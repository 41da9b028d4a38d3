"""The look of the house: one family, quiet colours, no decoration, plain words, every part on one page."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from django.conf import settings

from tests.cast import Cast, anonymous

STATIC: Path = settings.BASE_DIR / "static"
TEMPLATES: Path = settings.BASE_DIR / "templates"
OWN_SHEETS = sorted(
    sheet
    for folder in ("portal", "accounts", "finance", "payments", "support")
    for sheet in (STATIC / folder).rglob("*.css")
)


def declared(name: str) -> Iterator[tuple[str, str]]:
    """Every value of a property in the style sheets of the house, with the sheet's name."""
    for sheet in OWN_SHEETS:
        text = re.sub(r"/\*.*?\*/", "", sheet.read_text(), flags=re.DOTALL)
        for value in re.findall(rf"(?<![\w-]){name}:\s*([^;}}]+)", text):
            yield sheet.name, value.strip()


@pytest.mark.django_db
def test_the_page_of_components_shows_every_part_to_anybody(cast: Cast) -> None:
    answer = anonymous(cast.lender).get("/components/")
    assert answer.status_code == 200
    drawn = {template.name for template in answer.templates}
    parts = {f"components/{page.name}" for page in (TEMPLATES / "components").glob("*.html")}
    # Errors of a field and messages stand only where something was sent.
    assert parts - drawn <= {
        "components/_field_error.html",
        "components/_messages.html",
        "components/_session_hint.html",
    }
    sent = anonymous(cast.lender).post("/components/", {"vin": "12"})
    assert sent.status_code == 400
    assert "components/_field_error.html" in {template.name for template in sent.templates}
    assert 'value="12"' in sent.content.decode()


def test_weights_are_three_and_numerals_stand_in_columns() -> None:
    weights = {value for _sheet, value in declared("font-weight")}
    assert weights <= {"400", "500", "600", "400 600", "inherit", "var(--font-weight-normal)"}, weights
    table = (STATIC / "portal/css/portal.css").read_text()
    assert re.search(r"\.table \.amount[^{]*\{[^}]*text-align: right[^}]*tabular-nums", table)


def test_nothing_moves_longer_than_a_moment() -> None:
    tokens = (STATIC / "portal/css/tokens.css").read_text()
    quick = re.search(r"--quick: (\d+)ms", tokens)
    assert quick
    assert int(quick[1]) <= 150
    for sheet, value in declared("transition"):
        assert value.startswith("none") or re.fullmatch(r"(?:[\w-]+ var\(--quick\)(?:, )?)+", value), (
            sheet,
            value,
        )
    assert not [found for found in declared("animation") if found[1] != "none"]
    assert "prefers-reduced-motion" in (STATIC / "portal/css/portal.css").read_text()


def fades(value: str) -> bool:
    """Whether one colour runs into another; an edge drawn with a gradient has two colours at one place."""
    for inner in re.findall(r"gradient\(((?:[^()]|\([^()]*\))*)\)", value):
        stops = [part.strip().rsplit(" ", 1) for part in inner.split(", ")[1:]]
        if any(one[0] != other[0] and one[1] != other[1] for one, other in pairwise(stops)):
            return True
    return False


def test_a_fade_is_seen() -> None:
    assert fades("linear-gradient(90deg, var(--ink) 0%, var(--line) 100%)")
    assert not fades("linear-gradient(90deg, var(--ink) 50%, var(--line) 50%)")


def test_there_are_no_shadows_and_no_gradients() -> None:
    for sheet, value in declared("box-shadow"):
        # A row may carry its ground a little further; nothing is blurred.
        plain = re.sub(r"calc\([^()]*(?:\([^()]*\)[^()]*)*\)", "0", value)
        assert not re.search(r"(?<![\w-])(?:-?\d+(?:px)? ){2}[1-9]", plain), (sheet, value)
    for name in ("background", "background-image"):
        for sheet, value in declared(name):
            assert not fades(value), (sheet, value)


def test_words_are_plain() -> None:
    page_words = [
        (path, words)
        for path in TEMPLATES.rglob("*")
        if path.suffix in {".html", ".txt", ".subject"}
        for words in re.findall(
            r"{%\s*translate\s+[\"'](.*?)[\"']|{%\s*blocktranslate.*?%}(.*?){%\s*endblocktranslate|_\([\"'](.*?)[\"']\)",
            path.read_text(),
            flags=re.DOTALL,
        )
    ]
    code_words = [
        (path, (words,))
        for app in ("accounts", "finance", "payments", "support", "portal")
        for path in (settings.BASE_DIR / app).rglob("*.py")
        for words in re.findall(r"(?<!\w)_(?:now)?\(\s*((?:f?\"[^\"]*\"\s*)+)", path.read_text())
    ]
    assert len(page_words) > 400
    assert len(code_words) > 400
    wrong = [
        (path.name, word)
        for path, found in (*page_words, *code_words)
        for word in found
        if re.search(r"\b(submit|oops|successfully)\b", word, flags=re.IGNORECASE)
    ]
    assert wrong == []
