"""Setting up and showing a second step, a lock, a forgotten password and the own account, in a real browser."""

import re
from collections.abc import Callable

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from accounts.models import AuthenticatorFactor, EmailCodeFactor, OutgoingMessage
from accounts.tenancy import tenant
from tests.accounts.browsing import app_code, authenticator_of, mailed_code
from tests.browser.conftest import Visitor
from tests.cast import PASSWORD, Cast

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

VisitorOf = Callable[..., Visitor]
both_sizes = pytest.mark.parametrize("narrow", [False, True], ids=["wide", "phone"])


def _sound(visitor: Visitor, name: str, narrow: bool) -> None:
    """The page keeps nobody out, fits, and asks nobody else for anything."""
    visitor.picture(f"{name}-{'phone' if narrow else 'wide'}")
    assert visitor.barriers() == []
    assert not visitor.overflows()
    assert visitor.complaints == []


def _type_password(page: Page, name: str = "owen", password: str = PASSWORD) -> None:
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


@both_sizes
def test_a_fresh_account_is_led_through_to_an_app_and_its_recovery_codes(
    cast: Cast, visitor_of: VisitorOf, narrow: bool
) -> None:
    with tenant(cast.lender.pk):
        EmailCodeFactor.objects.all().delete()
    visitor = visitor_of(cast.lender, narrow=narrow)
    page = visitor.open("/account/sign-in/")
    _type_password(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up your second step")
    expect(page.get_by_role("button", name=re.compile("Send another code"))).to_be_disabled()
    _sound(visitor, "set-up-mailbox", narrow)
    page.get_by_label("Code from the e-mail").fill(mailed_code(cast.owner))
    page.get_by_role("button", name="Continue").click()
    _sound(visitor, "set-up-choose", narrow)
    page.get_by_role("link", name="Set up an app").click()
    picture = page.locator("img[src^='data:image/svg']")
    expect(picture).to_be_visible()
    assert page.evaluate("document.querySelector(\"img[src^='data:image/svg']\").naturalWidth") > 100
    _sound(visitor, "set-up-app", narrow)
    with tenant(cast.lender.pk):
        factor = AuthenticatorFactor.objects.get(user=cast.owner)
    page.get_by_label("Code from the app").fill(app_code(factor, timezone.now()))
    page.get_by_role("button", name="Switch it on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your recovery codes")
    _sound(visitor, "recovery-codes", narrow)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    kept = download.value.path().read_text()
    assert len(re.findall(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}", kept)) == 10
    page.get_by_role("button", name="I have kept them").click()
    page.wait_for_url(f"{visitor.origin}/")


@both_sizes
def test_an_app_is_asked_first_and_the_mail_is_another_way(
    cast: Cast, visitor_of: VisitorOf, narrow: bool
) -> None:
    authenticator_of(cast.owner)
    visitor = visitor_of(cast.lender, narrow=narrow)
    page = visitor.open("/account/sign-in/")
    _type_password(page)
    expect(page.get_by_label("Code")).to_be_focused()
    _sound(visitor, "code-app", narrow)
    page.get_by_role("link", name="Have a code mailed instead").click()
    _sound(visitor, "code-mail-unsent", narrow)
    page.get_by_role("button", name="Send the code").click()
    page.get_by_label("Code").fill(mailed_code(cast.owner))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{visitor.origin}/")


@both_sizes
def test_a_lock_says_until_when_and_what_to_do(cast: Cast, visitor_of: VisitorOf, narrow: bool) -> None:
    visitor = visitor_of(cast.lender, narrow=narrow)
    page = visitor.open("/account/sign-in/")
    for number in range(5):
        _type_password(page, password=f"wrong {number}")
        if number == 0:
            expect(page.locator("[data-error-summary]")).to_be_focused()
            assert page.get_by_label("User name").input_value() == "owen"
            _sound(visitor, "sign-in-wrong", narrow)
    expect(page.get_by_text("Sign-in is locked until")).to_be_visible()
    _sound(visitor, "sign-in-locked", narrow)


@both_sizes
def test_a_forgotten_password_is_set_anew_by_the_mailed_link(
    cast: Cast, visitor_of: VisitorOf, narrow: bool
) -> None:
    visitor = visitor_of(cast.lender, narrow=narrow)
    page = visitor.open("/account/sign-in/")
    page.get_by_role("link", name="Forgotten your password or user name?").click()
    _sound(visitor, "reset-ask", narrow)
    page.get_by_label("E-mail, user name or customer number").fill("70001")
    page.get_by_role("button", name="Send the mail").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look into your mailbox")
    _sound(visitor, "reset-sent", narrow)
    with tenant(cast.lender.pk):
        path = OutgoingMessage.objects.get(template="password-reset").context["action_path"]
    page = visitor.open(path)
    _sound(visitor, "reset-new", narrow)
    page.get_by_label("New password").fill("dealership2026")
    page.get_by_role("button", name="Set this password").click()
    expect(page.locator("[data-error-summary]")).to_contain_text("easy to guess")
    page.get_by_label("New password").fill("a lighthouse near Bergen")
    page.get_by_role("button", name="Set this password").click()
    page.get_by_label("Code").fill(mailed_code(cast.owner))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{visitor.origin}/")
    page = visitor.open(path)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link no longer works")
    _sound(visitor, "reset-dead", narrow)


@both_sizes
def test_the_pages_of_the_own_account_are_sound(cast: Cast, visitor_of: VisitorOf, narrow: bool) -> None:
    factor = authenticator_of(cast.owner)
    visitor = visitor_of(cast.owner, narrow=narrow)
    for name, path in (
        ("security", "/account/security/"),
        ("devices", "/account/security/devices/"),
        ("sign-ins", "/account/security/sign-ins/"),
        ("password", "/account/password/"),
        ("factor-remove", f"/account/security/factors/{factor.public_id}/remove/"),
        ("sign-out", "/account/sign-out/"),
    ):
        visitor.open(path)
        _sound(visitor, f"own-{name}", narrow)


def test_a_session_ended_elsewhere_is_at_the_sign_in_page_with_its_next_click(
    cast: Cast, visitor_of: VisitorOf
) -> None:
    here, there = visitor_of(cast.owner), visitor_of(cast.owner)
    there.open("/account/security/")
    page = here.open("/account/security/devices/")
    expect(page.get_by_text("this one")).to_be_visible()
    page.get_by_role("button", name="Sign out every other device").click()
    expect(page.get_by_text("Every other device is signed out.")).to_be_visible()
    there.page.get_by_role("link", name="Signed-in devices").click()
    expect(there.page.get_by_role("heading", level=1)).to_have_text("Sign in")
