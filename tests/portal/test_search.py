"""One field finds what has a number, inside one's own dealership and role."""

from __future__ import annotations

from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.tenancy import tenant
from finance.models import Account, Statement
from payments.models import Payment, PaymentMethod
from support.models import Ticket
from tests.cast import Cast, sign_in
from tests.finance.reading import text_of
from tests.finance.stock import Stock, add_loans, stocked


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership) as stock:
        for days_ago in (5, 15, 25):
            stock.fund("10000.00", days_ago=days_ago)
        add_loans(stock, 3)
        method = PaymentMethod.objects.create(
            dealership=cast.dealership,
            kind="ach_debit",
            label="Operating",
            holder="Alder",
            encrypted_number=b"-",
            last_four="4410",
        )
        Payment.objects.create(
            token=uuid4(),
            number="P-1001",
            dealership=cast.dealership,
            method=method,
            currency="USD",
            amount=Decimal("5.00"),
            state="settled",
            value_date=stock.today,
            expected_on=stock.today,
            made_by=cast.owner,
            made_by_name="Owen",
            submitted_at=timezone.now(),
            next_step_at=timezone.now(),
            gateway="bank",
        )
        Ticket.objects.create(
            number="T-1001",
            dealership=cast.dealership,
            subject="Title",
            topic="other",
            opened_by=cast.owner,
            opened_by_name="Owen",
            answer_due_at=timezone.now(),
        )
        Statement.objects.create(
            dealership=cast.dealership,
            number="S-1001",
            period_start=stock.day(40),
            period_end=stock.day(10),
            state="waiting",
        )
    return stock


@pytest.fixture
def owner(cast: Cast) -> Client:
    return sign_in(cast.owner)


@pytest.mark.django_db
def test_an_exact_number_opens_its_page(cast: Cast, stock: Stock, owner: Client) -> None:
    unit = stock.units[0]
    with tenant(cast.lender.pk):
        loan = Account.objects.filter(kind="loan").order_by("pk")[0]
        payment, ticket = Payment.objects.get(), Ticket.objects.get()
    for text, path in [
        (unit.vin[-6:], f"/units/{stock.key(unit)}/"),
        (unit.vin.lower(), f"/units/{stock.key(unit)}/"),
        (f"  {unit.stock_number.lower()} ", f"/units/{stock.key(unit)}/"),
        (loan.number.lower(), f"/loans/{loan.public_id}/"),
        ("p-1001", f"/payments/{payment.public_id}/"),
        ("T-1001", f"/support/tickets/{ticket.public_id}/"),
    ]:
        response = owner.get("/search/", {"q": text})
        assert response.status_code == 302, text
        assert response["Location"] == path
        assert owner.get(path).status_code == 200
    response = owner.get("/search/", {"q": "s-1001"})
    assert response.status_code == 302
    assert response["Location"].startswith("/statements/")


@pytest.mark.django_db
def test_words_list_what_they_match(stock: Stock, owner: Client) -> None:
    response = owner.get("/search/", {"q": "camry"})
    assert response.status_code == 200
    assert "Units that match" in text_of(response)
    assert "Van 1" in text_of(owner.get("/search/", {"q": "transit"}))
    assert "Nothing found" in text_of(owner.get("/search/", {"q": "zeppelin"}))
    assert "Enter a VIN" in text_of(owner.get("/search/"))


@pytest.mark.django_db
def test_nobody_finds_what_is_not_theirs(cast: Cast, stock: Stock) -> None:
    unit = stock.units[0]
    with tenant(cast.lender.pk):
        loan = Account.objects.filter(kind="loan").order_by("pk")[0]
    for person in (cast.stranger, cast.other_owner):
        client = sign_in(person)
        for text in (
            unit.vin,
            unit.vin[-6:],
            unit.stock_number,
            loan.number,
            "P-1001",
            "T-1001",
            "S-1001",
            "transit",
        ):
            response = client.get("/search/", {"q": text})
            assert response.status_code == 200, text
            assert "Nothing found" in text_of(response)


@pytest.mark.django_db
def test_an_agent_finds_tickets_of_the_lender_only(cast: Cast, stock: Stock) -> None:
    agent = sign_in(cast.support)
    with tenant(cast.lender.pk):
        ticket = Ticket.objects.get()
    assert agent.get("/search/", {"q": "T-1001"})["Location"] == f"/support/queue/{ticket.public_id}/"
    for text in (stock.units[0].vin, "P-1001", "S-1001"):
        assert "Nothing found" in text_of(agent.get("/search/", {"q": text}))
    assert sign_in(cast.finance).get("/search/", {"q": "T-1001"}).status_code == 404


@pytest.mark.django_db
def test_odd_text_finds_nothing_and_breaks_nothing(stock: Stock, owner: Client) -> None:
    for text in ("\x00", "%", "'", "_" * 9000, "<b>x</b>", "\U0001f697", "1;2", "   "):
        response = owner.get("/search/", {"q": text})
        assert response.status_code == 200, text
        assert "<b>x</b>" not in response.content.decode()
