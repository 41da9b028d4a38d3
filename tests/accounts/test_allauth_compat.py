"""What the portal uses of allauth without its documentation. When one of these fails, allauth moved something."""

import inspect

import allauth
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.views import PasswordResetFromKeyView
from django.conf import settings
from django.urls import NoReverseMatch, get_resolver, reverse

from accounts import allauth_compat
from accounts.adapter import ForecourtAccountAdapter
from accounts.stages import FactorStage


def test_the_version_is_the_one_that_was_read() -> None:
    assert allauth.__version__ == "65.21.1"


def test_the_internals_have_the_shape_that_is_relied_on() -> None:
    assert list(inspect.signature(allauth_compat.stash_login).parameters) == ["request", "login"]
    assert list(inspect.signature(allauth_compat.clear_login).parameters) == ["request"]
    assert list(inspect.signature(allauth_compat.perform_login).parameters) == ["request", "login"]
    assert list(inspect.signature(allauth_compat.get_authentication_records).parameters) == [
        "request",
        "user",
    ]
    assert list(inspect.signature(allauth_compat.record_authentication).parameters) == [
        "request",
        "user",
        "method",
        "extra_data",
    ]
    assert list(inspect.signature(allauth_compat.logout).parameters) == ["request", "show_message"]
    assert list(inspect.signature(allauth_compat.LoginStageController.enter).parameters) == [
        "request",
        "stage_key",
    ]
    assert isinstance(allauth_compat.INTERNAL_RESET_SESSION_KEY, str)


def test_a_stage_still_has_its_login_its_state_and_its_ways_out() -> None:
    assert issubclass(FactorStage, allauth_compat.LoginStage)
    assert {"handle", "exit", "abort"} <= set(dir(allauth_compat.LoginStage))
    assert "state" in inspect.getsource(allauth_compat.LoginStage.__init__)


def test_every_method_that_the_adapter_replaces_still_exists() -> None:
    own = {
        name
        for name, member in vars(ForecourtAccountAdapter).items()
        if inspect.isfunction(member) and not name.startswith("_")
    }
    assert own <= set(dir(DefaultAccountAdapter)), own - set(dir(DefaultAccountAdapter))


def test_the_reset_view_still_keeps_the_token_where_it_is_read() -> None:
    source = inspect.getsource(PasswordResetFromKeyView)
    assert "self.reset_user = token_form.reset_user" in source
    assert "self.key = self.request.session.get(INTERNAL_RESET_SESSION_KEY" in source


def test_the_one_stage_is_the_one_that_runs() -> None:
    assert ForecourtAccountAdapter().get_login_stages() == ["accounts.stages.FactorStage"]
    assert settings.AUTHENTICATION_BACKENDS == ["accounts.backends.LenderBackend"]
    assert not ForecourtAccountAdapter().is_open_for_signup(None)  # type: ignore[arg-type]


def test_no_page_of_allauth_is_mounted_but_the_needed_ones() -> None:
    names = {
        name for name in get_resolver().reverse_dict if isinstance(name, str) and name.startswith("account_")
    }
    assert names == {
        "account_login",
        "account_logout",
        "account_change_password",
        "account_reset_password",
        "account_reset_password_done",
        "account_reset_password_from_key",
        "account_reauthenticate",
    }
    for name in ("account_signup", "account_email", "usersessions_list"):
        try:
            reverse(name)
        except NoReverseMatch:
            continue
        raise AssertionError(name)
