"""What a person wants to pay: per account the amount due, the payoff, or an amount of their own."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from uuid import UUID

from payments.models import PaymentShare

Purpose = PaymentShare.Purpose


@dataclass(frozen=True, slots=True)
class Choice:
    """One account and how much of it to pay; `amount` is given for a chosen amount and None otherwise."""

    account: UUID
    purpose: Purpose
    amount: Decimal | None = None

    def as_json(self) -> dict[str, str | None]:
        """The shape in which a draft keeps it."""
        return {
            "account": str(self.account),
            "purpose": self.purpose.value,
            "amount": None if self.amount is None else str(self.amount),
        }


def choices_from_json(stored: Iterable[dict[str, str | None]]) -> list[Choice]:
    """The choices that a draft keeps; what cannot be read is left out."""
    choices = []
    for row in stored:
        try:
            amount = row["amount"]
            choices.append(
                Choice(
                    account=UUID(str(row["account"])),
                    purpose=Purpose(str(row["purpose"])),
                    amount=None if amount is None else Decimal(amount),
                )
            )
        except (KeyError, ValueError, InvalidOperation):
            continue
    return choices
