"""How money moves."""

from payments.models.drafts import PaymentDraft
from payments.models.methods import PaymentMethod
from payments.models.payments import GatewayEvent, Payment, PaymentShare, PaymentStep
from payments.models.receipts import PaymentReceipt

__all__ = [
    "GatewayEvent",
    "Payment",
    "PaymentDraft",
    "PaymentMethod",
    "PaymentReceipt",
    "PaymentShare",
    "PaymentStep",
]
