"""Start-up of the accounts app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    """People, dealerships, lenders, sign-in, the trail."""

    name = "accounts"
    verbose_name = _("People and access")
