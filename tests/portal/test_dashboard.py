"""The dashboard: its figures and where they lead, its list of things to do, its days, its cost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from unittest.mock import patch
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import User
from accounts.tenancy import tenant
from finance.queries.availability import line_availability
from finance.queries.dues import amount_due
from finance.queries.payoff import payoffs_on
from payments.models import Payment, PaymentMethod, PaymentShare
from portal.queries.dashboard import dashboard_of
from support.models import Announcement, Ticket
from tests.cast import Cast, make_dealership, make_lender, make_person, sign_in
from tests.finance.reading import MONEY, amount, tables_of, text_of
from tests.finance.stock import Stock, add_loans, bill_last_month, fill, open_stock, stocked


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership) as stock:
        fill(stock, 21, units=7)
        bill_last_month(stock)
    return stock


@pytest.fixture
def owner(cast: Cast) -> Client:
    return sign_in(cast.owner)


def _figures(client: Client) -> dict[str, tuple[str, str]]:
    """Each figure of the first row: its text and the address it leads to."""
    page = client.get("/").content.decode()
    found = re.findall(
        r'figure__label">([^<]+)<.*?figure__value">([^<]+)<.*?figure__foot">.*?<a href="([^"]+)"',
        page,
        re.DOTALL,
    )
    return {label: (value, address.replace("&amp;", "&")) for label, value, address in found}


def _payment(
    cast: Cast, stock: Stock, state: str, *, days_ago: int, number: str, **fields: object
) -> Payment:
    method = PaymentMethod.objects.filter(
        dealership=stock.dealership
    ).first() or PaymentMethod.objects.create(
        dealership=stock.dealership,
        kind="ach_debit",
        label="Operating",
        holder="Alder Motors",
        encrypted_number=b"-",
        last_four="4410",
    )
    moment = timezone.now() - timedelta(days=days_ago)
    return Payment.objects.create(
        token=uuid4(),
        number=number,
        dealership=stock.dealership,
        method=method,
        currency="USD",
        amount=Decimal("1234.50"),
        state=state,
        value_date=stock.day(days_ago),
        expected_on=stock.day(days_ago),
        made_by=cast.owner,
        made_by_name="Owen",
        submitted_at=moment,
        next_step_at=moment,
        gateway="bank",
        **fields,
    )


@pytest.mark.django_db
def test_each_figure_leads_to_the_list_that_adds_up_to_it(cast: Cast, stock: Stock, owner: Client) -> None:
    figures = _figures(owner)
    with tenant(cast.lender.pk):
        owed = sum(
            (one.total for one in amount_due(dealership=cast.dealership, on=stock.today).values()), Decimal(0)
        )
        free = line_availability(stock.line, as_of=stock.today).available
    value, address = figures["Owed today"]
    assert amount(value) == owed > 0
    assert amount(tables_of(owner.get(f"{address}&per=100"))["due"].foot[0][-1]) == owed
    value, address = figures["Next due"]
    assert amount(tables_of(owner.get(f"{address}&per=100"))["due"].foot[0][-1]) == amount(value) > 0
    value, address = figures["Free credit"]
    assert amount(value) == free
    assert f"Free ${free:,}" in text_of(owner.get(address))
    text = text_of(owner.get("/"))
    assert text.count("as of") >= 3
    assert f"Pay ${owed:,}" in text


@pytest.mark.django_db
def test_the_first_screen_says_limit_used_and_free_what_needs_action_and_the_last_payment(
    cast: Cast, stock: Stock, owner: Client
) -> None:
    with tenant(cast.lender.pk):
        _payment(cast, stock, "settled", days_ago=9, number="P-7001")
        _payment(cast, stock, "processing", days_ago=1, number="P-7002")
        line = line_availability(stock.line, as_of=stock.today)
    text = text_of(owner.get("/"))
    assert f"${line.principal:,} used of ${line.limit:,} ${line.available:,} free" in text
    assert re.search(r"\d+ units on the floor plan \d+ sold and unpaid", text)
    assert "Last payment P-7002 $1,234.50 Processing" in text
    assert "On its way $1,234.50 in 1 payment" in text
    assert "P-7001" not in text


@pytest.mark.django_db
def test_the_list_of_things_to_do_has_amount_date_and_one_action_each(
    cast: Cast, stock: Stock, owner: Client
) -> None:
    with tenant(cast.lender.pk):
        _payment(
            cast,
            stock,
            "returned",
            days_ago=5,
            number="P-7003",
            returned_at=timezone.now() - timedelta(days=3),
            return_code="R01",
            return_reason="Insufficient funds",
        )
        _payment(
            cast,
            stock,
            "returned",
            days_ago=60,
            number="P-6000",
            returned_at=timezone.now() - timedelta(days=50),
            return_code="R01",
            return_reason="Insufficient funds",
        )
        Ticket.objects.create(
            number="T-31",
            dealership=cast.dealership,
            subject="Title of the Civic",
            topic="other",
            state="waiting",
            opened_by=cast.owner,
            opened_by_name="Owen",
            answer_due_at=timezone.now(),
        )
        Ticket.objects.create(
            number="T-32",
            dealership=cast.dealership,
            subject="Solved long ago",
            topic="other",
            state="solved",
            opened_by=cast.owner,
            opened_by_name="Owen",
            answer_due_at=timezone.now(),
        )
        board = dashboard_of(cast.dealership.pk, today=stock.today)
        sold = board.sold[0]
        payoff = payoffs_on(
            [unit.pk for unit in stock.units if stock.key(unit) == sold.public_id], stock.today
        )
    page = owner.get("/").content.decode()
    lines = [
        " ".join(re.sub(r"<[^>]+>", " ", line).split())
        for line in re.findall(r"<li><span class=\"todo__what\">.*?</li>", page, re.DOTALL)
    ]
    assert any(line.startswith("Overdue") and "since" in line for line in lines)
    assert any(f"${next(iter(payoff.values())):,}" in line and "Pay off" in line for line in lines)
    assert any("Payment P-7003 was returned Insufficient funds $1,234.50" in line for line in lines)
    assert any("Title of the Civic T-31 waits for your answer" in line for line in lines)
    assert not any("P-6000" in line or "T-32" in line for line in lines)
    amounts = [amount(found[0]) for line in lines if (found := MONEY.findall(line))]
    assert amounts == sorted(amounts, reverse=True)
    for line in re.findall(r"<li><span class=\"todo__what\">.*?</li>", page, re.DOTALL):
        assert line.count("<a ") == 1


@pytest.mark.django_db
def test_recent_activity_shows_the_money_that_moved(cast: Cast, owner: Client) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        unit = stock.fund("5000.00", days_ago=30)
        payoff = payoffs_on([unit.pk], stock.today)[unit.pk]
        stock.pay(unit, payoff, purpose="payoff")
    rows = tables_of(owner.get("/"))["activity"].body
    # The payoff posts the interest as well, which moves no money; the advance's fee is charged, not paid out.
    assert [(row[0].split(" ")[0], amount(row[-1])) for row in rows] == [
        ("Payment", payoff),
        ("Advance", Decimal("5000.00")),
    ]


@pytest.mark.django_db
def test_an_announcement_is_shown_between_its_days(cast: Cast, stock: Stock, owner: Client) -> None:
    with tenant(cast.lender.pk):
        for title, first, last in [("Now", 1, 0), ("Gone", 9, 1), ("Later", -1, -9)]:
            Announcement.objects.create(
                title=f"{title} announced",
                body="Text",
                shown_from=stock.day(first),
                shown_until=stock.day(last),
            )
    text = text_of(owner.get("/"))
    assert "Now announced" in text
    assert "Gone announced" not in text
    assert "Later announced" not in text


@pytest.mark.django_db
def test_charts_have_tables_that_say_the_same(cast: Cast, stock: Stock, owner: Client) -> None:
    page = owner.get("/").content.decode()
    with tenant(cast.lender.pk):
        board = dashboard_of(cast.dealership.pk, today=stock.today)
    for title in ("Line use, last 90 days", "Units by days on the floor plan", "Falling due, next 30 days"):
        assert f'<caption class="visually-hidden">{title}</caption>' in page
    tables = [table for name, table in tables_of(owner.get("/")).items() if name.startswith("table-")]
    use, ages, cash = tables
    assert len(use.body) == 91
    assert amount(use.body[-1][1]) == board.used
    assert [row[0] for row in ages.body] == ["0-30", "31-60", "61-90", "91-120", "over 120"]
    assert sum(int(row[1].split(" ")[0]) for row in ages.body) == board.holdings.live
    assert sum((amount(row[1]) for row in ages.body), Decimal(0)) == board.used
    assert cash.amounts(1) == board.dues.within(30)


@pytest.mark.django_db
def test_a_new_dealership_is_told_what_will_be_here(cast: Cast) -> None:
    text = text_of(sign_in(cast.owner).get("/"))
    assert "Nothing on your account yet" in text
    assert "Owed today $0.00" in text
    with stocked(cast.lender, cast.dealership):
        pass
    assert "Free credit $2,000,000.00" in text_of(sign_in(cast.owner).get("/"))


@pytest.mark.django_db
def test_a_borrower_without_a_floor_plan_sees_the_loans(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        stock = open_stock(cast.stranger_dealership, cast.lender.business_date(timezone.now()))
        add_loans(Stock(cast.dealership, stock.today, stock.plan, stock.programme, stock.line), 5)
        principal = dashboard_of(cast.dealership.pk, today=stock.today).holdings.loan_principal
    client = sign_in(cast.owner)
    value, address = _figures(client)["Principal of your loans"]
    assert amount(value) == principal > 0
    assert amount(tables_of(client.get(address))["loans"].foot[0][-1]) == principal


@pytest.mark.django_db
def test_staff_start_on_their_own_pages(cast: Cast) -> None:
    assert sign_in(cast.finance).get("/")["Location"] == "/admin/"
    assert sign_in(cast.support).get("/")["Location"] == "/support/queue/"
    with tenant(cast.lender.pk):
        operator = make_person("oona", kind=User.Kind.OPERATOR)
    client = sign_in(operator)
    assert client.get("/", follow=True).redirect_chain == [("/account/security/", 302)]
    assert client.get("/admin/").status_code == 404


@pytest.mark.django_db
def test_viewers_are_shown_where_and_not_asked_to_pay(cast: Cast, stock: Stock) -> None:
    page = sign_in(cast.viewer).get("/").content.decode()
    assert "/payments/new/" not in page
    assert ">Look<" in page


def _statements(client: Client) -> tuple[int, int]:
    client.get("/")
    with CaptureQueriesContext(connection) as captured:
        assert client.get("/").status_code == 200
    tables = [query["sql"] for query in captured if re.search(r"(finance|payments|support)_", query["sql"])]
    return len(captured), len(tables)


@pytest.mark.django_db
def test_the_dashboard_takes_the_same_statements_for_1_20_and_400_units(cast: Cast) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        unit = stock.fund("1000.00", days_ago=40)
    client = sign_in(cast.owner)
    counts = [_statements(client)]
    for copies in (19, 380):
        with tenant(cast.lender.pk):
            stock.serial += 1
            stock.copies(unit, copies)
            stock.sell(stock.fund("500.00", days_ago=5), days_ago=1)
            _payment(
                cast, stock, "returned", days_ago=copies % 7, number=f"P-{copies}", returned_at=timezone.now()
            )
        counts.append(_statements(client))
    assert len(set(counts)) == 1
    assert counts[0][1] <= 12
    with tenant(cast.lender.pk):
        assert dashboard_of(cast.dealership.pk, today=stock.today).holdings.live == 402


@contextmanager
def _clock(moment: datetime) -> Iterator[None]:
    with patch("django.utils.timezone.now", return_value=moment):
        yield


@pytest.mark.django_db
@pytest.mark.parametrize("zone", ["America/Denver", "Europe/Paris", "Pacific/Auckland"])
@pytest.mark.parametrize("day", [date(2027, 3, 13), date(2027, 3, 27), date(2027, 10, 30), date(2027, 6, 9)])
def test_today_changes_at_the_lenders_midnight(db: None, zone: str, day: date) -> None:
    """At 23:30 what is due tomorrow is next; at 00:30 it is owed today, whatever the clocks change."""
    lender = make_lender("night", time_zone=zone)
    with tenant(lender.pk):
        dealership = make_dealership("Late Cars", "10001")
        person = make_person("lena", dealership=dealership)
        stock = open_stock(dealership, day)
        unit = stock.fund("1000.00", days_ago=2)
        stock.charge(unit, "44.00", due_in=1)
    before = datetime.combine(day, time(23, 30), tzinfo=ZoneInfo(zone))
    with _clock(before):
        client = sign_in(person)
        assert _figures(client)["Owed today"][0] == "$0.00"
        assert _figures(client)["Next due"][0] == "$44.00"
        assert f"{day:%b} {day.day}, {day.year}" in text_of(client.get("/"))
    tomorrow = day + timedelta(days=1)
    with _clock(datetime.combine(tomorrow, time(0, 30), tzinfo=ZoneInfo(zone))):
        client = sign_in(person)
        assert _figures(client)["Owed today"][0] == "$44.00"
        text = text_of(client.get("/"))
        assert f"{tomorrow:%b} {tomorrow.day}, {tomorrow.year}" in text
        # The zone of the cut-off is named.
        assert datetime.combine(tomorrow, lender.payment_cut_off, tzinfo=ZoneInfo(zone)).tzname() in text


@pytest.mark.django_db
def test_pending_money_is_told_apart_from_what_is_booked(cast: Cast, stock: Stock, owner: Client) -> None:
    unit = stock.units[0]
    owed = _figures(owner)["Owed today"][0]
    with tenant(cast.lender.pk):
        payment = _payment(cast, stock, "submitted", days_ago=0, number="P-7010")
        PaymentShare.objects.create(
            payment=payment,
            dealership=cast.dealership,
            account_id=unit.pk,
            purpose="amount",
            amount=payment.amount,
            principal=payment.amount,
            interest=0,
            fees=0,
        )
    assert _figures(owner)["Owed today"][0] == owed
    page = owner.get(f"/units/{stock.key(unit)}/").content.decode()
    (address,) = re.findall(r'hx-get="([^"]+)"', page)
    assert "$1,234.50" in text_of(owner.get(address))
    assert "P-7010" in text_of(owner.get(address))
