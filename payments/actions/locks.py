"""The locks of payments, always taken in the same order: the dealership's payments first, then one payment."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db import connection, models

from accounts.models import Dealership, Lender, User
from accounts.tenancy import current_lender_id
from finance.actions.receipts import Share
from finance.models import JournalEntry
from payments.models import Payment, PaymentMethod

# What `payments_hold` brings along with the payment, each under the name of the payment's own key to it.
_BROUGHT: Final[dict[str, type[models.Model]]] = {
    "lender": Lender,
    "method": PaymentMethod,
    "dealership": Dealership,
    "made_by": User,
    "entry": JournalEntry,
}
_MODELS: Final[dict[str, type[models.Model]]] = {"payment": Payment, **_BROUGHT}
_FIELDS: Final = {
    name: [field.attname for field in model._meta.concrete_fields] for name, model in _MODELS.items()
}
# Named one by one, so that a column which the running code does not know yet is no trouble.
_COLUMNS: Final = ", ".join(
    f'(h.{name})."{field.column}"' for name, model in _MODELS.items() for field in model._meta.concrete_fields
)
_HOLD: Final = "SELECT {columns}, h.shares FROM payments_hold(%s, %s) AS h".replace("{columns}", _COLUMNS)


@dataclass(frozen=True, slots=True)
class HeldPayment:
    """A payment under its locks, and what of it goes to which account, in the order of the accounts."""

    payment: Payment
    shares: tuple[Share, ...]


def lock_payments_of(dealership_id: int) -> None:
    """Wait for, and hold until the transaction ends, the right to submit or post payments of this dealership.

    Submitting reads what is owed and what is on its way; settling moves an amount from the second to the first.
    Without the lock a payment that settles in between would be seen in neither.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT payments_lock(%s, %s)", [current_lender_id(), dealership_id])


def hold_payment(payment_id: int) -> HeldPayment:
    """Lock the payments of its dealership, then the payment, and read it with its shares: one round trip.

    The payment comes with its lender, method, dealership, person and entry. Raises Payment.DoesNotExist.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [current_lender_id(), payment_id])
        row = cursor.fetchone()
    if row is None:
        raise Payment.DoesNotExist(f"There is no payment {payment_id} here.")
    width = len(_FIELDS["payment"])
    payment = Payment.from_db(connection.alias, _FIELDS["payment"], row[:width])
    start = width
    for name, model in _BROUGHT.items():
        end = start + len(_FIELDS[name])
        # An entry that is not there yet comes as a row of nothing.
        is_there = getattr(payment, f"{name}_id") is not None
        brought = model.from_db(connection.alias, _FIELDS[name], row[start:end]) if is_there else None
        setattr(payment, name, brought)
        start = end
    shares = json.loads(row[-1]) if row[-1] else []
    return HeldPayment(
        payment, tuple(Share(account_id, purpose, Decimal(amount)) for account_id, purpose, amount in shares)
    )


def locked_payment(payment_id: int) -> Payment:
    """The payment with its lender, method, dealership, person and entry; it and its dealership's payments locked."""
    return hold_payment(payment_id).payment
