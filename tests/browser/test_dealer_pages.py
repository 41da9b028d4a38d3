"""The dealer's pages in a real browser: what the first screen answers, lists by thumb and keyboard, charts, payoff."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.utils import timezone

from accounts.tenancy import tenant
from finance.actions.titles import record_title_received
from finance.models import Account
from finance.queries.payoff import payoffs_on
from payments.models import Payment, PaymentMethod, PaymentShare
from tests.browser.conftest import NARROW, WIDE, Visitor
from tests.cast import Cast
from tests.finance.stock import Stock, add_loans, bill_last_month, fill, stocked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VisitorOf = Callable[..., Visitor]


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership) as stock:
        fill(stock, 17, units=6)
        add_loans(stock, 3)
        bill_last_month(stock)
        method = PaymentMethod.objects.create(
            dealership=cast.dealership,
            kind="ach_debit",
            label="Operating",
            holder="Alder Motors",
            encrypted_number=b"-",
            last_four="4410",
        )
        payment = Payment.objects.create(
            token=uuid4(),
            number="P-1007",
            dealership=cast.dealership,
            method=method,
            currency="USD",
            amount=Decimal("100.00"),
            state="processing",
            value_date=stock.today,
            expected_on=stock.today,
            made_by=cast.owner,
            made_by_name="Owen",
            submitted_at=timezone.now(),
            next_step_at=timezone.now() + timedelta(days=1),
            gateway="bank",
        )
        PaymentShare.objects.create(
            payment=payment,
            dealership=cast.dealership,
            account_id=stock.units[0].pk,
            purpose="amount",
            amount=payment.amount,
            principal=payment.amount,
            interest=0,
            fees=0,
        )
    return stock


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_the_first_screen_answers_without_scrolling(
    cast: Cast, stock: Stock, visitor_of: VisitorOf, narrow: bool
) -> None:
    visitor = visitor_of(cast.owner, narrow=narrow)
    page = visitor.open("/")
    fold = (NARROW if narrow else WIDE)["height"]
    for text in (
        "Owed today",
        "of it overdue",
        "Next due",
        "Free credit",
        "used of",
        "sold and unpaid",
        "P-1007",
        "Processing",
    ):
        box = page.get_by_text(text).first.bounding_box()
        assert box is not None, text
        assert box["y"] + box["height"] <= fold, text
    # The charts are drawn, and each has its table.
    page.wait_for_function("document.querySelectorAll('canvas').length === 3")
    toggle = page.get_by_role("button", name=re.compile("Show table.*Line use"))
    toggle.click()
    assert page.locator("#line-use-table tbody tr").count() == 91
    assert visitor.barriers() == []
    visitor.picture(f"dashboard-{'narrow' if narrow else 'wide'}")
    assert visitor.complaints == []


def test_no_page_scrolls_sideways_at_any_width(cast: Cast, stock: Stock, visitor_of: VisitorOf) -> None:
    visitor = visitor_of(cast.owner)
    with tenant(cast.lender.pk):
        loan = Account.objects.filter(kind="loan").order_by("pk")[0].public_id
    unit = stock.key(stock.units[0])
    paths = [
        "/",
        "/units/",
        f"/units/?vins={stock.units[0].vin},999999",
        f"/units/{unit}/",
        f"/units/{unit}/payoff/?on=never",
        f"/accounts/{unit}/ledger/",
        "/due/?when=all",
        "/loans/",
        "/loans/?by=vehicle",
        f"/loans/{loan}/?amount=1500",
        "/lines/",
        f"/lines/{stock.line.public_id}/",
        "/search/?q=camry",
    ]
    for path in paths:
        page = visitor.open(path)
        for width in (320, 768, 1024, 1366):
            page.set_viewport_size({"width": width, "height": 800})
            if page.locator("canvas").count():
                # Charts follow their frame a moment later.
                page.wait_for_timeout(400)
            assert not visitor.overflows(), (path, width)
        assert visitor.barriers() == [], path
    assert visitor.complaints == []


def test_chosen_units_are_counted_and_summed_and_go_to_the_payment(
    cast: Cast, stock: Stock, visitor_of: VisitorOf
) -> None:
    page = visitor_of(cast.owner).open("/units/?per=100&sort=-payoff")
    bar = page.locator("[data-actionbar]")
    assert bar.locator("[data-count]").inner_text() == "Nothing selected"
    assert bar.get_by_role("button").is_disabled()
    boxes = page.locator("[data-select-row]")
    boxes.nth(0).check()
    boxes.nth(2).check()
    chosen = [boxes.nth(row).get_attribute("value") for row in (0, 2)]
    with tenant(cast.lender.pk):
        keys = {str(stock.key(unit)): unit.pk for unit in stock.units}
        payoffs = payoffs_on([keys[str(value)] for value in chosen], stock.today)
    assert bar.locator("[data-count]").inner_text() == "2 selected"
    assert bar.locator("[data-total]").inner_text() == f"${sum(payoffs.values()):,}"
    bar.get_by_role("button", name="Pay selected").click()
    page.wait_for_url("**/payments/new/?**")
    assert all(f"unit={value}" in page.url for value in chosen)


def test_a_row_opens_its_unit_and_a_bad_payoff_day_takes_the_focus(
    cast: Cast, stock: Stock, visitor_of: VisitorOf
) -> None:
    visitor = visitor_of(cast.owner)
    page = visitor.open(f"/units/?q={stock.units[0].stock_number}")
    page.locator("#units tbody tr td.code").first.click()
    page.wait_for_url(f"**/units/{stock.key(stock.units[0])}/")
    # What is on its way comes into the page by itself.
    page.get_by_text("P-1007").wait_for()
    visitor.picture("unit")
    page = visitor.open(f"/units/{stock.key(stock.units[0])}/payoff/?on=2001-01-01")
    assert page.title().startswith("Error:")
    assert page.evaluate("document.activeElement.hasAttribute('data-error-summary')")
    page.get_by_role("link", name=re.compile("Choose a day from")).click()
    assert page.evaluate("document.activeElement.name") == "on"
    visitor.picture("payoff")


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_a_pasted_list_flags_beside_each_entry_what_is_not_there(
    cast: Cast, stock: Stock, visitor_of: VisitorOf, narrow: bool
) -> None:
    visitor = visitor_of(cast.owner, narrow=narrow)
    page = visitor.open("/units/?per=100")
    known = stock.units[:8]
    entries = [unit.vin[-6:].lower() for unit in known[:3]]
    entries += [f"  {unit.stock_number.lower()} " for unit in known[3:5]]
    entries += [f"{unit.vin[:9].lower()} {unit.vin[9:]}" for unit in known[5:]]
    entries[2:2] = ["999999"]
    entries += ["not-a-car"]
    page.get_by_text("Look up a list").click()
    page.get_by_label("Your list").fill("\n".join(entries))
    page.get_by_role("button", name="Look up", exact=True).click()
    page.wait_for_url("**vins=**")
    assert page.locator(".found__list li").count() == 10
    missing = [
        text.split("\n")[0] for text in page.locator(".found__list li:has(.found__missing)").all_inner_texts()
    ]
    assert [text.removesuffix("Not found").strip() for text in missing] == ["999999", "not-a-car"]
    assert page.locator("#units tbody tr").count() == 8
    assert page.locator("textarea[name=vins]").input_value().splitlines() == entries
    assert not visitor.overflows()
    assert visitor.barriers() == []
    visitor.picture(f"pasted-{'narrow' if narrow else 'wide'}")
    assert visitor.complaints == []


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_the_title_stands_in_the_list_and_narrows_it(
    cast: Cast, stock: Stock, visitor_of: VisitorOf, narrow: bool
) -> None:
    held = next(unit for unit in stock.units if unit.state == "funded")
    with tenant(cast.lender.pk):
        record_title_received(
            unit=held, received_on=stock.today, kept_at="Vault", business_date=stock.today, actor=None
        )
    visitor = visitor_of(cast.owner, narrow=narrow)
    page = visitor.open("/units/?per=100")
    page.get_by_label("Title", exact=True).get_by_role("link", name="Held").click()
    page.wait_for_url("**title=held**")
    assert page.locator("#units tbody tr").count() == 1
    if narrow:
        assert page.get_by_text("title held").is_visible()
    else:
        assert page.locator("#units td", has_text="Held").is_visible()
    assert not visitor.overflows()
    visitor.picture(f"titles-{'narrow' if narrow else 'wide'}")
    page.locator("#units tbody a").first.click()
    page.wait_for_url(f"**/units/{stock.key(held)}/")
    assert page.get_by_role("heading", name="Title").is_visible()
    assert not visitor.overflows()
    assert visitor.barriers() == []
    visitor.picture(f"title-{'narrow' if narrow else 'wide'}")
    assert visitor.complaints == []
