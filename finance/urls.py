"""Addresses of the finance app."""

from django.urls import URLPattern, path

from finance.views import accounts, due, lines, loans, statement_batches, statements, transactions, units

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
    path("transactions/", transactions.transaction_list, name="transaction-list"),
    path("transactions/export.csv", transactions.transaction_export, name="transaction-export"),
    path("statements/", statements.statement_list, name="statement-list"),
    path("statements/months/", statement_batches.statement_batch, name="statement-batch"),
    path(
        "statements/months/<uuid:public_id>/",
        statement_batches.statement_batch_detail,
        name="statement-batch-detail",
    ),
    path(
        "statements/months/<uuid:public_id>/progress/",
        statement_batches.statement_batch_progress,
        name="statement-batch-progress",
    ),
    path(
        "statements/months/<uuid:public_id>/retry/",
        statement_batches.statement_batch_retry,
        name="statement-batch-retry",
    ),
    path("statements/<uuid:public_id>/", statements.statement_detail, name="statement-detail"),
    path("statements/<uuid:public_id>/progress/", statements.statement_progress, name="statement-progress"),
    path("statements/<uuid:public_id>/pdf/", statements.statement_pdf, name="statement-pdf"),
    path("statements/<uuid:public_id>/csv/", statements.statement_csv, name="statement-csv"),
    path("accounts/<uuid:public_id>/ledger/", accounts.account_ledger, name="account-ledger"),
]
