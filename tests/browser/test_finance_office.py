"""The finance office in a real browser: nothing that the content policy refuses, nobody kept out, acts that work."""

from collections.abc import Callable

import pytest
from django.urls import reverse

from accounts.tenancy import tenant
from finance.models import Unit
from tests.browser.conftest import Visitor
from tests.cast import Cast
from tests.finance.stock import Stock
from tests.portal.office import furnish, offices

pytestmark = pytest.mark.browser


@pytest.fixture
def stock(cast: Cast) -> Stock:
    return furnish(cast)


def test_no_page_of_the_office_breaks_the_content_policy(
    cast: Cast, stock: Stock, visitor_of: Callable[..., Visitor]
) -> None:
    visitor = visitor_of(cast.finance)

    def look(address: str, picture: str) -> None:
        page = visitor.open(address)
        assert page.locator("#content h1").count() == 1, address
        visitor.picture(f"office-{picture}")

    look(reverse("admin:index"), "index")
    for model, office in offices():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        look(reverse(f"admin:{name}_changelist"), f"{name}-list")
        with tenant(cast.lender.pk):
            row = model._default_manager.order_by("-pk").first()
        look(reverse(f"admin:{name}_change", args=[row.pk]), f"{name}-page")
        look(reverse(f"admin:{name}_history", args=[row.pk]), f"{name}-history")
        if office.adding:
            look(reverse(f"admin:{name}_add"), f"{name}-add")
    assert visitor.complaints == []


def test_advances_are_approved_from_the_list(
    cast: Cast, stock: Stock, visitor_of: Callable[..., Visitor]
) -> None:
    with tenant(cast.lender.pk):
        stock.request("15250.00")
        asked = Unit.objects.filter(state=Unit.State.REQUESTED).count()
    visitor = visitor_of(cast.finance)
    page = visitor.open(reverse("admin:index"))
    page.get_by_role("link", name=f"{asked} units").click()
    page.get_by_role("link", name="All", exact=True).first.click()
    page.locator("#action-toggle").check()
    page.get_by_role("button", name="Approve").click()
    assert page.locator("h1").inner_text() == "Approve these advances?"
    visitor.picture("office-act")
    assert visitor.barriers() == []
    page.get_by_role("button", name=f"Approve ({asked})").click()
    assert "Say why. It is kept in the audit trail." in page.locator(".errornote").inner_text()
    visitor.picture("office-act-refused")
    page.get_by_label("Reason").fill("Checked with the auction.")
    page.get_by_role("button", name=f"Approve ({asked})").click()
    assert f"Done for {asked} of" in page.locator(".office-notice").inner_text()
    visitor.picture("office-outcome")
    assert visitor.barriers() == []
    with tenant(cast.lender.pk):
        assert not Unit.objects.filter(state=Unit.State.REQUESTED).exists()
    assert visitor.complaints == []


def test_a_line_is_opened_for_a_dealership_found_by_typing(
    cast: Cast, stock: Stock, visitor_of: Callable[..., Visitor]
) -> None:
    visitor = visitor_of(cast.finance)
    page = visitor.open(reverse("admin:finance_creditline_add"))
    page.locator(".select2-selection").click()
    page.locator(".select2-search__field").fill("birch")
    page.locator(".select2-results__option", has_text="Birch Cars").click()
    page.get_by_label("Name").fill("Used floor")
    page.get_by_label("Limit", exact=True).fill("150000")
    visitor.picture("office-form-filled")
    assert visitor.barriers() == []
    page.get_by_role("button", name="Open").click()
    assert "10002-1 Used floor" in page.locator("h1").inner_text()
    assert visitor.complaints == []


def test_the_office_can_be_used_on_a_phone(
    cast: Cast, stock: Stock, visitor_of: Callable[..., Visitor]
) -> None:
    visitor = visitor_of(cast.finance, narrow=True)
    for name in ("index", "finance_unit_changelist", "finance_creditline_add", "payments_payment_changelist"):
        visitor.open(reverse(f"admin:{name}"))
        visitor.picture(f"office-phone-{name}")
        assert not visitor.overflows(), name
    with tenant(cast.lender.pk):
        unit = Unit.objects.filter(state=Unit.State.FUNDED).first()
    visitor.open(reverse("admin:finance_unit_change", args=[unit.pk]))
    visitor.picture("office-phone-unit")
    assert not visitor.overflows()
    assert visitor.complaints == []


def test_nobody_is_kept_out_of_the_office(
    cast: Cast, stock: Stock, visitor_of: Callable[..., Visitor]
) -> None:
    visitor = visitor_of(cast.finance)
    with tenant(cast.lender.pk):
        unit = Unit.objects.filter(state=Unit.State.FUNDED).first()
    found = []
    for address in (
        reverse("admin:index"),
        reverse("admin:finance_unit_changelist"),
        reverse("admin:finance_unit_change", args=[unit.pk]),
        reverse("admin:finance_unit_history", args=[unit.pk]),
        reverse("admin:finance_journalentry_changelist"),
        reverse("admin:accounts_user_add"),
        reverse("admin:finance_creditline_form", args=[stock.line.pk, "terms"]),
    ):
        visitor.open(address)
        found += [f"{address}: {barrier}" for barrier in visitor.barriers()]
    assert found == []
