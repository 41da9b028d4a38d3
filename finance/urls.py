"""Addresses of the finance app."""

from django.urls import URLPattern, path

from finance.views import due, lines, units

app_name = "finance"
urlpatterns: list[URLPattern] = [
    path("due/", due.due_list, name="due-list"),
    path("units/", units.unit_list, name="unit-list"),
    path("units/export.csv", units.unit_export, name="unit-export"),
    path("lines/", lines.line_list, name="line-list"),
    path("lines/<uuid:public_id>/", lines.line_detail, name="line-detail"),
]
