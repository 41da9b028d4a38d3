"""The locks of payments, always taken in the same order: the dealership's payments first, then one payment."""

from django.db import connection

from accounts.tenancy import current_lender_id
from payments.models import Payment


def lock_payments_of(dealership_id: int) -> None:
    """Wait for, and hold until the transaction ends, the right to submit or post payments of this dealership.

    Submitting reads what is owed and what is on its way; settling moves an amount from the second to the first.
    Without the lock a payment that settles in between would be seen in neither.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"payments:{current_lender_id()}:{dealership_id}"],
        )


def locked_payment(payment_id: int) -> Payment:
    """The payment with its lender, method, dealership, person and entry; it and its dealership's payments locked."""
    lock_payments_of(Payment.objects.values_list("dealership_id", flat=True).get(pk=payment_id))
    # Only the payment's own row: people and lenders are read by everybody.
    return (
        Payment.objects.select_for_update(of=("self",))
        .select_related("lender", "method", "dealership", "made_by", "entry")
        .get(pk=payment_id)
    )
