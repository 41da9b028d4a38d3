"""Paying with a real browser: choose, check, send, and a receipt that follows the money by itself."""

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from accounts.tenancy import tenant
from payments.models import Payment, PaymentReceipt
from payments.tasks import move_payment, print_receipt
from tests.browser.conftest import Visitor
from tests.cast import Cast
from tests.payments.staging import amount, due, floor_unit, make_stage, pay, running_bank

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def sound(visitor: Visitor, name: str) -> None:
    """Nobody is kept out, nothing scrolls sideways, nothing complains."""
    visitor.picture(name)
    # The bar at the foot lies over rows in between; at the end it lies over nothing.
    visitor.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    assert visitor.barriers() == []
    assert not visitor.overflows()
    assert visitor.complaints == []


def staged(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership)
        for number in range(3, 9):
            floor_unit(
                stage.line, number, f"{number}250.00", funded_on=stage.today - timedelta(days=number * 7)
            )


@pytest.mark.parametrize("narrow", [False, True])
def test_a_payment_takes_three_screens_and_its_receipt_follows_the_money(
    cast: Cast, visitor_of: Callable[..., Visitor], tmp_path: Path, narrow: bool
) -> None:
    size = "narrow" if narrow else "wide"
    staged(cast)
    visitor = visitor_of(cast.owner, narrow=narrow)
    with running_bank(tmp_path) as bank:
        page = visitor.open("/payments/new/?show=all")
        page.get_by_role("checkbox", name="Select 2023 Honda Accord 1").check()
        row = page.locator("tr", has_text="Accord 2")
        row.get_by_role("combobox").select_option(label="Other amount")
        row.get_by_label("Amount for 2023 Honda Accord 2").fill("1,5")
        sound(visitor, f"pay-choose-{size}")
        page.get_by_role("button", name=re.compile("^Check")).click()
        page.get_by_role("heading", name="There is a problem").wait_for()
        assert page.title().startswith("Error:")
        assert page.evaluate("document.activeElement.dataset.errorSummary") is not None
        sound(visitor, f"pay-choose-problem-{size}")
        page.locator("tr", has_text="Accord 2").get_by_label("Amount for 2023 Honda Accord 2").fill(
            "1,500.25"
        )
        page.get_by_role("button", name="Check $1,580.25").click()
        page.get_by_role("heading", name="Check your payment").wait_for()
        sound(visitor, f"pay-check-{size}")
        page.get_by_role("link", name="Change it").first.click()
        assert page.get_by_label("Amount for 2023 Honda Accord 2").input_value() == "1500.25"
        page.get_by_role("button", name="Check $1,580.25").click()
        page.get_by_role("button", name="Pay $1,580.25").click()
        page.get_by_role("heading", name=re.compile("^Payment P-")).wait_for()
        sound(visitor, f"pay-receipt-{size}")
        with tenant(cast.lender.pk):
            payment = Payment.objects.get()
        move_payment(cast.lender.pk, payment.pk)
        page.locator(".receipt__state", has_text="Processing").wait_for(timeout=10_000)
        bank.book.settle(str(payment.public_id))
        with tenant(cast.lender.pk):
            Payment.objects.update(next_step_at=payment.submitted_at)
        move_payment(cast.lender.pk, payment.pk)
        with tenant(cast.lender.pk):
            receipts = list(PaymentReceipt.objects.values_list("pk", flat=True))
        for receipt_id in receipts:
            print_receipt(cast.lender.pk, receipt_id)
        page.locator(".receipt__state", has_text="Settled").wait_for(timeout=10_000)
        page.get_by_role("link", name="Download as PDF").wait_for(timeout=10_000)
        sound(visitor, f"pay-settled-{size}")
        page.get_by_role("link", name="Your payments").click()
        page.get_by_role("heading", name="Payments").wait_for()
        sound(visitor, f"pay-list-{size}")
        with tenant(cast.lender.pk):
            assert Payment.objects.get().state == "settled"


def test_a_receipt_on_paper_is_the_receipt_and_nothing_else(
    cast: Cast, visitor_of: Callable[..., Visitor]
) -> None:
    with tenant(cast.lender.pk):
        stage = make_stage(cast.lender, cast.dealership)
        payment = pay(stage, cast.owner, uuid4(), due(stage.first), amount(stage.second, "1500.25"))
    visitor = visitor_of(cast.owner)
    page = visitor.open(f"/payments/{payment.public_id}/")
    sound(visitor, "pay-receipt-itemised")
    page.emulate_media(media="print")
    visitor.picture("pay-receipt-print")
    # Nothing to press, nowhere to go: only what a file of papers needs.
    for what in ("button", "a.button", ".tabs", ".back", ".focus__out", "nav", "form", "[data-session-hint]"):
        assert [item.is_visible() for item in page.locator(what).all()].count(True) == 0, what
    for words in (
        payment.number,
        "$1,580.25",
        "2023 Honda Accord 2",
        "Alder Motors",
        "Submitted",
        "•••• 6789",
    ):
        assert page.get_by_text(words).first.is_visible(), words
    page.emulate_media(media="screen")
    page.get_by_role("link", name="One total").click()
    page.get_by_role("rowheader", name="Principal").wait_for()
    sound(visitor, "pay-receipt-total")
    assert page.get_by_text("2023 Honda Accord 2").count() == 0
