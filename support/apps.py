"""Start-up of the support app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SupportConfig(AppConfig):
    """Tickets, announcements, the unlock desk."""

    name = "support"
    verbose_name = _("Support")
