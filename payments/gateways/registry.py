"""The gateways of this installation."""

from django.conf import settings

from payments.gateways.bank_debit import BankDebitGateway
from payments.gateways.card_page import CardPageGateway
from payments.gateways.protocol import Gateway


def gateway_named(name: str) -> Gateway:
    """The gateway of that name; LookupError when there is none."""
    if name == BankDebitGateway.name and settings.BANK_GATEWAY_URL:
        return BankDebitGateway(settings.BANK_GATEWAY_URL, settings.BANK_GATEWAY_SECRET)
    if name == CardPageGateway.name and settings.CARD_GATEWAY_URL:
        return CardPageGateway(settings.CARD_GATEWAY_URL, settings.CARD_GATEWAY_SECRET)
    raise LookupError(f"No gateway {name!r} is configured.")


def event_secret(name: str) -> str:
    """The secret that signs a gateway's messages; LookupError when there is no such gateway."""
    gateway_named(name)
    is_card = name == CardPageGateway.name
    return str(settings.CARD_GATEWAY_SECRET if is_card else settings.BANK_GATEWAY_SECRET)
