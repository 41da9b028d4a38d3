"""Signing in with a password, and signing out."""

from typing import Any

from allauth.account.views import LoginView, LogoutView
from django.http import HttpResponse

from accounts.forms.sign_in import SignInForm

# Set by the middleware that ended a session; the sign-in page says why.
SESSION_ENDED = "session_ended"


class SignInView(LoginView):
    """The one password form of the portal."""

    form_class = SignInForm
    template_name = "account/login.html"

    def form_invalid(self, form: SignInForm) -> HttpResponse:
        """429 while locked; the same for a name that nobody has."""
        response: HttpResponse = super().form_invalid(form)
        if form.refusal is not None and (form.refusal.refused or form.refusal.locked_until):
            response.status_code = 429
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        refusal = context["form"].refusal
        if refusal is not None and (refusal.refused or refusal.locked_until):
            context["lock"] = refusal
        context["session_ended"] = (
            self.request.session.pop(SESSION_ENDED, "") if self.request.method == "GET" else ""
        )
        return context


class SignOutView(LogoutView):
    """Asks on GET, signs out on POST."""

    template_name = "account/logout.html"


sign_in = SignInView.as_view()
sign_out = SignOutView.as_view()
