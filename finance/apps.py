"""Start-up of the finance app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class FinanceConfig(AppConfig):
    """What is owed."""

    name = "finance"
    verbose_name = _("Lending")
