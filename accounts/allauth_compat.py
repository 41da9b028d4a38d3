"""Everything the portal uses of allauth that allauth does not document.

allauth is pinned; `tests/accounts/test_allauth_compat.py` fails when one of these moves.
"""

from typing import Any

from allauth.account.internal.flows.login import (
    get_authentication_records,
    perform_login,
    record_authentication,
)
from allauth.account.internal.flows.logout import logout
from allauth.account.internal.stagekit import clear_login, stash_login
from allauth.account.models import Login
from allauth.account.stages import LoginStage, LoginStageController
from allauth.account.views import INTERNAL_RESET_SESSION_KEY
from django.http import HttpRequest, HttpResponse

from accounts.models import User

__all__ = ["INTERNAL_RESET_SESSION_KEY", "Login", "LoginStage"]


def pending_stage(request: HttpRequest, key: str) -> Any | None:
    """The half-finished sign-in of this browser, when it waits at stage `key`; `stage.login.user` may be None."""
    return LoginStageController.enter(request, key)


def keep_stage(request: HttpRequest, stage: LoginStage) -> None:
    """Store what was written into `stage.state`."""
    stash_login(request, stage.login)


def forget_stage(request: HttpRequest) -> None:
    """Drop the half-finished sign-in of this browser."""
    clear_login(request)


def came_by_reset(request: HttpRequest, person: User) -> bool:
    """Whether the sign-in under way began with a mailed reset link, not with a password."""
    records = get_authentication_records(request, person)
    return bool(records) and records[-1].get("method") == "password_reset"


def sign_in_after_reset(request: HttpRequest, person: User) -> HttpResponse:
    """Go on after a new password was set: through every stage, like any sign-in."""
    record_authentication(request, person, method="password_reset")
    response: HttpResponse = perform_login(request, Login(user=person))
    return response


def leave(request: HttpRequest) -> None:
    """Sign this browser out and drop whatever was half-finished in it."""
    logout(request, show_message=False)
