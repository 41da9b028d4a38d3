"""Titles of units: the steps, what is refused, and where dealers and staff see them."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEntry
from accounts.tenancy import tenant
from finance.actions.receipts import reverse_payment
from finance.actions.refusals import RefusedError
from finance.actions.titles import lend_title, record_title_received, release_title, ship_title
from finance.actions.units import fund_advance
from finance.models import JournalEntry, TitleEvent, Unit, VehicleTitle
from tests.cast import Cast, sign_in
from tests.finance.reading import tables_of, text_of
from tests.finance.stock import Stock, stocked
from tests.portal.office import Office, token_of

State = VehicleTitle.State
LIST = "/units/"


@pytest.fixture
def stock(cast: Cast) -> Stock:
    with stocked(cast.lender, cast.dealership) as stock:
        for number in range(3):
            stock.fund(f"{number + 1}0000.00", days_ago=20 + number)
        stock.request("8000.00")
    return stock


def receive(stock: Stock, unit: Unit, *, days_ago: int = 15, kept_at: str = "Vault, box 12") -> VehicleTitle:
    return record_title_received(
        unit=unit,
        received_on=stock.day(days_ago),
        kept_at=kept_at,
        business_date=stock.today,
        actor=None,
    )


def lend(stock: Stock, unit: Unit, *, days_ago: int = 5, days: int = 10) -> VehicleTitle:
    return lend_title(
        unit=unit,
        lent_on=stock.day(days_ago),
        due_back_on=stock.day(days_ago - days),
        business_date=stock.today,
        reason="For the tax office",
        actor=None,
    )


def release(stock: Stock, unit: Unit, *, days_ago: int = 2) -> VehicleTitle:
    return release_title(unit=unit, released_on=stock.day(days_ago), business_date=stock.today, actor=None)


def ship(stock: Stock, unit: Unit, *, days_ago: int = 1, tracking: str = "UPS 1Z999") -> VehicleTitle:
    return ship_title(
        unit=unit,
        shipped_on=stock.day(days_ago),
        tracking=tracking,
        business_date=stock.today,
        actor=None,
    )


def pay_off(stock: Stock, unit: Unit, *, days_ago: int = 3) -> None:
    stock.pay(unit, "99999.00", days_ago=days_ago, purpose="payoff")


def steps(unit: Unit) -> list[tuple[str, date]]:
    return list(TitleEvent.objects.filter(unit=unit).values_list("state", "happened_on"))


@pytest.mark.django_db
def test_a_title_goes_its_whole_way_and_every_step_is_kept(cast: Cast, stock: Stock) -> None:
    unit = stock.units[0]
    with tenant(cast.lender.pk):
        assert steps(unit) == [("awaited", stock.day(20))]
        receive(stock, unit)
        lend(stock, unit)
        receive(stock, unit, days_ago=4)
        pay_off(stock, unit)
        release(stock, unit)
        title = ship(stock, unit)
        assert (title.state, title.since, title.tracking) == ("shipped", stock.day(1), "UPS 1Z999")
        assert (title.kept_at, title.due_back_on) == ("", None)
        assert steps(unit) == [
            ("awaited", stock.day(20)),
            ("held", stock.day(15)),
            ("lent", stock.day(5)),
            ("held", stock.day(4)),
            ("released", stock.day(2)),
            ("shipped", stock.day(1)),
        ]
        codes = AuditEntry.objects.filter(code__startswith="title.").order_by("pk")
        assert [row.code for row in codes] == [
            "title.received",
            "title.lent",
            "title.received",
            "title.released",
            "title.shipped",
        ]
        assert codes[1].reason == "For the tax office"
        assert codes[1].details["due_back_on"] == stock.day(-5).isoformat()


@pytest.mark.django_db
def test_a_title_is_released_only_when_nothing_is_owed(cast: Cast, stock: Stock) -> None:
    unit = stock.units[0]
    with tenant(cast.lender.pk):
        receive(stock, unit)
        for prepare in (None, lambda: stock.sell(unit, days_ago=4)):
            if prepare:
                prepare()
            with pytest.raises(RefusedError, match="not paid off"):
                release(stock, unit)
        pay_off(stock, unit)
        assert release(stock, unit).state == State.RELEASED


@pytest.mark.django_db
def test_a_lent_title_of_a_paid_unit_is_released_where_it_is_and_a_sent_one_may_come_back(
    cast: Cast, stock: Stock
) -> None:
    unit = stock.units[0]
    with tenant(cast.lender.pk):
        receive(stock, unit)
        lend(stock, unit)
        pay_off(stock, unit)
        release(stock, unit)
        ship(stock, unit)
        assert receive(stock, unit, days_ago=0).state == State.HELD


def _refusals(stock: Stock) -> list[tuple[Any, str]]:
    awaited, held = stock.units[0], stock.units[1]
    tomorrow = stock.today + timedelta(days=1)
    return [
        (lambda: lend(stock, awaited), "only one that is held"),
        (lambda: ship(stock, awaited), "only a released one"),
        (lambda: ship(stock, held), "only a released one"),
        (lambda: receive(stock, held), "it is here already"),
        (lambda: receive(stock, stock.units[3]), "never floored"),
        (lambda: receive(stock, awaited, days_ago=-1), "future"),
        (lambda: lend(stock, held, days_ago=19), "before"),
        (lambda: lend(stock, held, days=0), "come back after"),
        (
            lambda: lend_title(
                unit=held,
                lent_on=tomorrow,
                due_back_on=tomorrow + timedelta(days=3),
                business_date=stock.today,
                reason="",
                actor=None,
            ),
            "future",
        ),
        (lambda: ship(stock, held, tracking="  "), "followed"),
    ]


@pytest.mark.django_db
def test_what_cannot_be_is_refused_in_words_and_changes_nothing(cast: Cast, stock: Stock) -> None:
    with tenant(cast.lender.pk):
        receive(stock, stock.units[1])
        before = list(VehicleTitle.objects.order_by("pk").values()), TitleEvent.objects.count()
        audit = AuditEntry.objects.count()
        for act, words in _refusals(stock):
            with pytest.raises(RefusedError, match=words):
                act()
        assert (list(VehicleTitle.objects.order_by("pk").values()), TitleEvent.objects.count()) == before
        assert AuditEntry.objects.count() == audit


@pytest.mark.django_db
def test_a_payoff_that_comes_back_after_the_release_is_told_to_both_sides(cast: Cast, stock: Stock) -> None:
    unit = stock.units[0]
    owner, address = sign_in(cast.owner), f"/units/{stock.key(unit)}/"
    office = reverse("admin:finance_vehicletitle_change", args=[unit.pk])
    with tenant(cast.lender.pk):
        receive(stock, unit)
        pay_off(stock, unit)
        release(stock, unit)
    assert "nothing is owed on the unit" in text_of(owner.get(address))
    with tenant(cast.lender.pk):
        entry = JournalEntry.objects.get(source="payment")
        reverse_payment(entry=entry, business_date=stock.today, reason="R01", actor=None)
        assert VehicleTitle.objects.get(pk=unit.pk).state == State.RELEASED
    assert "came back after the title was released" in text_of(owner.get(address))
    assert "The payoff came back" in text_of(sign_in(cast.finance).get(office))
    with tenant(cast.lender.pk):
        assert receive(stock, unit, days_ago=0).state == State.HELD
        with pytest.raises(RefusedError, match="not paid off"):
            release(stock, unit, days_ago=0)


@pytest.mark.django_db
def test_the_paper_may_have_come_before_the_money_went_out(cast: Cast, stock: Stock) -> None:
    with tenant(cast.lender.pk):
        assert receive(stock, stock.units[0], days_ago=25).since == stock.day(25)


@pytest.mark.django_db
def test_the_database_keeps_the_way_and_the_steps(cast: Cast, stock: Stock) -> None:
    unit = stock.units[0]
    with tenant(cast.lender.pk):
        with pytest.raises(DatabaseError, match="does not go from awaited to shipped"), transaction.atomic():
            VehicleTitle.objects.filter(pk=unit.pk).update(state=State.SHIPPED)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            TitleEvent.objects.filter(unit=unit).update(state=State.HELD)
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            TitleEvent.objects.filter(unit=unit).delete()
    with tenant(cast.lender.pk, dealerships=[cast.dealership.pk]):
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            VehicleTitle.objects.filter(pk=unit.pk).update(state=State.HELD)
        assert VehicleTitle.objects.count() == 3


@pytest.mark.django_db
def test_a_stranger_and_another_lender_see_no_title(cast: Cast, stock: Stock) -> None:
    with tenant(cast.lender.pk, dealerships=[cast.stranger_dealership.pk]):
        assert (VehicleTitle.objects.count(), TitleEvent.objects.count()) == (0, 0)
    with tenant(cast.other_lender.pk):
        assert (VehicleTitle.objects.count(), TitleEvent.objects.count()) == (0, 0)
    key = stock.units[0].pk
    page = reverse("admin:finance_vehicletitle_change", args=[key])
    assert sign_in(cast.finance).get(page).status_code == 200
    for person in (cast.other_finance, cast.owner, cast.support, cast.stranger):
        assert sign_in(person).get(page).status_code == 404
    assert sign_in(cast.stranger).get(f"/units/{stock.key(stock.units[0])}/").status_code == 404


@pytest.fixture
def mixed(cast: Cast, stock: Stock) -> Stock:
    """One title awaited, one held and one shipped."""
    with tenant(cast.lender.pk):
        receive(stock, stock.units[1])
        receive(stock, stock.units[2])
        pay_off(stock, stock.units[2])
        release(stock, stock.units[2])
        ship(stock, stock.units[2])
    return stock


@pytest.mark.django_db
def test_the_list_shows_sorts_and_filters_by_title(cast: Cast, mixed: Stock) -> None:
    owner = sign_in(cast.owner)
    table = tables_of(owner.get(LIST, {"show": "all", "sort": "title"}))["units"]
    column = table.head[0].index("Title")
    assert table.column(column) == ["Awaited", "Held", "Shipped", "–"]
    for state, unit in (("awaited", 0), ("held", 1), ("shipped", 2)):
        table = tables_of(owner.get(LIST, {"show": "all", "title": state}))["units"]
        assert table.column(2) == [mixed.units[unit].vin[-6:]]
    assert "No unit matches" in text_of(owner.get(LIST, {"show": "all", "title": "lent"}))
    nonsense = tables_of(owner.get(LIST, {"show": "all", "title": "stolen' OR 1=1"}))["units"]
    assert len(nonsense.body) == 4
    # One phone's two lines have the word with its noun.
    assert "title held" in text_of(owner.get(LIST))


@pytest.mark.django_db
def test_the_csv_names_the_title_and_the_filter(cast: Cast, mixed: Stock) -> None:
    owner = sign_in(cast.owner)
    response = owner.get("/units/export.csv", {"show": "all", "title": "held"})
    head, row, total, view = list(csv.reader(io.StringIO(response.content.decode("utf-8-sig"))))
    place = head.index("Title")
    assert row[place : place + 3] == ["Held", mixed.day(15).isoformat(), "USD"]
    assert total[-1] == "USD"
    assert view[1] == "All; Title: Held"
    rows = list(
        csv.reader(io.StringIO(owner.get("/units/export.csv?show=requested").content.decode("utf-8-sig")))
    )
    assert rows[1][place : place + 2] == ["", ""]


@pytest.mark.django_db
def test_the_unit_s_page_tells_the_way_of_its_title_but_not_the_vault(cast: Cast, mixed: Stock) -> None:
    with tenant(cast.lender.pk):
        lend(mixed, mixed.units[1], days_ago=5, days=3)
    for person in (cast.owner, cast.viewer):
        client = sign_in(person)
        page = client.get(f"/units/{mixed.key(mixed.units[2])}/")
        words = text_of(page)
        assert "UPS 1Z999" in words
        assert words.index("Awaited") < words.index("Held") < words.index("Released")
        assert "Vault" not in page.content.decode()
        assert "Your lender released the title" in words
        assert "Lent out, overdue" in text_of(client.get(f"/units/{mixed.key(mixed.units[1])}/"))
    requested = text_of(sign_in(cast.owner).get(f"/units/{mixed.key(mixed.units[3])}/"))
    assert "Awaited" not in requested


@pytest.mark.django_db
def test_the_number_of_queries_does_not_grow_with_the_steps_or_the_units(cast: Cast, stock: Stock) -> None:
    client = sign_in(cast.owner)

    def count(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    addresses = [f"/units/{stock.key(stock.units[0])}/", f"{LIST}?title=held&per=100", "/units/export.csv"]
    before = [count(address) for address in addresses]
    with tenant(cast.lender.pk):
        for unit in stock.units[:3]:
            for ago in range(15, 5, -2):
                receive(stock, unit, days_ago=ago)
                lend(stock, unit, days_ago=ago - 1)
        receive(stock, stock.units[0], days_ago=1)
    assert [count(address) for address in addresses] == before


# --- the office -------------------------------------------------------------------------------------------------------


@pytest.fixture
def office(cast: Cast, stock: Stock) -> Office:
    return Office(cast, stock, sign_in(cast.finance))


def act(office: Office, name: str, units: list[Unit], **fields: object) -> Any:
    keys = [unit.pk for unit in units]
    page = office.post("finance_vehicletitle_act", name, _selected_action=keys)
    sent = {"_selected_action": keys, "confirmed": "yes", "token": token_of(page), "reason": "By mail"}
    answer = office.post("finance_vehicletitle_act", name, **sent, **fields)
    return office.client.get(answer["Location"]) if answer.status_code == 302 else answer


@pytest.mark.django_db
def test_staff_take_a_title_through_the_office(office: Office) -> None:
    unit, other, today = office.stock.units[0], office.stock.units[1], office.stock.today
    with tenant(office.lender.pk):
        pay_off(office.stock, unit)
    answer = text_of(act(office, "receive", [unit, other], on=office.stock.day(9), kept_at="Vault, box 7"))
    assert "Held." in answer
    page = text_of(act(office, "release", [unit, other], on=today))
    # The one that still owes is named with the reason; the other is done.
    assert "a title is released when nothing is owed on it" in page
    assert "Released." in page
    lent = text_of(act(office, "lend", [other], on=today, due_back_on=today + timedelta(days=7)))
    assert "Lent out, due back on" in lent
    act(office, "ship", [unit], on=today, tracking="FedEx 7799")
    with tenant(office.lender.pk):
        assert VehicleTitle.objects.get(pk=unit.pk).tracking == "FedEx 7799"
        assert VehicleTitle.objects.get(pk=other.pk).state == State.LENT
        entry = AuditEntry.objects.filter(code="title.shipped").get()
        assert (entry.actor_id, entry.reason) == (office.cast.finance.pk, "By mail")
    page = text_of(office.get("finance_vehicletitle_change", unit.pk))
    assert "FedEx 7799" in page
    assert "Vault, box 7" in page
    assert "Shipped" in text_of(office.get("finance_unit_change", unit.pk))
    found = text_of(office.get("finance_vehicletitle_changelist", q=unit.vin[-6:].lower()))
    assert unit.vin in found
    assert other.vin not in found


@pytest.mark.django_db
def test_a_wrong_form_is_refused_and_nothing_changes(office: Office) -> None:
    unit, today = office.stock.units[0], office.stock.today
    with tenant(office.lender.pk):
        receive(office.stock, unit)
    late = text_of(act(office, "lend", [unit], on=today, due_back_on=today))
    assert "Choose a day after the one on which the title is lent." in late
    text = text_of(act(office, "lend", [unit], on=today + timedelta(days=2), due_back_on="soon"))
    assert "Choose a day" in text
    with tenant(office.lender.pk):
        assert VehicleTitle.objects.get(pk=unit.pk).state == State.HELD
        assert TitleEvent.objects.filter(unit=unit).count() == 2


@pytest.mark.django_db
def test_funding_twice_awaits_one_title(cast: Cast, stock: Stock) -> None:
    unit = stock.units[0]
    with tenant(cast.lender.pk):
        with pytest.raises(RefusedError):
            fund_advance(unit=unit, funded_on=stock.today, business_date=stock.today, actor=None)
        assert VehicleTitle.objects.filter(unit=unit).count() == 1
