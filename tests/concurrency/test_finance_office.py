"""One page of the finance office, sent many times at the same moment."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.tenancy import tenant
from finance.models import CreditLine, JournalEntry, Unit
from tests.cast import Cast, make_cast, sign_in
from tests.concurrency.test_ledger_races import at_once
from tests.finance.stock import Stock, open_stock, today_of
from tests.portal.office import token_of

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def cast(transactional_db: None) -> Cast:
    return make_cast()


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with tenant(cast.lender.pk):
        return open_stock(cast.dealership, today_of(cast.lender))


def eight_times(cast: Cast, address: str, fields: dict[str, Any]) -> list[Any]:
    """The same form from eight browsers of the same person, at once."""
    browsers: list[Client] = [sign_in(cast.finance) for _number in range(8)]
    return at_once(*(lambda browser=browser: browser.post(address, fields) for browser in browsers))


def test_eight_sendings_of_one_page_pay_an_advance_out_once(cast: Cast, stock: Stock) -> None:
    with tenant(cast.lender.pk):
        unit = stock.approve("9000.00")
    address = reverse("admin:finance_unit_act", args=["fund"])
    page = sign_in(cast.finance).post(address, {"_selected_action": unit.pk})
    answers = eight_times(
        cast,
        address,
        {
            "_selected_action": unit.pk,
            "confirmed": "yes",
            "token": token_of(page),
            "reason": "Agreed.",
            "funded_on": stock.today.isoformat(),
        },
    )
    assert {answer.status_code for answer in answers} == {302}
    assert len({answer["Location"] for answer in answers}) == 1
    with tenant(cast.lender.pk):
        assert Unit.objects.get(pk=unit.pk).state == Unit.State.FUNDED
        assert JournalEntry.objects.count() == 1
        (done,) = AuditEntry.objects.filter(code="office.act-done")
    assert [outcome["done"] for outcome in done.details["outcomes"]] == [True]


def test_eight_sendings_of_one_form_open_one_line_and_other_forms_others(cast: Cast, stock: Stock) -> None:
    address = reverse("admin:finance_creditline_add")
    fields = {
        "dealership": cast.dealership.pk,
        "name": "Used floor",
        "kind": "floor_plan",
        "limit": "1000.00",
        "opened_on": stock.today.isoformat(),
        "token": token_of(sign_in(cast.finance).get(address)),
    }
    answers = eight_times(cast, address, fields)
    assert len({answer["Location"] for answer in answers}) == 1
    with tenant(cast.lender.pk):
        assert CreditLine.objects.filter(name="Used floor").count() == 1
    # The control: without the same token, each sending is a line of its own.
    browser = sign_in(cast.finance)
    for number in range(3):
        page = browser.get(address)
        browser.post(address, {**fields, "token": token_of(page), "number": f"N-{number}"})
    with tenant(cast.lender.pk):
        assert CreditLine.objects.filter(name="Used floor").count() == 4
