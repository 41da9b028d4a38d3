"""Who sees the pages of what is owed: each page met by the whole cast."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.cast import Cast, anonymous, sign_in
from tests.finance.stock import Stock, add_loans, stocked


@pytest.fixture
def pages(cast: Cast) -> tuple[list[str], list[str]]:
    """Addresses of lists, and of things that belong to Alder Motors."""
    with stocked(cast.lender, cast.dealership) as stock:
        unit = stock.fund("20000.00", days_ago=40)
        (loan, *_others) = add_loans(stock, 2)
        loan_id = loan.account.public_id
    lists = ["/", "/units/", "/units/export.csv", "/due/", "/loans/", "/lines/", "/search/?q=1"]
    return lists, _things(stock, str(stock.key(unit)), str(loan_id))


def _things(stock: Stock, unit: str, loan: str) -> list[str]:
    return [
        f"/units/{unit}/",
        f"/units/{unit}/payoff/",
        f"/accounts/{unit}/ledger/",
        f"/loans/{loan}/",
        f"/loans/{loan}/payoff/",
        f"/lines/{stock.line.public_id}/",
    ]


@pytest.mark.django_db
def test_owner_payer_and_viewer_see_every_page(cast: Cast, pages: tuple[list[str], list[str]]) -> None:
    lists, things = pages
    for person in (cast.owner, cast.payer, cast.viewer):
        client = sign_in(person)
        for path in [*lists, *things]:
            assert client.get(path).status_code == 200, (person, path)


@pytest.mark.django_db
def test_a_viewer_is_offered_no_way_to_pay(cast: Cast, pages: tuple[list[str], list[str]]) -> None:
    lists, things = pages
    viewer, owner = sign_in(cast.viewer), sign_in(cast.owner)
    for path in [*lists, *things]:
        assert "/payments/new/" not in viewer.get(path).content.decode(), path
    assert "/payments/new/" in owner.get(things[0]).content.decode()


@pytest.mark.django_db
def test_a_stranger_and_the_other_lender_get_the_answer_of_a_thing_that_is_not_there(
    cast: Cast, pages: tuple[list[str], list[str]]
) -> None:
    _lists, things = pages
    for person in (cast.stranger, cast.other_owner):
        client = sign_in(person)
        for path in things:
            response = client.get(path)
            kind, *_rest = path.strip("/").split("/")
            missing = client.get(path.replace(path.split("/")[2], str(uuid4())))
            assert response.status_code == missing.status_code == 404, (person, kind)


@pytest.mark.django_db
def test_a_strangers_lists_hold_nothing_of_another_dealership(
    cast: Cast, pages: tuple[list[str], list[str]]
) -> None:
    lists, things = pages
    names = {path.split("/")[2] for path in things}
    for person in (cast.stranger, cast.other_owner):
        client = sign_in(person)
        for path in lists:
            response = client.get(path)
            assert response.status_code == 200
            assert not [name for name in names if name in response.content.decode()]
            assert "Alder Motors" not in response.content.decode()


@pytest.mark.django_db
def test_staff_have_pages_of_their_own(cast: Cast, pages: tuple[list[str], list[str]]) -> None:
    lists, things = pages
    for person in (cast.finance, cast.support):
        client = sign_in(person)
        for path in [*lists[1:-1], *things]:
            assert client.get(path).status_code == 404, (person, path)
    assert sign_in(cast.finance).get("/search/?q=1").status_code == 404


@pytest.mark.django_db
def test_a_visitor_is_led_to_the_sign_in_page_and_back(
    cast: Cast, pages: tuple[list[str], list[str]]
) -> None:
    lists, things = pages
    client = anonymous(cast.lender)
    for path in [*lists, *things]:
        response = client.get(path)
        assert response.status_code == 302, path
        assert response["Location"].startswith("/account/"), path


@pytest.mark.django_db
def test_pages_only_read(cast: Cast, pages: tuple[list[str], list[str]]) -> None:
    lists, things = pages
    client = sign_in(cast.owner)
    for path in [*lists, *things]:
        assert client.post(path).status_code == 405, path


@pytest.mark.django_db
def test_a_wrong_id_is_not_found(cast: Cast) -> None:
    client = sign_in(cast.owner)
    for wrong in ("x", "1", "00000000-0000-0000-0000-000000000000", "../../etc/passwd", "%00", "'"):
        for root in ("units", "loans", "lines"):
            assert client.get(f"/{root}/{wrong}/").status_code == 404, (root, wrong)


@pytest.mark.django_db
def test_a_unit_has_no_page_as_a_loan_and_the_other_way_round(
    cast: Cast, pages: tuple[list[str], list[str]]
) -> None:
    _lists, things = pages
    client = sign_in(cast.owner)
    unit, loan = things[0].split("/")[2], things[3].split("/")[2]
    assert client.get(f"/loans/{unit}/").status_code == 404
    assert client.get(f"/units/{loan}/").status_code == 404
