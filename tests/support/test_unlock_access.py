"""Only support agents of the own lender, with their second factor, come to the desk."""

from django.urls import reverse

from accounts.models import (
    EmailCodeFactor,
    User,
)
from accounts.tenancy import tenant
from tests.cast import anonymous, make_person
from tests.support.desk import SEARCH, page_of, snapshot
from tests.support.staging import lock


def test_only_agents_find_the_desk(cast, client_of) -> None:
    lock(cast.payer)
    before = snapshot(cast)
    dealers = (cast.owner, cast.payer, cast.viewer, cast.stranger, cast.other_owner)
    for person in (*dealers, cast.finance, cast.other_finance):
        client = client_of(person)
        assert client.get(SEARCH, {"q": "paula"}).status_code == 404
        assert client.get(page_of(cast.payer)).status_code == 404
        for act in ("send", "check", "unlock"):
            body = {"act": act, "code": "12345678", "reason": "Please"}
            assert client.post(page_of(cast.payer), body).status_code == 404
    visitor = anonymous(cast.lender)
    for answer in (visitor.get(SEARCH), visitor.get(page_of(cast.payer)), visitor.post(page_of(cast.payer))):
        assert answer.status_code == 302
        assert reverse("account_login") in answer["Location"]
    assert snapshot(cast) == before


def test_an_agent_without_the_second_factor_sees_nothing(cast, client_of) -> None:
    with tenant(cast.lender.pk):
        agent = make_person("uma", kind=User.Kind.SUPPORT)
        EmailCodeFactor.objects.filter(user=agent).delete()
    for path in (SEARCH, page_of(cast.payer), "/support/queue/"):
        answer = client_of(agent).get(path)
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/")


def test_an_agent_of_another_lender_finds_nobody_here(cast, client_of) -> None:
    lock(cast.payer)
    with tenant(cast.other_lender.pk):
        foreign = make_person("ugo", kind=User.Kind.SUPPORT)
    client = client_of(foreign)
    before = snapshot(cast)
    assert "paula" not in client.get(SEARCH, {"q": "pau"}).content.decode()
    assert client.get(page_of(cast.payer)).status_code == 404
    assert client.post(page_of(cast.payer), {"act": "send"}).status_code == 404
    # Both lenders have an Owen, and Alder's customer number is Cedar's, too.
    page = client.get(SEARCH, {"q": "owen"}).content.decode()
    assert "Cedar Autos" in page
    assert "Alder Motors" not in page
    assert snapshot(cast) == before
