"""The finance office in a real browser: nothing that the content policy refuses, nobody kept out, acts that work."""

from collections.abc import Callable

import pytest
from django.urls import reverse

from accounts.tenancy import tenant
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
    visitor.open(reverse("admin:index"))
    visitor.picture("office-index")
    for model, office in offices():
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        visitor.open(reverse(f"admin:{name}_changelist"))
        visitor.picture(f"office-{name}-list")
        with tenant(cast.lender.pk):
            row = model._default_manager.order_by("-pk").first()
        visitor.open(reverse(f"admin:{name}_change", args=[row.pk]))
        visitor.picture(f"office-{name}-page")
        visitor.open(reverse(f"admin:{name}_history", args=[row.pk]))
        visitor.picture(f"office-{name}-history")
        if office.adding:
            visitor.open(reverse(f"admin:{name}_add"))
            visitor.picture(f"office-{name}-add")
    assert visitor.complaints == []
