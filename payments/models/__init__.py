"""How money moves."""

from payments.models.methods import PaymentMethod
from payments.models.payments import GatewayEvent, Payment, PaymentShare, PaymentStep

__all__ = ["GatewayEvent", "Payment", "PaymentMethod", "PaymentShare", "PaymentStep"]
