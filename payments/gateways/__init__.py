"""Gateways: one kind of outside I/O each, all with the same small protocol."""

from payments.gateways.protocol import Gateway
from payments.gateways.registry import event_secret, gateway_named

__all__ = ["Gateway", "event_secret", "gateway_named"]
