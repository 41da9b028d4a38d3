"""The list of units: filters, search, a pasted list, sorting, paging, CSV."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tenancy import tenant
from finance.models import Unit
from tests.cast import Cast, sign_in
from tests.finance.reading import amount, tables_of, text_of
from tests.finance.stock import Stock, bill_last_month, fill, open_stock, stocked, today_of

LIST = "/units/"


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership) as stock:
        fill(stock, 5, units=6)
        bill_last_month(stock)
    return stock


@pytest.fixture
def owner(cast: Cast) -> Client:
    return sign_in(cast.owner)


@pytest.mark.django_db
def test_the_totals_row_is_the_sum_of_the_rows(stock: Stock, owner: Client) -> None:
    for shown in ("live", "week", "overdue", "sold", "requested", "all"):
        table = tables_of(owner.get(LIST, {"show": shown}))["units"]
        (foot,) = table.foot
        assert table.body, shown
        assert amount(foot[-1]) == table.amounts(-1), shown
        assert amount(foot[-2]) == table.amounts(-2), shown
        assert f"Total of {len(table.body)} unit" in foot[1]


@pytest.mark.django_db
def test_a_total_counts_the_pages_that_are_not_shown(stock: Stock, owner: Client, cast: Cast) -> None:
    with tenant(cast.lender.pk):
        stock.copies(stock.fund("1000.00", days_ago=1), 40)
    pages = [tables_of(owner.get(LIST, {"page": page}))["units"] for page in (1, 2)]
    assert len(pages[0].body) == 25
    total = amount(pages[0].foot[0][-1])
    assert total == amount(pages[1].foot[0][-1]) == pages[0].amounts(-1) + pages[1].amounts(-1)
    assert len(tables_of(owner.get(LIST, {"per": "100"}))["units"].body) == 47


@pytest.mark.django_db
def test_the_whole_set_is_sorted_not_the_page(stock: Stock, owner: Client, cast: Cast) -> None:
    with tenant(cast.lender.pk):
        stock.copies(stock.fund("1000.00", days_ago=1), 40)
        largest = stock.fund("99000.00", days_ago=2)
    table = tables_of(owner.get(LIST, {"sort": "-payoff"}))["units"]
    assert table.body[0][2] == largest.vin[-6:]
    amounts = [amount(row[-1]) for row in table.body]
    assert amounts == sorted(amounts, reverse=True)
    response = owner.get(LIST, {"sort": "-payoff"})
    assert 'aria-sort="descending"' in response.content.decode()
    for sort in ("due", "vehicle", "vin", "stock", "floored", "-days", "state", "amount"):
        assert owner.get(LIST, {"sort": sort}).status_code == 200


@pytest.mark.django_db
def test_a_unit_is_found_by_tail_vin_and_stock_number(stock: Stock, owner: Client) -> None:
    unit = stock.units[2]
    tail, half = unit.vin[-6:], unit.vin[-4:]
    for text in (tail, f" {tail} ", unit.vin, unit.vin.lower(), unit.stock_number.lower(), half):
        table = tables_of(owner.get(LIST, {"q": text}))["units"]
        assert tail in table.column(2), text
        assert len(table.body) == 1 or text == half, text


@pytest.mark.django_db
def test_a_pasted_list_of_ten_with_two_wrong_flags_two_and_lists_eight(stock: Stock, owner: Client) -> None:
    known = stock.units[:8]
    entries = [
        known[0].vin[-6:],
        known[1].vin.lower(),
        f"{known[2].vin[:8]} {known[2].vin[8:]}",
        f" {known[3].stock_number.lower()}",
        f'"{known[4].vin[-6:]}"',
        known[5].stock_number,
        known[6].vin,
        known[7].vin[-6:].lower(),
        "999999",
        "not-a-car",
    ]
    pasted = "\r\n".join(entries[:4]) + "\t" + "; ".join(entries[4:7]) + "," + " ".join(entries[7:])
    response = owner.get(LIST, {"vins": pasted, "per": "100"})
    tails = tables_of(response)["units"].column(2)
    assert sorted(tails) == sorted(unit.vin[-6:] for unit in known)
    page = response.content.decode()
    text = text_of(response)
    assert "2 of 10 entries were not found" in text
    assert page.count("found__missing") == 2
    assert "999999 Not found" in text
    assert "not-a-car Not found" in text
    # What was pasted stays in the field.
    assert known[1].vin.lower() in page


@pytest.mark.django_db
def test_a_pasted_list_that_is_too_long_or_empty_is_refused_with_words(stock: Stock, owner: Client) -> None:
    response = owner.get(LIST, {"vins": "\n".join(f"A{number:05d}" for number in range(201))})
    assert response.status_code == 200
    assert "Paste at most 200 at once." in text_of(response)
    assert "Error:" in response.content.decode()
    assert "A00200" in response.content.decode()
    assert "Paste at least one" in text_of(owner.get(LIST, {"vins": " ;; \n"}))
    for text in (
        "%",
        "'; DROP TABLE finance_unit; --",
        "\x00",
        "é" * 60,
        "_" * 10_001,
        "<script>alert(1)</script>",
    ):
        response = owner.get(LIST, {"vins": text})
        assert response.status_code == 200
        assert "<script>alert" not in response.content.decode()


MISTYPED: list[dict[str, str]] = [
    {"show": "nonsense"},
    {"show": ""},
    {"sort": "password"},
    {"sort": "--due"},
    {"sort": "-"},
    {"sort": "due; DELETE FROM finance_unit"},
    {"page": "0"},
    {"page": "-3"},
    {"page": "999999"},
    {"page": "99999999999999999999"},
    {"page": "two"},
    {"page": "\u0663"},
    {"per": "1000000"},
    {"per": "x"},
    {"kind": "stolen"},
    {"q": "\x00"},
    {"q": "%_\\'\""},
    {"q": "x" * 5000},
    {"q": "\U0001f697"},
]


@pytest.mark.django_db
def test_a_mistyped_address_shows_a_list_and_never_a_fault(stock: Stock, owner: Client) -> None:
    for query in MISTYPED:
        for path in (LIST, "/units/export.csv", "/due/", "/loans/"):
            assert owner.get(path, query).status_code == 200, (path, query)
    for raw in ("%ff%fe", "%00", "q=%ED%A0%80", "&&&==;", "page[]=1"):
        assert owner.get(f"{LIST}?{raw}").status_code == 200, raw


@pytest.mark.django_db
def test_a_page_past_the_end_is_the_last_page(stock: Stock, owner: Client, cast: Cast) -> None:
    with tenant(cast.lender.pk):
        stock.copies(stock.fund("1000.00", days_ago=1), 30)
    last = tables_of(owner.get(LIST, {"page": "2"}))["units"]
    assert tables_of(owner.get(LIST, {"page": "77"}))["units"].body == last.body != []


@pytest.mark.django_db
def test_the_csv_holds_the_view_with_its_total_and_runs_no_formula(
    stock: Stock, owner: Client, cast: Cast
) -> None:
    tricks = ["=1+1", "+CMD", "-2+3", "@SUM(A1)", "\t=1", "plain"]
    with tenant(cast.lender.pk):
        for trick in tricks:
            stock.fund("2500.00", days_ago=3, stock_number=trick)
    query = {"show": "live", "sort": "-payoff"}
    response = owner.get("/units/export.csv", query)
    assert response["Content-Type"].startswith("text/csv")
    assert "attachment" in response["Content-Disposition"]
    head, *rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    body, (total, view) = rows[:-2], rows[-2:]
    payoff, due, currency = (
        head.index(f"Payoff {stock.today}"),
        head.index(f"Due by {stock.today}"),
        len(head) - 1,
    )
    assert sum(Decimal(row[payoff]) for row in body) == Decimal(total[payoff])
    foot = tables_of(owner.get(LIST, query))["units"].foot[0]
    assert (Decimal(total[due]), Decimal(total[payoff])) == (amount(foot[-2]), amount(foot[-1]))
    assert {row[currency] for row in body} == {"USD"}
    assert view[:2] == ["View", "Live"]
    assert view[3] == stock.today.isoformat()
    stock_numbers = {row[2] for row in body}
    assert {"'=1+1", "'+CMD", "'-2+3", "'@SUM(A1)", "'\t=1", "plain"} <= stock_numbers
    assert not [cell for row in body for cell in row if cell.lstrip()[:1] in {"=", "+", "@"}]


@pytest.mark.django_db
def test_the_csv_says_what_it_was_narrowed_by(stock: Stock, owner: Client) -> None:
    tail = stock.units[0].vin[-6:]
    response = owner.get("/units/export.csv", {"q": tail, "kind": "used"})
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[-1][1] == f"All; Search: {tail}; Used"
    response = owner.get("/units/export.csv", {"vins": f"{tail}, 999999"})
    rows = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    assert rows[-1][1] == "All; Your list"
    assert [row[1] for row in rows[1:-2]] == [tail]


@pytest.mark.django_db
def test_the_number_of_queries_is_the_same_for_1_and_400_units(cast: Cast) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        unit = stock.fund("1000.00", days_ago=40)
    client = sign_in(cast.owner)

    def count(query: dict[str, str]) -> int:
        client.get(LIST, query)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(LIST, query).status_code == 200
        return len(captured)

    queries: list[dict[str, str]] = [
        {"per": "100"},
        {"show": "all", "sort": "-payoff", "per": "100"},
        {"vins": unit.vin},
    ]
    before = [count(query) for query in queries]
    with tenant(cast.lender.pk):
        stock.copies(unit, 399)
    assert [count(query) for query in queries] == before
    assert len(tables_of(client.get(LIST, {"per": "100"}))["units"].body) == 100


@pytest.mark.django_db
def test_selected_units_go_to_the_payment(stock: Stock, owner: Client, cast: Cast) -> None:
    page = owner.get(LIST).content.decode()
    assert 'action="/payments/new/"' in page
    assert f'name="unit" value="{stock.key(stock.units[0])}"' in page
    viewer = sign_in(cast.viewer).get(LIST).content.decode()
    assert "/payments/new/" not in viewer
    assert 'name="unit"' not in viewer


@pytest.mark.django_db
def test_an_empty_place_says_what_will_be_there(cast: Cast) -> None:
    client = sign_in(cast.owner)
    assert "No units yet" in text_of(client.get(LIST))
    assert "No loans yet" in text_of(client.get("/loans/"))
    assert "No credit line yet" in text_of(client.get("/lines/"))
    assert "Nothing is due here" in text_of(client.get("/due/"))
    with tenant(cast.lender.pk):
        stock = open_stock(cast.dealership, today_of(cast.lender))
        stock.fund("1000.00", days_ago=1)
    response = client.get(LIST, {"q": "zzz"})
    assert "No unit matches" in text_of(response)
    assert "Clear search and filters" in text_of(response)
    assert "No unit is in this state today." in text_of(client.get(LIST, {"show": "sold"}))


@pytest.mark.django_db
def test_a_vin_that_was_floored_again_is_found_as_its_live_unit(cast: Cast) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        first = stock.fund("1000.00", days_ago=20)
        stock.pay(first, "2000.00", purpose="payoff")
        assert Unit.objects.get(pk=first.pk).state == Unit.State.PAID
        again = stock.fund("1500.00", days_ago=0)
        Unit.objects.filter(pk=again.pk).update(vin=first.vin)
    response = sign_in(cast.owner).get(f"{LIST}?{urlencode({'vins': first.vin})}")
    assert len(tables_of(response)["units"].body) == 1
    assert str(stock.key(again)) in response.content.decode()
