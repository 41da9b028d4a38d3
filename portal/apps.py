"""Start-up of the portal."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    """The top of the house: settings, URL map, Celery application, pages that span apps."""

    name = "portal"
    default = True
    verbose_name = _("Portal")

    def ready(self) -> None:
        """Make the Celery application the current one, so that tasks declared with shared_task find the broker."""
        import_module("portal.celery")


class ForecourtAdminConfig(admin_apps.AdminConfig):
    """Django's admin with the portal's own site in place of the stock one."""

    default = False
    default_site = "portal.admin_site.ForecourtAdminSite"
