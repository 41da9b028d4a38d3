"""Passwords: asking for a link, choosing a new one, confirming the present one."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User

# Room to say "too long" about a password that is too long, yet no room for a megabyte.
_TYPED_AT_MOST = 4096


class ResetRequestForm(forms.Form):
    """Whose password is forgotten."""

    identifier = forms.CharField(
        label=_("E-mail, user name or customer number"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false"}
        ),
        help_text=_("Any of the three. The mail also tells your user name."),
        error_messages={"required": _("Enter your e-mail, user name or customer number.")},
    )


class _NewPasswordMixin(forms.Form):
    person: User

    def clean_password(self) -> str:
        """The validators say what is wrong and what to do instead."""
        password = str(self.cleaned_data["password"])
        validate_password(password, self.person)
        return password


def _new_password_field() -> forms.CharField:
    return forms.CharField(
        label=_("New password"),
        max_length=_TYPED_AT_MOST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "minlength": "12"}),
        help_text=_(
            "At least 12 characters. A few unrelated words are stronger and easier than signs and digits."
        ),
        error_messages={"required": _("Enter a new password.")},
    )


class NewPasswordForm(_NewPasswordMixin):
    """A new password, after the mailed link."""

    password = _new_password_field()

    def __init__(self, *args: Any, user: User, temp_key: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = user


class ChangePasswordForm(_NewPasswordMixin):
    """A new password in place of the present one."""

    present = forms.CharField(
        label=_("Present password"),
        max_length=_TYPED_AT_MOST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Enter your present password.")},
    )
    password = _new_password_field()

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if cleaned and cleaned.get("password") and cleaned.get("password") == cleaned.get("present"):
            self.add_error(
                "password", ValidationError(_("This is your present password. Choose another one."))
            )
        return cleaned


class PresentPasswordForm(forms.Form):
    """The present password, asked again before something sensitive."""

    present = forms.CharField(
        label=_("Password"),
        max_length=_TYPED_AT_MOST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
        error_messages={"required": _("Enter your password.")},
    )
