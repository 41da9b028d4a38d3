"""Addresses of the finance app."""

from django.urls import URLPattern, path

from finance.views import accounts, due, lines, loans, units

app_name = "finance"
urlpatterns: list[URLPattern] = [
    path("due/", due.due_list, name="due-list"),
    path("units/", units.unit_list, name="unit-list"),
    path("units/export.csv", units.unit_export, name="unit-export"),
    path("units/<uuid:public_id>/", accounts.unit_detail, name="unit-detail"),
    path("units/<uuid:public_id>/payoff/", accounts.unit_payoff, name="unit-payoff"),
    path("loans/", loans.loan_list, name="loan-list"),
    path("loans/<uuid:public_id>/", loans.loan_detail, name="loan-detail"),
    path("loans/<uuid:public_id>/payoff/", accounts.loan_payoff, name="loan-payoff"),
    path("lines/", lines.line_list, name="line-list"),
    path("lines/<uuid:public_id>/", lines.line_detail, name="line-detail"),
    path("accounts/<uuid:public_id>/ledger/", accounts.account_ledger, name="account-ledger"),
]
