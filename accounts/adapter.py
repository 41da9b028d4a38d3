"""Where allauth meets the portal."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from accounts.actions.sign_in import complete_sign_in, sign_out
from accounts.actions.sign_in_guard import Reservation, note_attempt, note_failure, reserve_attempt, take_back
from accounts.addresses import client_address
from accounts.models import SignInAttempt, SignInGuard, User
from accounts.queries.people import find_person

SIGNED_IN_AT = "signed_in_at"


class SignInRefusedError(ValidationError):
    """A password was not even looked at, or was wrong; `attempt` says whether the account is locked."""

    def __init__(self, attempt: Reservation) -> None:
        super().__init__("refused", code="locked" if attempt.refused or attempt.locked_until else "wrong")
        self.attempt = attempt


class ForecourtAccountAdapter(DefaultAccountAdapter):
    """allauth's flows with the portal's lock, single hash, second factor, hosts and mails."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """People are invited or entered by the lender; nobody signs up."""
        return False

    def get_login_stages(self) -> list[str]:
        """One stage for every second factor."""
        return ["accounts.stages.FactorStage"]

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User:
        """The person whose password this is; raises SignInRefusedError otherwise.

        The attempt is counted before the one hash is computed, under the account whatever identifier was typed.
        """
        typed, password = credentials["identifier"], credentials["password"]
        now = timezone.now()
        agent = self.get_http_user_agent(request)
        person = find_person(typed)
        attempt = reserve_attempt(person=person, typed=typed, proof=SignInGuard.Proof.PASSWORD, now=now)
        if attempt.refused:
            note_attempt(
                person=person, key=attempt.key, outcome=SignInAttempt.Outcome.LOCKED, user_agent=agent
            )
            raise SignInRefusedError(attempt)
        found = authenticate(request, identifier=typed, password=password)
        if not isinstance(found, User):
            outcome = SignInAttempt.Outcome.WRONG_PASSWORD
            if person is None:
                outcome = SignInAttempt.Outcome.UNKNOWN
            elif not person.is_active:
                outcome = SignInAttempt.Outcome.INACTIVE
            note_failure(attempt, outcome=outcome, user_agent=agent, now=now)
            raise SignInRefusedError(attempt)
        take_back(attempt)
        note_attempt(
            person=found, key=attempt.key, outcome=SignInAttempt.Outcome.PASSWORD_PASSED, user_agent=agent
        )
        return found

    def reauthenticate(self, user: User, password: str) -> bool:
        """As for a sign-in: counted, locked, one hash. Raises SignInRefusedError."""
        self.authenticate(context.request, identifier=user.username, password=password)
        return True

    def login(self, request: HttpRequest, user: User) -> None:
        """The end of every stage: a new session key, the counters cleared, the log written."""
        super().login(request, user)
        request.session[SIGNED_IN_AT] = int(timezone.now().timestamp())
        complete_sign_in(person=user, user_agent=self.get_http_user_agent(request))

    def logout(self, request: HttpRequest) -> None:
        """Ends the session on the server; the old cookie is worth nothing afterwards."""
        person, agent = request.user, self.get_http_user_agent(request)
        if isinstance(person, User):
            sign_out(person=person, user_agent=agent)
        super().logout(request)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        """Someone switched off while signing in: back to the start, without a word about why."""
        return redirect("account_login")

    def is_safe_url(self, url: str | None) -> bool:
        """Only this very host: neither another lender's nor any other name of ALLOWED_HOSTS."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        """The address that everything else of the portal goes by, too."""
        return client_address(request) or "0.0.0.0"  # noqa: S104 (an unknown address, nothing is bound to it)

    def get_logout_redirect_url(self, request: HttpRequest) -> str:
        return reverse("account_login")

    def is_ajax(self, request: HttpRequest) -> bool:
        """The pages answer pages, whatever headers a script sends."""
        return False

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """No mail of allauth itself leaves: each of ours is ordered with the change that causes it."""
        raise RuntimeError(f"Order a message instead of {template_prefix}.")

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """See send_mail."""
