"""Every page that one dealership can reach, asked for by everybody who must not see it."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import RowChange, User
from accounts.tenancy import tenant
from finance.actions.units import approve_advance, fund_advance, request_advance
from finance.vin import make_vin
from tests.cast import Cast, anonymous
from tests.tenancy.crawl import UUID, crawl, lasting, text_of
from tests.world import World, make_world

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
START = [
    "/",
    "/units/",
    "/loans/",
    "/payments/",
    "/statements/",
    "/support/tickets/",
    "/account/security/",
    "/search/?q=100000",
]


@pytest.fixture
def world(cast: Cast) -> World:
    return make_world(cast, now=timezone.now())


@pytest.fixture
def reached(world: World, client_of: ClientOf) -> dict[str, str]:
    """The owner's pages with their text; none of them fails."""
    found = crawl(client_of(world.cast.owner), START)
    assert {address: status for address, status in found.refused.items() if status >= 400} == {}
    assert len(found.pages) > 30
    assert any(world.own.units[0].vin in text for text in found.pages.values())
    return found.pages


def with_object(pages: dict[str, str]) -> list[str]:
    return [address.rstrip("?") for address in pages if UUID.search(address)]


def test_nobody_else_finds_any_of_the_objects(
    world: World, reached: dict[str, str], client_of: ClientOf
) -> None:
    objects = with_object(reached)
    assert len(objects) > 8
    stranger = client_of(world.cast.stranger)
    others = [client_of(world.cast.other_owner), client_of(world.cast.other_finance)]
    for address in objects:
        answer = stranger.get(address)
        nothing = stranger.get(UUID.sub(str(uuid4()), address))
        assert answer.status_code == nothing.status_code, address
        assert lasting(text_of(answer)) == lasting(text_of(nothing)), address
        assert not leaks(text_of(answer), world.own.canaries), address
        for other in others:
            answer = other.get(address)
            assert answer.status_code == 404 or not UUID.search(address.split("?")[0]), address
            assert not leaks(text_of(answer), world.own.canaries | world.strange.canaries), address
    nobody = anonymous(world.cast.lender)
    staff = [client_of(world.cast.support), client_of(world.cast.finance)]
    for address in (address.rstrip("?") for address in reached):
        if not address.startswith(("/brand", "/account/sign-in", "/account/password", "/components")):
            answer = nobody.get(address)
            assert answer.status_code in {302, 403, 404, 405}, address
            assert not leaks(text_of(answer), world.own.canaries), address
        if address.startswith(("/units", "/loans", "/lines", "/payments", "/due")):
            assert {client.get(address).status_code for client in staff} <= {302, 404}, address


def test_lists_totals_and_searches_show_a_stranger_nothing_of_it(
    world: World, reached: dict[str, str], client_of: ClientOf
) -> None:
    for person, foreign in (
        (world.cast.stranger, world.own.canaries | world.other.canaries),
        (world.cast.other_owner, world.own.canaries | world.strange.canaries),
    ):
        client = client_of(person)
        searched = [f"/search/?q={canary}" for canary in sorted(foreign)]
        listed = [f"/units/?q={unit.vin[-6:]}" for unit in world.own.units]
        for address in [*(address.rstrip("?") for address in reached), *searched, *listed]:
            body = text_of(client.get(address))
            # A search repeats what was typed; what it found is in links.
            typed = {canary for canary in foreign if canary in address or canary[-6:] in address}
            assert not leaks(body, foreign - typed), address


def test_a_colleague_who_may_not_pay_reaches_no_page_of_paying(world: World, client_of: ClientOf) -> None:
    viewer = client_of(world.cast.viewer)
    assert viewer.get("/payments/new/").status_code == 403
    found = crawl(viewer, START)
    assert not any(address.startswith("/payments/new") for address in found.pages)
    assert {address: status for address, status in found.refused.items() if status >= 500} == {}


def test_a_strangers_posts_change_nothing(world: World, client_of: ClientOf) -> None:
    forms = {address for address in crawl(client_of(world.cast.owner), START).posts if UUID.search(address)}
    stranger = client_of(world.cast.stranger)
    with tenant(world.cast.lender.pk):
        before = RowChange.objects.count()
    for address in sorted(forms):
        answer = stranger.post(address, {"amount": "1.00", "body": "x", "reason": "x", "token": str(uuid4())})
        assert answer.status_code in {302, 403, 404, 405}, address
        assert not leaks(text_of(answer), world.own.canaries), address
    with tenant(world.cast.lender.pk):
        assert RowChange.objects.count() == before


def test_the_strangers_pages_stay_as_they_are_when_the_other_doubles(
    world: World, client_of: ClientOf
) -> None:
    client = client_of(world.cast.stranger)
    before = {path: lasting(text_of(client.get(path))) for path in ("/", "/units/", "/loans/", "/payments/")}
    with tenant(world.cast.lender.pk):
        for serial in range(3):
            unit = request_advance(
                line=world.own.line,
                vin=make_vin("2HG", "FE2F5", "R", "H", 700_000 + serial),
                model_year=2024,
                make="Honda",
                model="Civic LX",
                advance_amount=Decimal("15000.00"),
                requested_at=datetime.now(UTC),
                actor=world.cast.finance,
            )
            approve_advance(unit=unit, approved_at=datetime.now(UTC), actor=world.cast.finance)
            fund_advance(
                unit=unit, funded_on=world.today, business_date=world.today, actor=world.cast.finance
            )
    assert {path: lasting(text_of(client.get(path))) for path in before} == before


def leaks(body: str, canaries: frozenset[str] | set[str]) -> list[str]:
    return sorted(canary for canary in canaries if canary in body)
