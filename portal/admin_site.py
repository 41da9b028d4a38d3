"""The finance office: Django's admin behind the portal's own sign-in."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib.admin import AdminSite, ModelAdmin
from django.contrib.auth.views import redirect_to_login
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Access
from portal.queries.office import office_figures, statement_page

#: The tables of the office as people think of them; what is named nowhere comes last.
GROUPS: tuple[tuple[Any, str, tuple[str, ...]], ...] = (
    (_("Customers"), "customers", ("accounts.dealership", "accounts.user", "accounts.membership")),
    (
        _("Credit"),
        "credit",
        (
            "finance.creditline",
            "finance.unit",
            "finance.vehicletitle",
            "finance.loan",
            "finance.account",
            "finance.dueitem",
        ),
    ),
    (
        _("Money"),
        "money",
        (
            "payments.payment",
            "payments.gatewayevent",
            "finance.journalentry",
            "finance.journalline",
            "finance.ledgeraccount",
        ),
    ),
    (
        _("Rates and rules"),
        "rules",
        ("finance.rateindex", "finance.indexfixing", "finance.rateplan", "finance.curtailmentprogramme"),
    ),
    (
        _("Statements and end of day"),
        "close",
        ("finance.statement", "finance.statementbatch", "finance.daystep"),
    ),
    (_("Messages and news"), "messages", ("support.announcement", "accounts.outgoingmessage")),
    (_("Trail"), "trail", ("accounts.auditentry", "accounts.rowchange")),
)


class ForecourtAdminSite(AdminSite):
    """Opens only for finance staff of the host's lender who have shown a second factor in this session."""

    site_header = _("Finance office")
    site_title = _("Finance office")
    index_title = _("Finance office")
    index_template = "admin/office_index.html"
    site_url = None
    enable_nav_sidebar = True

    # --- who may ------------------------------------------------------------------------------------------------------

    def has_permission(self, request: HttpRequest) -> bool:
        """Finance staff with a factor shown; a dealer or an agent has no office."""
        access: Access | None = getattr(request, "access", None)
        return bool(access and access.factor_satisfied and access.may("finance.office"))

    def admin_view(  # type: ignore[override]
        self, view: Callable[..., Any], cacheable: bool = False
    ) -> Callable[..., HttpResponseBase]:
        """Send the anonymous to the portal's sign-in and the half signed in to their second step.

        For everybody else without the right the office does not exist.
        """
        inner = super().admin_view(view, cacheable)

        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if self.has_permission(request):
                return inner(request, *args, **kwargs)
            return self._turn_away(request, request.get_full_path())

        return guarded

    def login(self, request: HttpRequest, extra_context: object = None) -> HttpResponse:
        """There is no password form here: the one sign-in of the portal leads everybody in."""
        index = reverse("admin:index", current_app=self.name)
        wanted = request.GET.get("next", "")
        here = url_has_allowed_host_and_scheme(
            wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        target = wanted if here and not wanted.startswith(request.path) else index
        if self.has_permission(request):
            return redirect(target)
        return self._turn_away(request, target)

    def _turn_away(self, request: HttpRequest, target: str) -> HttpResponse:
        access: Access | None = getattr(request, "access", None)
        if access is None:
            return redirect_to_login(target)
        if not access.factor_satisfied:
            return redirect("accounts:factor-enrol")
        raise Http404

    # --- what Django's admin brings and the portal has elsewhere ------------------------------------------------------

    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: object = None
    ) -> HttpResponse:
        """The portal's own sign-out asks and ends the session."""
        return redirect("account_logout")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: object = None
    ) -> HttpResponse:
        """The password is changed on the portal's own page, which asks for the second factor."""
        return redirect("account_change_password")

    def password_change_done(  # type: ignore[override]
        self, request: HttpRequest, extra_context: object = None
    ) -> HttpResponse:
        """There is no such page."""
        raise Http404

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's addresses without the one that shows any row of any table by its number."""
        return [url for url in super().get_urls() if getattr(url, "name", "") != "view_on_site"]

    def get_log_entries(self, request: HttpRequest) -> Any:
        """Django's own log is not kept; the audit trail is."""
        return ()

    # --- what is in it ------------------------------------------------------------------------------------------------

    def register(
        self,
        model_or_iterable: type[Model] | Iterable[type[Model]],
        admin_class: type[ModelAdmin] | None = None,
        **options: Any,
    ) -> None:
        """Take in what is made for the office; what libraries would register with every admin stays out."""
        if getattr(admin_class, "is_office", False):
            super().register(model_or_iterable, admin_class, **options)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """The tables in the groups of GROUPS."""
        known: dict[str, Any] = {}
        for app in self._build_app_dict(request).values():
            for model in app["models"]:
                model["name"] = self._registry[model["model"]].list_name  # type: ignore[attr-defined]
                known[f"{app['app_label']}.{model['object_name'].lower()}"] = model
        index = reverse("admin:index", current_app=self.name)
        groups = []
        for name, label, tables in (*GROUPS, (_("Other"), "other", tuple(known))):
            models = [known.pop(table) for table in tables if table in known]
            if models:
                groups.append(
                    {
                        "name": name,
                        "app_label": label,
                        "app_url": f"{index}#{label}",
                        "has_module_perms": True,
                        "models": models,
                    }
                )
        return groups

    def app_index(  # type: ignore[override]
        self, request: HttpRequest, app_label: str, extra_context: Any = None
    ) -> HttpResponse:
        """There are no pages by app: people do not think in them."""
        return redirect("admin:index")

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """The day's figures, each leading to the list behind it, then everything there is."""
        access: Access = request.access  # type: ignore[attr-defined]
        return super().index(
            request,
            {
                "subtitle": None,
                "figures": office_figures(today=access.business_date, now=timezone.now()),
                "statement_url": statement_page(),
                **(extra_context or {}),
            },
        )
