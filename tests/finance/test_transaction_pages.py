"""The history of transactions: filters, running balance, ids that stay, and the CSV that says the same."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tenancy import tenant
from finance.actions.receipts import Share, post_payment
from finance.models import AccountEvent, AccountPosition
from finance.queries.payoff import payoff_quote
from finance.queries.transactions import TransactionFilters, list_transactions, transaction_totals
from tests.cast import Cast, sign_in
from tests.finance.reading import amount, tables_of, text_of
from tests.finance.stock import Stock, add_loans, bill_last_month, fill, stocked

pytestmark = pytest.mark.django_db


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership) as stock:
        fill(stock, 21, units=6)
        add_loans(stock, 21)
        bill_last_month(stock)
    return stock


@pytest.fixture
def owner(cast: Cast) -> Client:
    return sign_in(cast.owner)


def sheet_of(browser: Client, query: str) -> list[dict[str, str]]:
    answer = browser.get(f"/transactions/export.csv?{query}")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))


def owed(cast: Cast) -> Decimal:
    with tenant(cast.lender.pk):
        rows = AccountPosition.objects.filter(dealership_id=cast.dealership.pk)
        return sum((row.principal + row.billed_interest + row.fees - row.credit for row in rows), Decimal(0))


def test_the_last_balance_is_what_is_owed_and_every_step_leads_to_the_next(
    cast: Cast, stock: Stock, owner: Client
) -> None:
    rows = sheet_of(owner, "when=all")
    with tenant(cast.lender.pk):
        ids = set(AccountEvent.objects.filter(dealership_id=stock.dealership.pk).values_list("pk", flat=True))
    assert {int(row["Transaction"]) for row in rows} == ids
    balance = Decimal(0)
    for row in rows:
        change = sum(Decimal(row[name]) for name in ("Principal", "Interest", "Fees", "Credit"))
        assert change == Decimal(row["Change"])
        balance += change
        assert balance == Decimal(row["Balance"])
    assert balance == owed(cast) > 0
    page = tables_of(owner.get("/transactions/?when=all&per=100"))["transactions"]
    assert amount(page.foot[0][7]) == balance
    assert amount(page.body[0][8]) == balance, "newest first"


def test_a_later_posting_changes_no_id_and_no_earlier_balance(
    cast: Cast, stock: Stock, owner: Client
) -> None:
    before = sheet_of(owner, "when=all")
    with tenant(cast.lender.pk):
        account = AccountPosition.objects.filter(dealership_id=stock.dealership.pk, principal__gt=1000)[0]
        post_payment(
            key="P-late",
            shares=[Share(account.pk, "amount", Decimal("250.00"))],
            value_date=stock.today - timedelta(days=3),
            business_date=stock.today,
            description="Payment",
            actor=None,
        )
    after = sheet_of(owner, "when=all")
    assert after[: len(before)] == before
    assert len(after) > len(before)


@pytest.mark.parametrize("when", ["month", "last", "quarter", "all"])
def test_a_cut_shows_its_days_and_keeps_the_balance(stock: Stock, owner: Client, when: str) -> None:
    everything = sheet_of(owner, "when=all")
    first_of_month = stock.today.replace(day=1)
    first, last = {
        "month": (first_of_month, date.max),
        "last": ((first_of_month - timedelta(days=1)).replace(day=1), first_of_month - timedelta(days=1)),
        "quarter": (stock.today - timedelta(days=90), date.max),
        "all": (date.min, date.max),
    }[when]
    wanted = [row for row in everything if first <= date.fromisoformat(row["Booked"]) <= last]
    assert sheet_of(owner, f"when={when}") == wanted


def test_kind_and_search_narrow_the_list(cast: Cast, stock: Stock, owner: Client) -> None:
    advances = sheet_of(owner, "when=all&kind=advance")
    assert advances
    assert {row["Kind"] for row in advances} == {"Advance"}
    number = advances[0]["Account"]
    of_one = sheet_of(owner, f"when=all&q={number}")
    assert {row["Account"] for row in of_one} == {number}
    with tenant(cast.lender.pk):
        position = AccountPosition.objects.get(account__number=number)
        posted = position.principal + position.billed_interest + position.fees - position.credit
    assert Decimal(of_one[-1]["Balance"]) == posted, "the balance of the accounts that are looked for"
    assert "Nothing was posted here" in text_of(owner.get("/transactions/?when=all&q=no-such-vehicle"))


@pytest.mark.parametrize("query", ["when=x&kind=y&page=x", "page=999999", "q=%00%25&kind=advance", "per=-1"])
def test_a_mistyped_address_shows_a_list(stock: Stock, owner: Client, query: str) -> None:
    assert owner.get(f"/transactions/?{query}").status_code == 200
    assert owner.get(f"/transactions/export.csv?{query}").status_code == 200


def test_a_stranger_sees_nothing_of_it(cast: Cast, stock: Stock) -> None:
    assert sheet_of(sign_in(cast.stranger), "when=all") == []
    assert "Nothing was posted here" in text_of(sign_in(cast.stranger).get("/transactions/?when=all"))
    with tenant(cast.lender.pk, dealerships=[cast.stranger_dealership.pk]):
        assert list_transactions(stock.dealership.pk, TransactionFilters(), limit=None) == []


def test_the_statements_lead_to_it(stock: Stock, owner: Client) -> None:
    assert 'href="/transactions/"' in owner.get("/statements/").content.decode()


def test_the_number_of_queries_is_the_same_for_few_and_many(cast: Cast, stock: Stock, owner: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as found:
            owner.get("/transactions/?when=all&per=100")
        return len(found)

    queries()
    few = queries()
    with tenant(cast.lender.pk):
        fill(stock, 22, units=20)
        assert transaction_totals(stock.dealership.pk, TransactionFilters()).count > 40
    assert queries() == few


def test_interest_that_a_payoff_bills_and_pays_at_once_is_told(cast: Cast, owner: Client) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        unit = stock.fund("20000.00", days_ago=10)
        figure = payoff_quote(unit.pk, value_dates=[stock.today], business_date=stock.today).figures[0]
        stock.pay(unit, figure.total, purpose="payoff")
    row = sheet_of(owner, "when=all&kind=payoff")[0]
    assert (row["Interest"], Decimal(row["Interest billed and paid at once"])) == ("0.00", figure.accrued)
    assert figure.accrued > 0
    page = text_of(owner.get("/transactions/?when=all"))
    assert f"${figure.accrued} billed and paid" in page
    assert page.count("billed and paid") == 1
