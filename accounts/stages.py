"""The stage between a right password and a session: the second factor."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from accounts.actions.email_codes import email_factor_of, send_email_code
from accounts.allauth_compat import LoginStage, came_by_reset
from accounts.models import EmailCodeFactor, User
from accounts.queries.factors import factor_policy, main_factors_of


class FactorStage(LoginStage):
    """Asks for a factor of whoever has one, and makes those who must have one set it up.

    `state` keeps, from one page to the next: `auth_hash` (a password change ends half-finished sign-ins too),
    `by_reset`, `mailbox_proven_at` and `enrolled` (the id of a factor set up within this sign-in).
    """

    key = "factor"
    urlname = "accounts:factor-verify"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        """(page to go to, whether the sign-in stays under way); (None, True) lets it through."""
        person = self.login.user
        if not isinstance(person, User):
            # Another host's half-finished sign-in, or a person gone since.
            return redirect("account_login"), False
        now = timezone.now()
        policy = factor_policy(person, self.request.lender, now)
        self.state["auth_hash"] = person.get_session_auth_hash()
        self.state["by_reset"] = came_by_reset(self.request, person)
        factors = main_factors_of(person)
        if factors:
            if all(isinstance(factor, EmailCodeFactor) for factor in factors):
                send_email_code(factor=email_factor_of(person), now=now)
            return redirect("accounts:factor-verify"), True
        if policy.required:
            send_email_code(factor=email_factor_of(person), now=now)
            return redirect("accounts:factor-enrol"), True
        return None, True
