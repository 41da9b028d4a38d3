from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError

from accounts.actions.people import add_membership, create_user
from accounts.models import AuditEntry, Membership, User
from accounts.queries.people import find_person
from accounts.tenancy import tenant
from tests.accounts.browsing import browser, type_password
from tests.cast import Cast


def _create(**changed: object) -> User:
    values: dict[str, object] = {
        "actor": None,
        "username": "nora",
        "email": "nora@people.example",
        "full_name": "Nora Field",
        "password": "a lighthouse near Bergen",
    }
    values.update(changed)
    return create_user(**values)  # type: ignore[arg-type]


def test_a_person_is_stored_in_lower_case_and_on_record(inside: Cast) -> None:
    person = _create(
        username=" Nora ", email="Nora@People.example ", customer_number="80001", actor=inside.finance
    )
    assert (person.username, person.email) == ("nora", "nora@people.example")
    for name in ("nora", "NORA@people.example", "80001"):
        assert find_person(name) == person
    entry = AuditEntry.objects.get(code="user.created")
    assert (entry.actor_id, entry.subject) == (inside.finance.pk, "user:nora")
    assert "password" not in str(entry.details)
    answer = type_password(browser(inside.lender), "nora", "a lighthouse near Bergen")
    assert answer.status_code == 302


def test_without_a_password_nobody_gets_in(inside: Cast) -> None:
    _create(password=None)
    for attempt in ("", "None", "!"):
        assert type_password(browser(inside.lender), "nora", attempt).status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "owen"),
        ("username", "OWEN"),
        ("username", "nora@home"),
        ("username", "12345"),
        ("username", "nora field"),
        ("username", ""),
        ("email", "owen@people.example"),
        ("email", "Owen@People.example"),
        ("email", "nora"),
        ("customer_number", "70001"),
        ("customer_number", "K-1"),
        ("customer_number", "80 001"),
    ],
)
def test_what_would_not_name_one_person_is_refused_and_nothing_stored(
    inside: Cast, field: str, value: str
) -> None:
    before = (User.objects.count(), AuditEntry.objects.count())
    with pytest.raises(ValidationError) as refused:
        _create(**{field: value})
    assert set(refused.value.message_dict) == {field}
    assert (User.objects.count(), AuditEntry.objects.count()) == before


def test_the_same_names_are_free_at_another_lender(cast: Cast) -> None:
    with tenant(cast.lender.pk):
        _create(customer_number="80001")
    with tenant(cast.other_lender.pk):
        person = _create(customer_number="80001")
        assert person.lender_id == cast.other_lender.pk


@pytest.mark.parametrize(
    "typed", ["", " ", "@", "0", "owen\x00", "owen' OR 1=1 --", "\uff4f\uff57\uff45\uff4e", "%", "ow_n"]
)
def test_odd_identifiers_find_nobody(inside: Cast, typed: str) -> None:
    if "\x00" in typed:
        assert type_password(browser(inside.lender), typed).status_code == 200
    else:
        assert find_person(typed) is None


def test_a_membership_is_added_once_with_limits_and_on_record(inside: Cast) -> None:
    person = _create()
    membership = add_membership(
        actor=inside.finance,
        person=person,
        dealership=inside.dealership,
        role=Membership.Role.PAYER,
        payment_limit=Decimal("5000.00"),
        expires_on=date(2030, 1, 1),
    )
    assert membership.role == "payer"
    entry = AuditEntry.objects.get(code="membership.added")
    assert entry.details == {"role": "payer", "payment_limit": "5000.00", "expires_on": "2030-01-01"}
    assert entry.dealership_id == inside.dealership.pk
    with pytest.raises(ValidationError, match="already belongs"):
        add_membership(actor=None, person=person, dealership=inside.dealership, role=Membership.Role.OWNER)
    assert person.memberships.count() == 1


def test_staff_belong_to_no_dealership(inside: Cast) -> None:
    with pytest.raises(ValidationError, match="Staff"):
        add_membership(
            actor=None, person=inside.finance, dealership=inside.dealership, role=Membership.Role.OWNER
        )
    assert not Membership.objects.filter(user=inside.finance).exists()
