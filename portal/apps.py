from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _


class PortalConfig(AppConfig):
    name = "portal"
    default = True
    verbose_name = _("Portal")

    def ready(self) -> None:
        # Tasks declared with shared_task find the broker through this application.
        from portal import celery  # noqa: F401


class ForecourtAdminConfig(admin_apps.AdminConfig):
    default = False
    default_site = "portal.admin_site.ForecourtAdminSite"
