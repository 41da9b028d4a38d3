"""The components in a real browser: for all eyes, by keyboard, on a phone, exact to the cent, and without scripts."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.cast import Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VisitorOf = Callable[..., Visitor]


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "phone"])
def test_no_component_keeps_anybody_out(cast: Cast, visitor_of: VisitorOf, narrow: bool) -> None:
    visitor = visitor_of(cast.lender, narrow=narrow)
    page = visitor.open("/components/")
    expect(page.locator("canvas").first).to_be_visible()
    visitor.picture(f"components-{'phone' if narrow else 'wide'}")
    assert visitor.barriers() == []
    assert not visitor.overflows()
    assert visitor.complaints == []


def test_targets_are_large_enough_for_a_thumb(cast: Cast, visitor_of: VisitorOf) -> None:
    page = visitor_of(cast.lender, narrow=True).open("/components/")
    small = page.evaluate(
        """() => [...document.querySelectorAll("a, button, input, select, textarea, summary")].filter((one) => {
            const box = one.getBoundingClientRect();
            return box.width > 1 && box.height > 1 && (box.width < 24 || box.height < 24);
        }).map((one) => one.outerHTML.slice(0, 120))"""
    )
    assert small == []


def test_a_refused_form_takes_the_focus_to_what_is_wrong(cast: Cast, visitor_of: VisitorOf) -> None:
    page = visitor_of(cast.lender).open("/components/")
    page.fill("[name=amount]", "12,34")
    page.fill("[name=password]", "secret words here")
    page.locator("#form button.button").first.click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    assert page.title().startswith("Error:")
    assert page.input_value("[name=amount]") == "12,34"
    assert page.input_value("[name=password]") == ""
    page.locator("[data-error-summary] a[href='#id_amount']").click()
    expect(page.locator("#id_amount")).to_be_focused()


def test_a_password_is_shown_and_hidden_by_a_button_that_says_so(cast: Cast, visitor_of: VisitorOf) -> None:
    page = visitor_of(cast.lender).open("/components/")
    field = page.locator("[name=password]")
    field.fill("secret words here")
    page.get_by_role("button", name="Show password").click()
    assert field.get_attribute("type") == "text"
    # What is read aloud begins with what stands on the button.
    expect(page.get_by_role("button", name="Hide password")).to_have_text("Hide")
    page.get_by_role("button", name="Hide password").click()
    assert field.get_attribute("type") == "password"
    expect(page.get_by_role("button", name="Show password")).to_have_text("Show")


def test_the_bar_counts_and_adds_up_what_is_chosen(cast: Cast, visitor_of: VisitorOf) -> None:
    page = visitor_of(cast.lender).open("/components/")
    bar = page.locator("[data-actionbar]")
    expect(bar.locator("[data-count]")).to_have_text("Nothing selected")
    expect(bar.locator("button").first).to_be_disabled()
    rows = page.locator("#units tbody tr:has([data-select-row])")
    for row in (0, 2):
        rows.nth(row).locator("[data-select-row]").check()
    cents = sum(
        int(rows.nth(row).locator("[data-select-row]").get_attribute("data-minor") or 0) for row in (0, 2)
    )
    expect(bar.locator("[data-count]")).to_have_text("2 selected")
    expect(bar.locator("[data-total]")).to_have_text(f"${cents // 100:,}.{cents % 100:02}")
    page.locator("[data-select-all] input").check()
    expect(bar.locator("[data-count]")).to_have_text(f"{rows.count()} selected")
    page.locator("[data-all-matching]").check()
    expect(bar.locator("[data-count]")).to_have_text("24 selected")


def test_a_chart_turns_into_its_table(cast: Cast, visitor_of: VisitorOf) -> None:
    page = visitor_of(cast.lender).open("/components/")
    chart = page.locator("#line-use")
    expect(chart.locator("table")).to_be_hidden()
    chart.locator("[data-chart-toggle]").click()
    expect(chart.locator("table")).to_be_visible()
    expect(chart.locator("canvas")).to_be_hidden()


def test_a_job_moves_on_by_itself_to_its_result(cast: Cast, visitor_of: VisitorOf) -> None:
    visitor = visitor_of(cast.lender)
    page = visitor.open("/components/")
    expect(page.locator("#sample-progress")).to_contain_text("Download all", timeout=20_000)
    assert visitor.complaints == []


def test_the_menu_opens_and_closes_by_keyboard_on_a_phone(cast: Cast, visitor_of: VisitorOf) -> None:
    page = visitor_of(cast.owner, narrow=True).open("/components/")
    toggle = page.locator("[data-menu-toggle]")
    expect(page.locator("#menu")).to_be_hidden()
    toggle.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#menu")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#menu")).to_be_hidden()
    expect(toggle).to_be_focused()


def test_focus_is_never_hidden_behind_the_bar(cast: Cast, visitor_of: VisitorOf) -> None:
    page = visitor_of(cast.lender, narrow=True).open("/components/")
    page.locator("#units [data-select-row]").first.focus()
    for _step in range(16):
        hidden = page.evaluate(
            """() => {
                const now = document.activeElement;
                const bar = document.querySelector("[data-actionbar]");
                if (now === document.body || bar.contains(now)) return false;
                const box = now.getBoundingClientRect();
                const cover = bar.getBoundingClientRect();
                return box.top >= cover.top && box.bottom <= cover.bottom;
            }"""
        )
        assert not hidden
        page.keyboard.press("Tab")


def test_without_scripts_every_figure_and_field_is_there(cast: Cast, visitor_of: VisitorOf) -> None:
    visitor = visitor_of(cast.lender)
    context = visitor.context.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{visitor.origin}/components/")
    expect(page.locator("#line-use table")).to_be_visible()
    expect(page.locator("[data-actionbar] button").first).to_be_enabled()
    expect(page.locator("[data-show-password]")).to_be_hidden()
    context.close()


def test_the_end_of_a_session_is_announced_and_put_off(cast: Cast, visitor_of: VisitorOf) -> None:
    visitor = visitor_of(cast.owner)
    visitor.page.clock.install()
    page = visitor.open("/account/security/")
    hint = page.locator("[data-session-hint]")
    expect(hint).to_be_hidden()
    page.clock.fast_forward("28:00")
    expect(hint).to_be_visible()
    expect(hint).to_contain_text("You will be signed out in two minutes")
    hint.get_by_role("button").click()
    expect(hint).to_be_hidden()
    page.clock.fast_forward("31:00")
    expect(hint).to_contain_text("You have been signed out")


def test_the_search_is_one_key_away(cast: Cast, visitor_of: VisitorOf) -> None:
    page = visitor_of(cast.owner, narrow=True).open("/components/")
    page.keyboard.press("Control+k")
    expect(page.locator("#find")).to_be_focused()
