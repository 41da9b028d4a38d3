"""The parts that pages are made of say the same to eyes, ears and scripts."""

import hashlib
import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.template import Context, Template, TemplateSyntaxError
from django.test import RequestFactory

from accounts.models import Lender
from finance.forms import MoneyField

SUMMIT = Lender(
    name="Summit", currency="USD", locale="en_US", time_zone="America/Denver", accent_colour="#14532d"
)
LUMIERE = Lender(
    name="Lumiere", currency="EUR", locale="fr_FR", time_zone="Europe/Paris", accent_colour="#f5b301"
)


def draw(source: str, path: str = "/units/", lender: Lender = SUMMIT, **context: Any) -> str:
    """Render tags as a page would."""
    request = RequestFactory().get(path)
    template = Template("{% load i18n components %}" + source)
    return template.render(Context({"lender": lender, "request": request, **context}))


class PayForm(forms.Form):
    stock = forms.CharField(label="Stock number", min_length=4, help_text="On the key tag.")
    how = forms.ChoiceField(
        label="What to pay", widget=forms.RadioSelect, choices=[("due", "Due"), ("all", "All")]
    )
    code = forms.CharField(
        label="Code", required=False, widget=forms.TextInput({"autocomplete": "one-time-code"})
    )
    password = forms.CharField(label="Password", required=False, widget=forms.PasswordInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["amount"] = MoneyField(
            lender=SUMMIT, label="Amount", at_least=Decimal("0.01"), at_most=Decimal(500)
        )


# --- one value ---------------------------------------------------------------------------------------------------


def test_days_in_a_stored_sentence_are_written_as_dates() -> None:
    rule = "Interest through 2026-06-30, 4-2026-06-301, <b>2026-13-01</b>"
    source = "{% with_dates rule %}"
    assert draw(source, rule=rule) == (
        "Interest through Jun 30, 2026, 4-2026-06-301, &lt;b&gt;2026-13-01&lt;/b&gt;"
    )
    assert draw(source, "/units/", LUMIERE, rule="Interest through 2026-06-30").endswith("30 juin 2026")


def test_the_lender_decides_how_values_are_written() -> None:
    values = {"amount": Decimal("-1234.5"), "day": date(2026, 11, 3), "rate": Decimal("0.0675")}
    source = "{% money amount %}|{% date day %}|{% rate rate %}|{% count 12034 %}"
    assert draw(source, **values) == (
        '-$1,234.50|<time datetime="2026-11-03">Nov 3, 2026</time>|6.75%|12,034'
    )
    assert draw(source, lender=LUMIERE, **values) == (
        '-1\u202f234,50\u00a0\u20ac|<time datetime="2026-11-03">3 nov. 2026</time>|6,75\u00a0%|12\u202f034'
    )


def test_a_missing_value_is_a_dash_and_never_zero() -> None:
    assert (
        draw("{% money nothing %}{% date nothing %}{% rate nothing %}{% moment nothing %}", nothing=None)
        == "\u2013" * 4
    )


def test_an_instant_shows_the_lenders_day_and_zone() -> None:
    late = datetime(2026, 11, 3, 2, 30, tzinfo=UTC)
    assert "Nov 2, 2026, 7:30\u00a0PM MST" in draw("{% moment at %}", at=late)
    assert "Nov 2, 2026" in draw("{% date at %}", at=late)
    assert draw("{% date_text at 'weekday' %}", at=late) == "Mon, Nov 2, 2026"


def test_a_tag_without_a_lender_says_what_is_missing() -> None:
    with pytest.raises(TemplateSyntaxError, match="lender"):
        draw("{% money amount %}", lender=None, amount=Decimal(1))  # type: ignore[arg-type]


def test_a_state_is_a_word_with_a_shape() -> None:
    drawn = draw('{% status "returned" %}')
    assert "Returned" in drawn
    assert 'href="#shape-bad"' in drawn
    own = draw('{% status "title_missing" label="Title missing" tone="warn" %}')
    assert "Title missing" in own
    assert 'href="#shape-warn"' in own


def test_an_invented_tone_is_refused() -> None:
    with pytest.raises(TemplateSyntaxError, match="tone"):
        draw('{% status "x" tone="purple" %}')


def test_every_shape_that_a_state_uses_is_drawn_in_the_page() -> None:
    sprite = (settings.BASE_DIR / "templates/components/_shapes.html").read_text()
    for tone in ("good", "busy", "wait", "warn", "bad", "off"):
        assert f'id="shape-{tone}"' in sprite


# --- forms ---------------------------------------------------------------------------------------------------------


def refused() -> PayForm:
    form = PayForm({"stock": "T1", "amount": "12,34"})
    assert not form.is_valid()
    return form


def test_the_summary_links_each_problem_to_its_control() -> None:
    drawn = draw("{% error_summary form %}", form=refused())
    assert 'tabindex="-1"' in drawn
    assert '<a href="#id_stock">“Stock number” needs at least 4 characters; you entered 2.</a>' in drawn
    assert '<a href="#id_how_0">Choose an answer for “What to pay”.</a>' in drawn
    assert '<a href="#id_amount">This amount can be read in two ways. Write it like 1,234.56.</a>' in drawn


def test_there_is_no_summary_while_nothing_is_wrong() -> None:
    assert "error-summary" not in draw("{% error_summary form %}", form=PayForm())


def test_a_wrong_field_keeps_what_was_typed_and_is_tied_to_its_words() -> None:
    drawn = draw("{% field form.stock %}{% field form.amount %}", form=refused())
    assert 'value="T1"' in drawn
    assert 'value="12,34"' in drawn
    assert 'aria-describedby="id_stock_hint id_stock_error"' in drawn
    assert 'id="id_stock_error"' in drawn
    assert drawn.count('aria-invalid="true"') == 2


def test_a_password_is_not_sent_back_and_can_be_shown() -> None:
    form = PayForm({"password": "secret words here"})
    form.is_valid()
    drawn = draw("{% field form.password %}", form=form)
    assert "secret words here" not in drawn
    assert "data-show-password" in drawn
    assert "data-caps-lock" in drawn


def test_a_code_and_an_amount_ask_for_the_right_keys() -> None:
    drawn = draw("{% field form.code %}{% field form.amount %}", form=PayForm())
    assert 'inputmode="numeric"' in drawn
    assert 'autocomplete="one-time-code"' in drawn
    assert 'inputmode="decimal"' in drawn


def test_an_optional_field_says_so() -> None:
    assert "(optional)" in draw("{% field form.code %}", form=PayForm())
    assert "(optional)" not in draw("{% field form.stock %}", form=PayForm())


@pytest.mark.parametrize(
    ("typed", "words"),
    [("0", "Enter $0.01 or more."), ("500.01", "Enter $500.00 or less."), ("€5", "Amounts here are in USD.")],
)
def test_an_amount_out_of_bounds_names_the_bound(typed: str, words: str) -> None:
    form = PayForm({"stock": "T1000", "how": "due", "amount": typed})
    assert not form.is_valid()
    assert words in draw("{% error_summary form %}", form=form)


def test_a_good_amount_is_an_exact_decimal() -> None:
    form = PayForm({"stock": "T1000", "how": "due", "amount": "$125.23"})
    assert form.is_valid(), form.errors
    assert form.cleaned_data["amount"] == Decimal("125.23")


def test_typed_markup_is_text() -> None:
    form = PayForm({"stock": '<b onclick="x">', "how": "due", "amount": "<i>"})
    form.is_valid()
    drawn = draw("{% error_summary form %}{% fields form %}", form=form)
    assert "<b onclick" not in drawn
    assert "<i>" not in drawn


# --- tables ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "state", "target"),
    [
        ("/units/", "none", "?sort=due"),
        ("/units/?sort=due", "ascending", "?sort=-due"),
        ("/units/?sort=-due", "descending", "?sort=due"),
    ],
)
def test_a_head_says_how_it_sorts_and_sorts_the_other_way(path: str, state: str, target: str) -> None:
    drawn = draw('{% column "Due" sort="due" %}', path)
    assert f'aria-sort="{state}"' in drawn
    assert f'href="{target}"' in drawn


def test_sorting_keeps_the_filter_and_begins_at_the_first_page() -> None:
    drawn = draw('{% column "Due" sort="due" %}', "/units/?show=overdue&page=3")
    assert 'href="?show=overdue&amp;sort=due"' in drawn


def test_a_table_has_a_caption_and_a_named_region() -> None:
    drawn = draw('{% tableframe caption="Units" id="units" code="USD" %}<tbody></tbody>{% endtableframe %}')
    assert '<caption id="units-caption">Units <span class="table__code">USD</span></caption>' in drawn
    assert 'role="region" aria-labelledby="units-caption"' in drawn


def test_a_chosen_row_carries_whole_cents() -> None:
    drawn = draw(
        "{% select_row name='unit' value=7 label='Civic' amount=amount %}", amount=Decimal("18250.37")
    )
    assert 'data-minor="1825037"' in drawn
    assert "Select Civic" in drawn


def test_a_row_that_cannot_be_chosen_says_why() -> None:
    drawn = draw("{% select_row name='unit' value=7 label='Civic' reason='A payment is being checked.' %}")
    assert "<input" not in drawn
    assert "A payment is being checked." in drawn


def test_the_bar_knows_how_the_lender_writes_money() -> None:
    drawn = draw(
        "{% actionbar matching=214 matching_amount=sum %}<button>Pay</button>{% endactionbar %}",
        lender=LUMIERE,
        sum=Decimal("10.50"),
    )
    assert 'data-group="\u202f"' in drawn
    assert 'data-point=","' in drawn
    assert 'data-minor="1050"' in drawn
    assert "All 214 that match" in drawn


def test_pages_keep_filter_and_sort() -> None:
    page = Paginator(range(100), 10).page(4)
    drawn = draw("{% pagination page %}", "/units/?show=due&sort=-due&page=4", page=page)
    assert "31\u201340 of 100" in drawn
    assert 'href="?show=due&amp;sort=-due&amp;page=5"' in drawn
    assert drawn.count('aria-current="page"') == 1


def test_an_empty_table_has_no_pages() -> None:
    drawn = draw("{% pagination page %}", page=Paginator([], 10).page(1))
    assert "None" in drawn
    assert "<ul>" not in drawn


def test_the_search_keeps_the_other_choices() -> None:
    drawn = draw("{% filters search=True %}", "/units/?show=due&q=a20&page=2")
    assert '<input type="hidden" name="show" value="due">' in drawn
    assert 'value="a20"' in drawn
    assert 'name="page"' not in drawn


# --- the rest ------------------------------------------------------------


def test_a_chart_has_its_table_and_exact_texts() -> None:
    data = {
        "kind": "line",
        "head": "Day",
        "labels": ["Nov 1", "Nov 2"],
        "series": [
            {"label": "Used </script>", "values": [Decimal("1.10"), Decimal(2)], "texts": ["$1.10", "$2.00"]}
        ],
    }
    drawn = draw('{% chart id="use" title="Line use" data=data %}', data=data)
    assert '<th scope="row">Nov 1</th><td class="amount">$1.10</td>' in drawn
    payload = re.search(r'<script type="application/json">(.*?)</script>', drawn)
    assert payload
    assert json.loads(payload[1])["series"][0]["values"] == ["1.10", "2"]
    # The axis is written in the lender's way, as the table is.
    assert json.loads(payload[1])["locale"] == "en-US"


def test_a_running_job_asks_for_itself_and_a_finished_one_does_not() -> None:
    running = draw('{% progress id="b" url="/jobs/1/" label="Statements" done=3 total=9 %}')
    assert 'hx-get="/jobs/1/"' in running
    assert "3 of 9" in running
    for state in ("done", "failed"):
        finished = draw('{% progress id="b" url="/jobs/1/" label="Statements" state=state %}', state=state)
        assert "hx-get" not in finished


def test_the_present_step_is_marked() -> None:
    drawn = draw("{% steps current=2 %}")
    assert drawn.count("aria-current") == 1
    assert re.search(r'aria-current="step">.*?Check', drawn)


def test_a_notice_carries_what_stands_inside() -> None:
    drawn = draw(
        '{% notice "warn" title %}<p>{% money amount %}</p>{% endnotice %}', title="A <b>", amount=Decimal(5)
    )
    assert "A &lt;b&gt;" in drawn
    assert "<p>$5.00</p>" in drawn


# --- files ------------------------------------------------------------

STATIC: Path = settings.BASE_DIR / "static"


def test_vendored_files_are_the_listed_ones() -> None:
    listed = dict(
        re.findall(
            r"^\| `([^`]+)` .*`([0-9a-f]{64})` \|$", (STATIC / "vendor/VENDORED.md").read_text(), re.MULTILINE
        )
    )
    found = {
        str(path.relative_to(STATIC / "vendor")): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (STATIC / "vendor").rglob("*")
        if path.is_file() and "LICENSE" not in path.name and path.name != "VENDORED.md"
    }
    assert found == listed


def test_style_sheets_name_colours_in_one_place_only() -> None:
    for sheet in (STATIC / "portal/css").glob("*.css"):
        if sheet.name in {"tokens.css", "print.css"}:
            continue
        assert not re.findall(r"#[0-9a-fA-F]{3,8}\b(?![^{]*\{)", sheet.read_text()), sheet.name


def test_nothing_is_inline_that_the_policy_would_block() -> None:
    for page in (settings.BASE_DIR / "templates").rglob("*.html"):
        if "emails" in page.parts or page.name.endswith("_pdf.html"):
            continue  # read by mail programs and by the PDF engine, which have no such policy
        text = page.read_text()
        assert not re.search(r"<[^>]*\s(style|on[a-z]+)=", text), page
        assert not re.search(r"<script(?![^>]*\b(src|type=\"application/json\"))", text), page
        assert "<style" not in text, page
