"""The pages of one unit and its payoff: what is shown adds up, bad days get a message."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tenancy import tenant
from finance.actions.receipts import Share, post_payment, reverse_payment
from finance.queries.account_page import account_page
from finance.queries.payoff import payoff_split, payoffs_on
from tests.cast import Cast, sign_in
from tests.finance.reading import Table, amount, tables_of, text_of
from tests.finance.stock import Stock, bill_last_month, stocked


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership) as stock:
        unit = stock.fund("20000.00", days_ago=75)
        stock.pay(unit, "2000.00", days_ago=40)
        stock.charge(unit, "35.00", due_in=5)
        bill_last_month(stock)
    return stock


@pytest.fixture
def owner(cast: Cast) -> Client:
    return sign_in(cast.owner)


def _exact(text: str) -> Decimal:
    return Decimal(re.sub(r"[$,]", "", text))


def _check_calculation(table: Table, accrued: Decimal) -> None:
    """The segments add up to the interest so far; less what was billed it rounds to what is shown."""
    rows = [row for row in table.body if row]
    earned, billed, open_interest, posted = (row[-1] for row in table.foot)
    assert abs(sum((_exact(row[-1]) for row in rows), Decimal(0)) - _exact(earned)) <= len(rows) * Decimal(
        "0.0000005"
    )
    assert _exact(earned) + _exact(billed) == _exact(open_interest)
    assert _exact(posted) == accrued
    for row in rows:
        days, per_diem, interest = Decimal(row[2]), _exact(row[5]), _exact(row[6])
        assert abs(days * per_diem - interest) <= days * Decimal("0.000001")


@pytest.mark.django_db
def test_a_units_page_adds_up(cast: Cast, stock: Stock, owner: Client) -> None:
    unit = stock.units[0]
    response = owner.get(f"/units/{stock.key(unit)}/")
    text, tables = text_of(response), tables_of(response)
    with tenant(cast.lender.pk):
        payoff = payoffs_on([unit.pk], stock.today)[unit.pk]
        page = account_page(unit.account, as_of=stock.today)
    assert unit.vin in text
    assert page.payoff == payoff
    figure = page.payoffs[0]
    assert payoff == figure.principal + figure.accrued + figure.billed_interest + figure.fees - figure.credit
    shown = [
        amount(line)
        for line in re.findall(
            r"(?:Principal|Interest not billed yet|Interest billed, unpaid|Fees) (\$[0-9,.]+)", text
        )
    ]
    assert sum(shown[:4], Decimal(0)) == payoff
    _check_calculation(tables["calculation"], figure.accrued)
    # The running balance ends where the position stands.
    posted = figure.principal + figure.billed_interest + figure.fees - figure.credit
    assert amount(tables["history"].body[-1][-1]) == posted
    # The schedule holds the whole principal, paid and open.
    assert tables["due"].amounts(2) == tables["due"].amounts(3) + tables["due"].amounts(4)
    assert tables["due"].amounts(2) >= Decimal("12000.00")
    assert "10 % of original principal" in text


@pytest.mark.django_db
def test_the_payoff_of_each_of_the_next_thirty_days_is_what_paying_then_costs(
    cast: Cast, stock: Stock, owner: Client
) -> None:
    unit = stock.units[0]
    for ahead in (0, 1, 7, 30):
        day = stock.today + timedelta(days=ahead)
        response = owner.get(f"/units/{stock.key(unit)}/payoff/", {"on": day.isoformat()})
        with tenant(cast.lender.pk):
            split = payoff_split(unit.pk, day)
        tables = tables_of(response)
        assert len(tables["payoffs"].body) == 31
        assert amount(tables["payoffs"].body[ahead][-1]) == split.total
        (shown,) = re.findall(r"data-payoff>([^<]+)<", response.content.decode())
        assert amount(shown) == split.total
        figure = amount(re.findall(r"Interest not billed yet (\$[0-9,.]+)", text_of(response))[0])
        _check_calculation(tables["calculation"], figure)
    assert "Cost on a year of 365 days: 9.3785%" in text_of(response)


BAD_DAYS = [
    "",
    "yesterday",
    "2026-02-30",
    "0001-01-01",
    "9999-12-31",
    "21/11/2026",
    "\x00",
    "1e3",
    "²",
    "2026-11-21T00:00",
]


@pytest.mark.django_db
def test_a_bad_payoff_day_gets_a_message_and_keeps_what_was_typed(stock: Stock, owner: Client) -> None:
    for typed in BAD_DAYS:
        response = owner.get(f"/units/{stock.key(stock.units[0])}/payoff/", {"on": typed})
        page = response.content.decode()
        assert response.status_code == 200, typed
        assert "There is a problem" in page, typed
        assert "Error:" in page, typed
        assert re.search(r"Choose (a|the) day", page), typed
        if typed and typed.isprintable():
            assert f'value="{typed}"' in page, typed
        # Today's figure is still there to work with.
        assert len(tables_of(response)["payoffs"].body) == 31, typed


@pytest.mark.django_db
def test_a_day_beyond_thirty_names_the_days_that_can_be_chosen(stock: Stock, owner: Client) -> None:
    late = stock.today + timedelta(days=31)
    text = text_of(owner.get(f"/units/{stock.key(stock.units[0])}/payoff/", {"on": late.isoformat()}))
    assert "Choose a day from " in text


@pytest.mark.django_db
def test_a_unit_in_each_state_has_a_page(cast: Cast, owner: Client) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        asked, approved = stock.request("9000.00"), stock.approve("9100.00")
        paid = stock.fund("5000.00", days_ago=12)
        stock.pay(paid, payoffs_on([paid.pk], stock.today)[paid.pk], purpose="payoff")
        sold = stock.fund("7000.00", days_ago=12)
        stock.sell(sold, days_ago=4)
        fresh = stock.fund("8000.00", days_ago=0)
        payoff = payoffs_on([sold.pk], stock.today)[sold.pk]
    for unit, words in [
        (asked, "Nothing yet. Interest starts on the day the advance is funded."),
        (approved, "Approved"),
        (paid, "Nothing. It is paid off."),
        (sold, "Payoff due by"),
        (fresh, "0 days"),
    ]:
        response = owner.get(f"/units/{stock.key(unit)}/")
        assert response.status_code == 200
        assert words in text_of(response)
        assert owner.get(f"/units/{stock.key(unit)}/payoff/").status_code == 200
    text = text_of(owner.get(f"/units/{stock.key(sold)}/"))
    # Past its clock a sold unit owes its payoff, not the instalments of a plan that no longer holds.
    assert text.count(f"${payoff:,}") >= 2


@pytest.mark.django_db
def test_a_returned_payment_is_shown_as_taken_back(cast: Cast, stock: Stock, owner: Client) -> None:
    unit = stock.units[0]
    with tenant(cast.lender.pk):
        posted = post_payment(
            key="bounced",
            shares=[Share(unit.pk, "amount", Decimal("500.00"))],
            value_date=stock.day(10),
            business_date=stock.day(10),
            description="Payment P-1",
            actor=None,
        )
        reverse_payment(
            entry=posted.entry, business_date=stock.today, reason="R01", actor=None, fee=Decimal("25.00")
        )
        figure = account_page(unit.account, as_of=stock.today).payoffs[0]
    response = owner.get(f"/units/{stock.key(unit)}/")
    assert "taken back later" in text_of(response)
    balance = figure.principal + figure.billed_interest + figure.fees - figure.credit
    assert amount(tables_of(response)["history"].body[-1][-1]) == balance
    _check_calculation(tables_of(response)["calculation"], figure.accrued)


@pytest.mark.django_db
def test_the_ledger_lists_the_accounts_lines(cast: Cast, stock: Stock, owner: Client) -> None:
    unit = stock.units[0]
    table = tables_of(owner.get(f"/accounts/{stock.key(unit)}/ledger/"))["ledger"]
    principal = [row for row in table.body if row[3].startswith("1200")]
    debits = sum(
        (amount(row[4]) for row in principal if "credit" not in row[4] and "$" in row[4]), Decimal(0)
    )
    credits_ = sum((amount(row[5]) for row in principal if "$" in row[5]), Decimal(0))
    with tenant(cast.lender.pk):
        assert debits - credits_ == account_page(unit.account, as_of=stock.today).position.principal


@pytest.mark.django_db
def test_a_units_page_takes_the_same_queries_among_1_and_400(cast: Cast) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        unit = stock.fund("1000.00", days_ago=40)
    client = sign_in(cast.owner)
    paths = [f"/units/{stock.key(unit)}/", f"/units/{stock.key(unit)}/payoff/"]

    def count(path: str) -> int:
        client.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    before = [count(path) for path in paths]
    with tenant(cast.lender.pk):
        stock.copies(unit, 399)
        for days_ago in (30, 20, 10):
            stock.pay(unit, "10.00", days_ago=days_ago)
    assert [count(path) for path in paths] == before


@pytest.mark.django_db
def test_dates_have_their_month_in_letters(stock: Stock, owner: Client) -> None:
    text = text_of(owner.get(f"/units/{stock.key(stock.units[0])}/"))
    assert re.search(r"[A-Z][a-z]{2} [0-9]{1,2}, 20[0-9]{2}", text)
    assert not re.search(r"\b[0-9]{1,2}/[0-9]{1,2}/[0-9]{2,4}\b", text)
