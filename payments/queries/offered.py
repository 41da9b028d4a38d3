"""Which ways of paying this installation offers, and by which gateway each moves."""

from django.conf import settings

from payments.models import PaymentMethod

BANK_DEBIT = "bank-debit"
CARD_PAGE = "card-page"

# What each kind's scheme is called at the bank, and in the table of reasons.
SCHEMES: dict[str, str] = {
    PaymentMethod.Kind.ACH_DEBIT: "ach",
    PaymentMethod.Kind.SEPA_DEBIT: "sepa",
    PaymentMethod.Kind.BACS_DEBIT: "bacs",
    PaymentMethod.Kind.CARD: "card",
}


def gateway_of(kind: str) -> str | None:
    """The name of the gateway for a kind of method; None where this installation has none, so it is not offered."""
    if kind == PaymentMethod.Kind.CARD:
        return CARD_PAGE if settings.CARD_GATEWAY_URL else None
    return BANK_DEBIT if kind in SCHEMES and settings.BANK_GATEWAY_URL else None


def methods_of(dealership_id: int) -> list[PaymentMethod]:
    """The accounts from which a dealership may pay now, in the order of their names, cards last. One query."""
    methods = PaymentMethod.objects.filter(dealership_id=dealership_id, state=PaymentMethod.State.ACTIVE)
    offered = [method for method in methods.order_by("label", "pk") if gateway_of(method.kind)]
    return sorted(offered, key=lambda method: method.kind == PaymentMethod.Kind.CARD)
