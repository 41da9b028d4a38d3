"""Addresses of the payments app."""

from django.urls import URLPattern, path

from payments.views import choose, history, receipts, review
from payments.webhooks import gateway_events

app_name = "payments"
urlpatterns: list[URLPattern] = [
    path("", history.payment_list, name="payment-list"),
    path("export.csv", history.payment_export, name="payment-export"),
    path("new/", choose.choose, name="choose"),
    path("review/<uuid:token>/", review.review, name="review"),
    path("submit/", review.submit, name="submit"),
    path("pending/<uuid:public_id>/", history.pending_of_account, name="pending-of-account"),
    path("gateway/<slug:gateway>/events/", gateway_events, name="gateway-events"),
    path("<uuid:public_id>/", receipts.receipt, name="receipt"),
    path("<uuid:public_id>/receipt.pdf", receipts.receipt_pdf, name="receipt-pdf"),
    path("<uuid:public_id>/progress/", receipts.receipt_progress, name="receipt-progress"),
    path("<uuid:public_id>/cancel/", receipts.cancel, name="cancel"),
]
