"""Signing in with a real browser: by name, e-mail or customer number, with a mailed code, and out again."""

from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.models import OutgoingMessage
from accounts.tenancy import tenant
from tests.browser.conftest import Visitor
from tests.cast import PASSWORD, Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def mailed_code(cast: Cast) -> str:
    """The code in the newest mail ordered for Owen."""
    with tenant(cast.lender.pk):
        message = OutgoingMessage.objects.filter(user=cast.owner, created_at__lte=timezone.now()).order_by(
            "-pk"
        )[0]
    return str(message.context["code"])


@pytest.mark.parametrize(
    ("identifier", "narrow"), [("owen", False), ("Owen@people.example ", True), ("70001", False)]
)
def test_password_and_mailed_code_lead_in(
    cast: Cast, visitor_of: Callable[..., Visitor], identifier: str, narrow: bool
) -> None:
    visitor = visitor_of(cast.lender, narrow=narrow)
    page = visitor.open("/account/sign-in/")
    visitor.picture(f"sign-in-{'narrow' if narrow else 'wide'}")
    assert visitor.barriers() == []
    page.get_by_label("User name").fill(identifier)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").wait_for()
    visitor.picture(f"code-{'narrow' if narrow else 'wide'}")
    assert visitor.barriers() == []
    assert not visitor.overflows()
    page.get_by_label("Code").fill(mailed_code(cast))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{visitor.origin}/")
    assert visitor.complaints == []
