"""An agent finds a caller of the own lender by what the caller can say."""

import pytest
from django.utils import timezone

from accounts.models import (
    User,
)
from accounts.tenancy import tenant
from support.queries.people import search_people
from tests.cast import make_person
from tests.finance.books import open_books, requested_unit
from tests.support.desk import SEARCH
from tests.support.staging import a_payment, a_ticket, lock


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("paula", {"paula"}),
        ("PAU", {"paula"}),
        ("paula@people.example", {"paula"}),
        ("alder", {"owen", "paula", "vera"}),
        ("Alder  Motors", {"owen", "paula", "vera"}),
        ("10002", {"sam"}),
        ("70001", {"owen"}),
        ("t-100001", {"sam"}),
        ("720 555 0142", {"sam"}),
        ("+1 (720) 555-0142", {"sam"}),
        ("555014", {"sam"}),
        ("0142", set()),
        ("fio", {"fiona"}),
        ("pa", set()),
        ("", set()),
        ("   ", set()),
        ("%%%", set()),
        ("___", set()),
        ("pau\x00la", {"paula"}),
        ("x" * 500, set()),
        ("cedar", set()),
        ("'; --", set()),
    ],
)
def test_the_search_finds_by_what_a_caller_can_say(cast, client_of, words, names) -> None:
    a_ticket(cast, actor=cast.stranger, dealership=cast.stranger_dealership)
    with tenant(cast.lender.pk):
        User.objects.filter(pk=cast.stranger.pk).update(phone="+1 720-555-0142")
        rows, more = search_people(words, now=timezone.now())
    assert {row.person.username for row in rows} == names
    assert not more
    assert client_of(cast.support).get(SEARCH, {"q": words}).status_code == 200


def test_the_search_finds_who_made_a_payment(cast) -> None:
    with tenant(cast.lender.pk):
        a_payment(cast)
        rows, _more = search_people("p-100777", now=timezone.now())
    assert [row.person.username for row in rows] == ["paula"]


def test_the_search_finds_whose_unit_it_is(cast) -> None:
    with tenant(cast.lender.pk):
        number = requested_unit(open_books(cast.stranger_dealership).line, "10000.00").account.number
        rows, _more = search_people(f" {number.lower()} ", now=timezone.now())
    assert [row.person.username for row in rows] == ["sam"]
    with tenant(cast.other_lender.pk):
        assert search_people(number, now=timezone.now()) == ([], False)


def test_the_search_says_who_is_locked_and_stops_at_twenty(
    cast, client_of, django_assert_max_num_queries
) -> None:
    with tenant(cast.lender.pk):
        for n in range(24):
            make_person(f"clerk{n:02}", dealership=cast.dealership)
    lock(cast.payer)
    with tenant(cast.lender.pk), django_assert_max_num_queries(3):
        rows, more = search_people("alder", now=timezone.now())
        assert (len(rows), more) == (20, True)
        assert all(row.dealerships == "Alder Motors" for row in rows)
    page = client_of(cast.support).get(SEARCH, {"q": "paula"}).content.decode()
    assert "Locked" in page
    assert "paula@people.example" not in page
    assert "There are more" in client_of(cast.support).get(SEARCH, {"q": "alder"}).content.decode()
