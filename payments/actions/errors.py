"""Refusals of this app's actions."""

from django.utils.functional import Promise

from payments.models import Payment


class PaymentRefusedError(Exception):
    """Nothing was changed; `message` says to the person what is wrong and what to do.

    `code` names the reason for programs. `payment` is the payment that stands in the way, where there is one.
    """

    def __init__(self, message: str | Promise, *, code: str, payment: Payment | None = None) -> None:
        super().__init__(str(message))
        self.message = str(message)
        self.code = code
        self.payment = payment
