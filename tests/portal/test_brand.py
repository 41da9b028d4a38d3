"""A lender's accent stays readable whatever colour is chosen; the logo is drawn and never run."""

import re
from itertools import product

import pytest
from django.http import Http404
from django.test import RequestFactory

from accounts.models import Lender
from portal.colours import accent_of, contrast
from portal.context_processors import ENTRIES, brand_of
from portal.views.brand import brand_css, brand_icon, brand_logo

CHANNELS = ("00", "40", "80", "c0", "ff")


def request_of(lender: Lender | None, path: str = "/brand.css?v=1"):
    request = RequestFactory().get(path)
    request.lender = lender
    return request


def lender(**fields: str) -> Lender:
    values = {
        "name": "Summit <i>",
        "accent_colour": "#14532d",
        "currency": "USD",
        "locale": "en_US",
        **fields,
    }
    return Lender(**values)


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("colour", ["#" + "".join(parts) for parts in product(CHANNELS, repeat=3)])
def test_any_accent_is_readable_as_fill_and_as_text(colour: str) -> None:
    accent = accent_of(colour)
    assert contrast(accent.fill, accent.on_fill) >= 4.5
    assert contrast(accent.fill_hover, accent.on_fill) >= 4.5
    for ground in ("#ffffff", "#f4f2ee", accent.soft):
        assert contrast(accent.text, ground) >= 4.5


def test_a_readable_accent_is_left_as_the_lender_chose_it() -> None:
    assert accent_of("#14532d").fill == "#14532d"
    assert accent_of("#14532d").text == "#14532d"


def test_the_style_sheet_carries_the_lenders_accent_and_may_be_kept() -> None:
    response = brand_css(request_of(lender()))
    assert re.search(r"--accent: #14532d;", response.content.decode())
    assert response["Content-Type"].startswith("text/css")
    assert "immutable" in response["Cache-Control"]
    assert "immutable" not in brand_css(request_of(lender(), "/brand.css"))["Cache-Control"]


def test_without_a_lender_the_style_sheet_is_neutral() -> None:
    assert "--accent: #1d1c1a;" in brand_css(request_of(None)).content.decode()


def test_a_logo_can_only_be_drawn() -> None:
    response = brand_logo(request_of(lender(logo_svg="<svg><script>alert(1)</script></svg>")))
    assert response["Content-Type"].startswith("image/svg+xml")
    assert "sandbox" in response["Content-Security-Policy"]
    assert "script" not in response["Content-Security-Policy"]


def test_a_lender_without_a_logo_has_no_logo_file() -> None:
    with pytest.raises(Http404):
        brand_logo(request_of(lender()))
    with pytest.raises(Http404):
        brand_logo(request_of(None))


def test_the_icon_shows_the_first_letter_escaped() -> None:
    assert ">&lt;</text>" in brand_icon(request_of(lender(name="<b>"))).content.decode()


def test_a_changed_brand_has_a_new_address() -> None:
    assert brand_of(lender())["css_url"] != brand_of(lender(accent_colour="#7c1d3f"))["css_url"]


def test_the_rail_names_pages_that_exist() -> None:
    from django.urls import reverse

    for entry in ENTRIES:
        assert reverse(entry.url_name)
