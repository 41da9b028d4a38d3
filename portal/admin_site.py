"""The finance office: Django's admin behind the portal's own sign-in."""

from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Access


class ForecourtAdminSite(AdminSite):
    """Opens only for finance staff of the host's lender who have shown a second factor in this session."""

    site_header = _("Finance office")
    site_title = _("Finance office")
    index_title = _("Finance office")
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        """Finance staff with a factor shown; a dealer or an agent has no office."""
        access: Access | None = getattr(request, "access", None)
        return bool(access and access.factor_satisfied and access.may("finance.office"))

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """There is no password form here: the one sign-in of the portal leads everybody in."""
        access: Access | None = getattr(request, "access", None)
        if access is None:
            return redirect_to_login(request.get_full_path())
        if not access.factor_satisfied:
            return redirect("accounts:factor-enrol")
        raise Http404
