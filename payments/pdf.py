"""Receipts as PDF."""

from finance.pdf import render_pdf
from payments.queries.receipts import ReceiptPage


def receipt_pdf(page: ReceiptPage, *, itemised: bool) -> bytes:
    """The receipt as a tagged PDF in the lender's language; the same page gives the same bytes.

    `itemised` shows the split of each unit or loan; otherwise there is one total.
    """
    return render_pdf(
        "payments/receipt_pdf.html",
        {"page": page, "itemised": itemised},
        lender=page.lender,
        stylesheet="payments/receipt-print.css",
    )
