"""Term loans on the screen: the list by contract and vehicle, the schedule, and what a payment today would do."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from dateutil.relativedelta import relativedelta
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.tenancy import tenant
from finance.actions.loans import open_loan
from finance.actions.receipts import Share, post_payment
from finance.models import Account, AccountPosition, DueItem, Loan
from finance.queries.dues import amount_due
from finance.queries.early_payment import early_payment
from finance.queries.payoff import payoff_split, payoffs_on
from finance.queries.splits import Split
from tests.cast import Cast, sign_in
from tests.finance.reading import amount, tables_of, text_of
from tests.finance.stock import Stock, add_loans, stocked


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership) as stock:
        add_loans(stock, 4)
    return stock


@pytest.fixture
def owner(cast: Cast) -> Client:
    return sign_in(cast.owner)


def _loans(cast: Cast) -> list[Loan]:
    with tenant(cast.lender.pk):
        return list(Loan.objects.select_related("account").order_by("pk"))


@pytest.mark.django_db
def test_the_list_adds_up_by_contract_and_by_vehicle(cast: Cast, stock: Stock, owner: Client) -> None:
    contracts = tables_of(owner.get("/loans/"))["loans"]
    vehicles = tables_of(owner.get("/loans/", {"by": "vehicle"}))["vehicles"]
    with tenant(cast.lender.pk):
        principal = sum(
            AccountPosition.objects.filter(account__kind="loan").values_list("principal", flat=True),
            Decimal(0),
        )
        owed = amount_due([loan.pk for loan in Loan.objects.all()], on=stock.today)
        payoffs = payoffs_on([loan.pk for loan in Loan.objects.all()], stock.today)
    assert amount(contracts.foot[0][-1]) == contracts.amounts(-1) == principal
    assert amount(contracts.foot[0][5]) == contracts.amounts(5) == sum(one.total for one in owed.values())
    assert [row[:3] for row in vehicles.body] == [
        ["Ford Transit B-221", "B-221", "2"],
        ["Ram ProMaster B-119", "B-119", "1"],
    ]
    assert vehicles.amounts(6) == amount(vehicles.foot[0][6]) == principal
    assert vehicles.amounts(7) == amount(vehicles.foot[0][7]) == sum(payoffs.values())


@pytest.mark.django_db
def test_the_list_is_found_filtered_and_sorted(cast: Cast, stock: Stock, owner: Client) -> None:
    first, *others = _loans(cast)
    assert len(tables_of(owner.get("/loans/", {"q": first.account.number.lower()}))["loans"].body) == 1
    assert len(tables_of(owner.get("/loans/", {"q": "b-221"}))["loans"].body) == 2
    balances = [amount(row[-1]) for row in tables_of(owner.get("/loans/", {"sort": "balance"}))["loans"].body]
    assert balances == sorted(balances)
    assert len(balances) == 1 + len(others)
    assert "No loan matches" in text_of(owner.get("/loans/", {"q": "nothing"}))


@pytest.mark.django_db
def test_each_schedule_closes_at_exactly_zero_with_the_last_row_marked(
    cast: Cast, stock: Stock, owner: Client
) -> None:
    for loan in _loans(cast):
        response = owner.get(f"/loans/{loan.account.public_id}/")
        rows = tables_of(response)["schedule"].body
        assert amount(rows[-1][5]) == 0
        principal = sum((amount(row[4]) for row in rows), Decimal(0))
        assert principal == loan.amount
        for row in rows:
            assert amount(row[2]) == amount(row[3]) + amount(row[4])
        last = amount(rows[-1][2])
        assert ("adjusted" in rows[-1][1]) == (last != loan.instalment)
        states = [row[6].split(" ")[0] for row in rows]
        assert set(states) <= {"Paid", "Overdue", "Due", "Scheduled"}
    assert "Paid" in [
        row[6]
        for row in tables_of(owner.get(f"/loans/{_loans(cast)[0].account.public_id}/"))["schedule"].body
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("method", Loan.Method.values)
def test_what_a_payment_would_do_is_what_it_does(cast: Cast, owner: Client, method: str) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        loan = next(loan for loan in add_loans(stock, 4, youngest=True) if loan.method == method)
        public_id = loan.account.public_id
        assert not amount_due([loan.pk], on=stock.today)[loan.pk].total
        effect = early_payment(loan.pk, Decimal("1500.00"), stock.today)
        interest_before = _interest_to_come(loan)
    response = owner.get(f"/loans/{public_id}/", {"amount": "1,500.00"})
    (shown,) = re.findall(r"data-saved>([^<]+)<", response.content.decode())
    assert amount(shown) == effect.interest_saved > 0
    assert effect.interest + effect.ahead == 1500
    with tenant(cast.lender.pk):
        split = _pay(stock, loan, Decimal("1500.00"))
        assert (split.interest, split.principal) == (effect.interest, effect.ahead)
        assert AccountPosition.objects.get(account_id=loan.pk).principal == effect.balance
        assert effect.interest_saved == interest_before - _interest_to_come(loan) - split.interest
        assert effect.new_end == _end_of(loan)


@pytest.mark.django_db
def test_with_arrears_it_covers_what_is_due_first(cast: Cast, stock: Stock, owner: Client) -> None:
    for loan in _loans(cast)[1:]:
        with tenant(cast.lender.pk):
            due = amount_due([loan.pk], on=stock.today)[loan.pk].total
            effect = early_payment(loan.pk, due + 1500, stock.today)
        response = owner.get(f"/loans/{loan.account.public_id}/", {"amount": str(due + 1500)})
        assert f"Covers what is due ${due:,}" in text_of(response)
        assert effect.due == due > 0
        assert effect.interest + effect.ahead == 1500
        with tenant(cast.lender.pk):
            split = _pay(stock, loan, due + 1500)
            assert split.total == due + 1500
            assert AccountPosition.objects.get(account_id=loan.pk).principal == effect.balance
            assert effect.new_end == _end_of(loan)


def _pay(stock: Stock, loan: Loan, paid: Decimal) -> Split:
    posted = post_payment(
        key=f"early-{loan.pk}",
        shares=[Share(loan.pk, "amount", paid)],
        value_date=stock.today,
        business_date=stock.today,
        description="Early",
        actor=None,
    )
    return posted.splits[loan.pk]


def _end_of(loan: Loan) -> date:
    return DueItem.objects.filter(account_id=loan.pk, outstanding_principal__gt=0).latest("due_on").due_on


def _interest_to_come(loan: Loan) -> Decimal:
    items = DueItem.objects.filter(account_id=loan.pk)
    return sum(items.values_list("outstanding_interest", flat=True), Decimal(0))


@pytest.mark.django_db
def test_less_than_what_is_due_shortens_nothing_and_the_payoff_closes(cast: Cast, owner: Client) -> None:
    with stocked(cast.lender, cast.dealership) as stock:
        loan = add_loans(stock, 4)[1]
        public_id = Account.objects.get(pk=loan.pk).public_id
        due = amount_due([loan.pk], on=stock.today)[loan.pk].total
        payoff = payoff_split(loan.pk, stock.today).total
    assert due > 1
    response = owner.get(f"/loans/{public_id}/", {"amount": "1"})
    assert "Nothing is left of it to shorten the loan." in text_of(response)
    assert f"${payoff:,} pays the loan off today" in text_of(
        owner.get(f"/loans/{public_id}/", {"amount": str(payoff)})
    )
    assert "Enter $" in text_of(owner.get(f"/loans/{public_id}/", {"amount": str(payoff + Decimal("0.01"))}))


BAD_AMOUNTS = [
    "",
    "0",
    "0.00",
    "-5",
    "abc",
    "1,23",
    "1.234",
    "NaN",
    "Infinity",
    "1e5",
    "\x00",
    "9" * 40,
    "€5",
    "£5",
]


@pytest.mark.django_db
def test_a_bad_amount_gets_a_message_and_is_kept(cast: Cast, stock: Stock, owner: Client) -> None:
    path = f"/loans/{_loans(cast)[0].account.public_id}/"
    for typed in BAD_AMOUNTS:
        response = owner.get(path, {"amount": typed})
        assert response.status_code == 200, typed
        page = response.content.decode()
        assert "There is a problem" in page, typed
        assert "data-effect" not in page, typed
        if typed.isprintable() and typed:
            assert f'value="{typed}"' in page, typed


@pytest.mark.django_db
def test_a_loans_payoff_is_quoted_by_day(cast: Cast, stock: Stock, owner: Client) -> None:
    loan = _loans(cast)[0]
    day = stock.today + timedelta(days=9)
    response = owner.get(f"/loans/{loan.account.public_id}/payoff/", {"on": day.isoformat()})
    with tenant(cast.lender.pk):
        total = payoff_split(loan.pk, day).total
    (shown,) = re.findall(r"data-payoff>([^<]+)<", response.content.decode())
    assert amount(shown) == total


@pytest.mark.django_db
def test_the_worked_loan_shows_its_published_schedule(cast: Cast, owner: Client) -> None:
    """60,000.00 at 8.40 % nominal in 12 instalments: 5,230.41, the last one 5,230.39."""
    with stocked(cast.lender, cast.dealership) as stock:
        line = add_loans(stock, 1)[0].account.line
        funded_on = stock.today.replace(day=1)
        loan = open_loan(
            line=line,
            title="Worked example",
            purpose=Loan.Purpose.EQUIPMENT,
            method=Loan.Method.EQUAL_INSTALMENT,
            amount=Decimal("60000.00"),
            instalment_count=12,
            first_due_on=funded_on + relativedelta(months=1),
            funded_on=funded_on,
            business_date=stock.today,
            actor=None,
        )
        public_id = loan.account.public_id
    rows = tables_of(owner.get(f"/loans/{public_id}/"))["schedule"].body
    assert [row[2] for row in rows] == ["$5,230.41"] * 11 + ["$5,230.39"]
    assert [row[5] for row in rows][:3] == ["$55,189.59", "$50,345.51", "$45,467.52"]
    assert rows[-1][5] == "$0.00"
    assert [row for row in rows if "adjusted" in row[1]] == rows[-1:]


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_loans(cast: Cast, stock: Stock, owner: Client) -> None:
    def count(query: dict[str, str]) -> int:
        owner.get("/loans/", query)
        with CaptureQueriesContext(connection) as captured:
            assert owner.get("/loans/", query).status_code == 200
        return len(captured)

    before = [count({}), count({"by": "vehicle"})]
    with tenant(cast.lender.pk):
        again = Stock(stock.dealership, stock.today, stock.plan, stock.programme, stock.line)
        template = Loan.objects.select_related("account").first()
        assert template is not None
        for number in range(40):
            account = Account.objects.get(pk=template.pk)
            items = list(DueItem.objects.filter(account=account))
            position = AccountPosition.objects.get(account=account)
            account.pk, account.public_id, account.number = None, None, f"LX-{number}"
            account.public_id = uuid4()
            account.save()
            Loan.objects.create(
                account=account,
                dealership=again.dealership,
                purpose=template.purpose,
                method=template.method,
                amount=template.amount,
                instalment=template.instalment,
                instalment_count=template.instalment_count,
                first_due_on=template.first_due_on,
            )
            AccountPosition.objects.create(
                account=account,
                dealership=again.dealership,
                principal=position.principal,
                accrued_through=position.accrued_through,
            )
            for item in items:
                item.pk, item.account = None, account
                item.public_id = uuid4()
            DueItem.objects.bulk_create(items)
    assert [count({}), count({"by": "vehicle"})] == before
