"""Two members of staff who enter the same person in the same moment."""

from collections.abc import Callable

import pytest
from django.core.exceptions import ValidationError

from accounts.actions.contacts import change_contact
from accounts.actions.people import add_membership, create_user
from accounts.models import AuditEntry, Membership, User
from accounts.tenancy import tenant
from tests.at_once import at_once
from tests.cast import Cast

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

TIMES = 6


def outcomes(cast: Cast, act: Callable[[int], object]) -> list[str]:
    """What `act` came to, done at once by several: "done", or the words in which it was refused."""

    def work(number: int) -> str:
        try:
            with tenant(cast.lender.pk, user_id=cast.finance.pk):
                act(number)
        except ValidationError as refusal:
            return " ".join(refusal.messages)
        return "done"

    return at_once(TIMES, work)


def test_one_name_given_out_at_once_belongs_to_one_person(cast: Cast) -> None:
    came = outcomes(
        cast,
        lambda number: create_user(
            actor=cast.finance, username="nora", email=f"nora{number}@people.example", full_name="Nora Field"
        ),
    )
    assert len(came) == TIMES
    assert came.count("done") == 1
    assert all("Somebody here" in words for words in came if words != "done")
    with tenant(cast.lender.pk):
        assert User.objects.filter(username="nora").count() == 1
        assert AuditEntry.objects.filter(code="user.created").count() == 1


def test_one_address_given_to_several_at_once_belongs_to_one(cast: Cast) -> None:
    people = [cast.owner, cast.payer, cast.viewer, cast.stranger, cast.support]

    def move(number: int) -> object:
        person = people[number % len(people)]
        return change_contact(
            actor=cast.finance,
            person=person,
            full_name=person.full_name,
            email="desk@people.example",
            phone="",
            reason="One desk.",
        )

    came = outcomes(cast, move)
    # The sixth sends the change of the first person again, which is no change where that one got the address.
    assert came.count("done") in {1, 2}
    assert all("already has this e-mail" in words for words in came if words != "done")
    with tenant(cast.lender.pk):
        assert User.objects.filter(email="desk@people.example").count() == 1
        assert AuditEntry.objects.filter(code="user.contact-changed").count() == 1


def test_a_membership_added_several_times_at_once_is_one(cast: Cast) -> None:
    came = outcomes(
        cast,
        lambda number: add_membership(
            actor=cast.finance,
            person=cast.stranger,
            dealership=cast.dealership,
            role=Membership.Role.VIEWER,
        ),
    )
    assert sorted(set(came)) == ["This person already belongs to this dealership.", "done"]
    assert came.count("done") == 1
    with tenant(cast.lender.pk):
        assert Membership.objects.filter(user=cast.stranger, dealership=cast.dealership).count() == 1
