"""Statements in a real browser: read by a dealer, made by finance staff."""

from collections.abc import Callable
from datetime import date

import pytest
from django.utils import timezone

from accounts.tenancy import tenant
from finance.actions.statements import fail_statement, order_statement_batch
from finance.models import Statement
from finance.tasks.statements import produce_statement
from tests.browser.conftest import Visitor
from tests.cast import Cast
from tests.finance.march import FEBRUARY, MARCH, march, order

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VisitorOf = Callable[..., Visitor]


def make(cast: Cast, statement: Statement) -> None:
    assert produce_statement(cast.lender.pk, statement.pk)


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_a_dealer_reads_a_statement(cast: Cast, visitor_of: VisitorOf, narrow: bool) -> None:
    with tenant(cast.lender.pk):
        march(cast.dealership)
        earlier, statement = order(cast.dealership, FEBRUARY), order(cast.dealership, MARCH)
    make(cast, earlier)
    visitor = visitor_of(cast.viewer, narrow=narrow)

    page = visitor.open("/statements/")
    page.get_by_text("It is being made.").wait_for()
    assert not visitor.overflows()
    assert visitor.barriers() == []
    visitor.picture(f"statement-list-{'narrow' if narrow else 'wide'}")

    make(cast, statement)
    page.get_by_role("link", name="Read it").click(timeout=20_000)
    page.get_by_role("heading", name="Statement March 2025").wait_for()
    shown = page.locator("main").inner_text()
    for text in ("$249.43", "$32,499.43", "$51,805.72", "by April 10, 2025"):
        assert text in shown
    assert not visitor.overflows()
    assert visitor.barriers() == []
    visitor.picture(f"statement-{'narrow' if narrow else 'wide'}")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download PDF").click()
    assert download.value.suggested_filename == f"statement-2025-03-{statement.number}.pdf"
    assert str(page.get_by_role("link", name="2024 Honda Fit").get_attribute("href")).startswith("/units/")
    assert visitor.complaints == []


@pytest.mark.parametrize("narrow", [False, True], ids=["wide", "narrow"])
def test_finance_staff_make_a_month(cast: Cast, visitor_of: VisitorOf, narrow: bool) -> None:
    with tenant(cast.lender.pk):
        march(cast.dealership)
    name = "narrow" if narrow else "wide"
    visitor = visitor_of(cast.finance, narrow=narrow)
    with tenant(cast.lender.pk):
        batch = order_statement_batch(period_end=MARCH, business_date=date(2025, 4, 1), actor=cast.finance)
        (statement,) = Statement.objects.all()

    page = visitor.open(f"/statements/months/{batch.public_id}/")
    page.get_by_text("0 of 1").wait_for()
    page.reload()
    page.get_by_text("0 of 1").wait_for()
    assert not visitor.overflows()
    assert visitor.barriers() == []
    visitor.picture(f"statement-batch-running-{name}")
    with tenant(cast.lender.pk):
        fail_statement(
            statement_id=statement.pk,
            reason="The interest of the month to 2025-03-31 is not billed yet for U-100001. Bill it, then try again.",
            now=timezone.now(),
        )
    page.get_by_role("link", name="Show what failed").click(timeout=20_000)
    page.get_by_text("not billed yet for U-100001").wait_for()
    assert not visitor.overflows()
    assert visitor.barriers() == []
    visitor.picture(f"statement-batch-failed-{name}")

    page.get_by_role("button", name="Try again").click()
    page.get_by_text("1 statement is tried again.").wait_for()
    make(cast, statement)
    page.get_by_role("link", name="Show them").click(timeout=20_000)
    page.get_by_role("link", name="PDF").wait_for()
    visitor.picture(f"statement-batch-done-{name}")
    assert visitor.complaints == []


def test_finance_staff_see_before_they_start_what_a_month_will_do(cast: Cast, visitor_of: VisitorOf) -> None:
    with tenant(cast.lender.pk):
        march(cast.dealership)
    visitor = visitor_of(cast.finance)
    # The months on offer are those before today, so the example's own month is asked for by what the page offers.
    page = visitor.open("/statements/months/")
    visitor.picture("statement-months-wide")
    page.get_by_role("link", name="Make them").first.click()
    page.get_by_role("heading", name="Make the statements of").wait_for()
    assert visitor.barriers() == []
    visitor.picture("statement-batch-start-wide")
    page.get_by_role("button", name="Make 1 statement").dblclick()
    page.get_by_role("heading", name="Statements of").wait_for()
    with tenant(cast.lender.pk):
        assert Statement.objects.count() == 1
    assert visitor.complaints == []
