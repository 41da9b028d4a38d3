"""A ticket knows which unit, loan, payment or statement it is about, and only of the own dealership."""

import uuid
from datetime import date

import pytest

from accounts.tenancy import tenant
from finance.models import Statement
from support.models import Ticket
from tests.finance.books import open_books, requested_unit
from tests.support.staging import a_payment

NEW = "/support/tickets/new/"


def typed(**changes):
    return {
        "token": str(uuid.uuid4()),
        "topic": "balance",
        "subject": "A question",
        "message": "What is this?",
        **changes,
    }


@pytest.fixture
def things(cast):
    """A unit, a payment and a statement of Alder Motors."""
    with tenant(cast.lender.pk):
        unit = requested_unit(open_books(cast.dealership).line, "10000.00")
        unit.stock_number = "T2044"
        unit.save()
        payment = a_payment(cast)
        statement = Statement.objects.create(
            dealership=cast.dealership,
            number="S-100001",
            period_start=date(2026, 10, 1),
            period_end=date(2026, 10, 31),
        )
        unit.refresh_from_db()
    return {"unit": unit, "payment": payment, "statement": statement}


def public_id_of(things, kind: str) -> uuid.UUID:
    return things["unit"].account.public_id if kind == "unit" else things[kind].public_id


@pytest.mark.parametrize(
    ("kind", "quoted"),
    [
        ("payment", "P-100777"),
        ("payment", " p-100777 "),
        ("statement", "s-100001"),
        ("unit", "t2044"),
        ("unit", "VIN"),
        ("unit", "last six"),
        ("unit", "number"),
    ],
)
def test_a_number_that_people_quote_is_found(cast, client_of, things, kind, quoted) -> None:
    with tenant(cast.lender.pk):
        unit = things["unit"]
        known = {"VIN": unit.vin, "last six": unit.vin[-6:], "number": unit.account.number.lower()}
        key = public_id_of(things, kind)
    answer = client_of(cast.owner).post(NEW, typed(about=known.get(quoted, quoted)))
    assert answer.status_code == 302
    with tenant(cast.lender.pk):
        ticket = Ticket.objects.get()
    assert (ticket.about_kind, ticket.about_public_id) == (kind, key)
    page = client_of(cast.viewer).get(f"/support/tickets/{ticket.public_id}/").content.decode()
    assert ticket.about_label in page


@pytest.mark.parametrize("kind", ["unit", "payment", "statement"])
def test_a_page_may_say_what_the_ticket_is_about(cast, client_of, things, kind) -> None:
    with tenant(cast.lender.pk):
        about = f"{kind}:{public_id_of(things, kind)}"
    client = client_of(cast.owner)
    answer = client.get(NEW, {"about": about})
    form = answer.context["form"]
    assert "about" not in form.fields
    assert form.about_subject.label in answer.content.decode()
    assert form["chosen"].value() == about
    assert client.post(NEW, typed(chosen=about)).status_code == 302
    with tenant(cast.lender.pk):
        assert str(Ticket.objects.get().about_public_id) == about.partition(":")[2]


def test_the_neighbours_things_cannot_be_named(cast, client_of, things) -> None:
    client = client_of(cast.stranger)
    with tenant(cast.lender.pk):
        keys = [f"{kind}:{public_id_of(things, kind)}" for kind in ("unit", "payment", "statement")]
        numbers = ["P-100777", "S-100001", "T2044", things["unit"].vin[-6:]]
    for about in keys:
        assert client.get(NEW, {"about": about}).status_code == 404
        # A forged hidden field names nothing, and the ticket opens without it.
        assert client.post(NEW, typed(chosen=about)).status_code == 302
    with tenant(cast.lender.pk):
        assert set(Ticket.objects.values_list("about_kind", "about_label")) == {("", "")}
        Ticket.objects.update(subject="Before")
    for number in numbers:
        page = client.post(NEW, typed(about=number)).content.decode()
        assert f"Nothing of Birch Cars has the number “{number}”" in page
    with tenant(cast.lender.pk):
        assert set(Ticket.objects.values_list("subject", flat=True)) == {"Before"}


@pytest.mark.parametrize(
    "about",
    ["unit", "unit:", "unit:1", "user:00000000-0000-0000-0000-000000000000", "\x00", ":" * 99, "unit:\x00"],
)
def test_an_odd_address_is_not_found_and_an_odd_field_ignored(cast, client_of, about) -> None:
    client = client_of(cast.owner)
    assert client.get(NEW, {"about": about}).status_code == 404
    assert client.post(NEW, typed(chosen=about)).status_code in {200, 302}
