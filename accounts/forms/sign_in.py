"""The sign-in form."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm
from allauth.account.models import Login
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

MAX_PASSWORD = 128


class SignInForm(LoginForm):
    """User name, e-mail or customer number, and the password."""

    field_order = ["login", "password"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.refusal: Any = None
        self.fields["login"] = forms.CharField(
            label=_("User name, e-mail or customer number"),
            max_length=254,
            widget=forms.TextInput(
                attrs={
                    "autocomplete": "username",
                    "autocapitalize": "off",
                    "spellcheck": "false",
                    "autofocus": True,
                }
            ),
            error_messages={"required": _("Enter your user name, e-mail or customer number.")},
        )
        self.fields["password"] = forms.CharField(
            label=_("Password"),
            max_length=MAX_PASSWORD,
            strip=False,
            widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
            error_messages={"required": _("Enter your password.")},
        )
        self.order_fields(self.field_order)

    def user_credentials(self) -> dict[str, str]:
        """One identifier, whatever it looks like: the backend resolves it to at most one person."""
        return {"identifier": self.cleaned_data["login"], "password": self.cleaned_data["password"]}

    def _clean_with_password(self, credentials: dict[str, str]) -> dict[str, Any]:
        try:
            self.user = get_adapter(self.request).authenticate(self.request, **credentials)
        except ValidationError as refusal:
            self.refusal = getattr(refusal, "attempt", None)
            if refusal.code == "locked":
                raise ValidationError(_("Sign-in is locked for now."), code="locked") from refusal
            raise ValidationError(
                _("That name and password do not belong together. Check both, and whether Caps Lock is on."),
                code="wrong",
            ) from refusal
        self._login = Login(user=self.user)
        return self.cleaned_data
