"""The URL map of the portal."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from portal.views import brand, dashboard, health, search

portal_patterns: list[URLPattern] = [
    path("", dashboard.dashboard, name="dashboard"),
    path("search/", search.search, name="search"),
    path("brand.css", brand.brand_css, name="brand-css"),
    path("brand/logo.svg", brand.brand_logo, name="brand-logo"),
    path("brand/icon.svg", brand.brand_icon, name="brand-icon"),
]

if settings.DEMO:
    from portal.views import components, demo

    portal_patterns += [
        path("components/", components.components_page, name="components"),
        path("components/progress/", components.components_progress, name="components-progress"),
        path("demo/mailbox/", demo.mailbox, name="demo-mailbox"),
        path("demo/logins/", demo.logins, name="demo-logins"),
    ]

urlpatterns: list[URLPattern | URLResolver] = [
    path("health/live/", health.live, name="health-live"),
    path("health/ready/", health.ready, name="health-ready"),
    path("", include((portal_patterns, "portal"))),
    path("account/", include("accounts.sign_in_urls")),
    path("account/", include("accounts.urls")),
    path("", include("finance.urls")),
    path("payments/", include("payments.urls")),
    path("support/", include("support.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "portal.views.errors.bad_request"
handler403 = "portal.views.errors.permission_denied"
handler404 = "portal.views.errors.page_not_found"
# Not Django's but allauth's, for its brake per address.
handler429 = "portal.views.errors.too_many_requests"
handler500 = "portal.views.errors.server_error"
