"""A right password, or a mailed link, opens nothing at all by itself: every address of the portal is asked for."""

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.resolvers import RoutePattern

from accounts.models import AuditEntry, EmailCodeFactor, OutgoingMessage, User
from accounts.tenancy import tenant
from tests.accounts.browsing import browser, is_signed_in, mailed_code, show_code, type_password
from tests.cast import PASSWORD, Cast

NEW = "a lighthouse near Bergen"
SAMPLES = {
    "uuid": "7a3c1de2-58c1-4d6f-9d0e-2f1a6b6f3c11",
    "int": "1",
    "slug": "any",
    "str": "any",
    "path": "1",
}
# What anybody may see, signed in or not.
PUBLIC = (
    "/brand",
    "/health/",
    "/demo/",
    "/components/",
    "/account/password/forgotten/",
    "/account/password/new/",
)
# What a half-finished sign-in is made of.
WAY_IN = ("/account/sign-in/", "/account/sign-out/", "/account/second-step/")


def addresses(patterns: list[URLPattern | URLResolver] | None = None, start: str = "/") -> Iterator[str]:
    """One address for each that the portal has; those made by regular expressions are asked for elsewhere."""
    for entry in get_resolver().url_patterns if patterns is None else patterns:
        if not isinstance(entry.pattern, RoutePattern):
            continue
        here = re.sub(
            r"<(?:(\w+):)?\w+>", lambda found: SAMPLES[found[1] or "str"], start + str(entry.pattern)
        )
        if isinstance(entry, URLResolver):
            yield from addresses(entry.url_patterns, here)
        else:
            yield here


def half_way(cast: Cast, person: User) -> Client:
    """The password was right; the code is outstanding."""
    client = browser(cast.lender)
    assert type_password(client, person.username).status_code == 302
    return client


def by_mailed_link(cast: Cast, person: User) -> Client:
    """A new password by the mailed link; the code is outstanding."""
    client = browser(cast.lender)
    client.post(reverse("account_reset_password"), {"identifier": person.username})
    with tenant(cast.lender.pk):
        mail = OutgoingMessage.objects.filter(template="password-reset").latest("pk")
    form = client.get(mail.context["action_path"])
    assert client.post(form.url, {"password": NEW}).status_code == 302
    return client


def by_the_admins_door(cast: Cast, person: User) -> Client:
    """What Django's own admin would take for a sign-in."""
    client = browser(cast.lender)
    client.post("/admin/login/", {"username": person.username, "password": PASSWORD, "next": "/admin/"})
    return client


def test_the_walk_meets_every_part_of_the_portal() -> None:
    found = list(addresses())
    assert len(found) > 120
    for part in ("/admin/finance/unit/", "/support/unlock/", "/payments/", "/units/", "/account/security/"):
        assert any(address.startswith(part) for address in found), part


@pytest.mark.parametrize("way", [half_way, by_mailed_link, by_the_admins_door])
@pytest.mark.parametrize("who", ["finance", "support", "owner"])
def test_without_the_second_step_no_address_answers(
    cast: Cast, way: Callable[[Cast, User], Client], who: str
) -> None:
    client = way(cast, getattr(cast, who))
    opened = []
    for address in addresses():
        if address.startswith((*PUBLIC, *WAY_IN)):
            continue
        answer = client.get(address)
        # A page that is left to machines has its own proof and takes no GET.
        if answer.status_code in {404, 405}:
            continue
        target = urlsplit(answer.get("Location", "")).path
        if answer.status_code != 302 or not target.startswith(WAY_IN):
            opened.append((address, answer.status_code, target))
    assert opened == []
    assert not is_signed_in(client)
    with tenant(cast.lender.pk):
        assert not AuditEntry.objects.filter(code="sign_in.completed").exists()


def test_the_same_browser_is_in_once_the_code_is_shown(cast: Cast) -> None:
    """The control: what kept the addresses shut is the second step and nothing else."""
    client = half_way(cast, cast.finance)
    with tenant(cast.lender.pk, login=True):
        factor = EmailCodeFactor.objects.get(user=cast.finance)
    show_code(client, factor, mailed_code(cast.finance))
    assert client.get("/admin/").status_code == 200
