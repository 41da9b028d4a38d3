"""Start-up of the payments app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PaymentsConfig(AppConfig):
    """How money moves."""

    name = "payments"
    verbose_name = _("Payments")
