"""Allocation: how a payment fills what is due.

The order differs by lender (fees, interest, principal; or interest, principal, fees) and is a setting. A payment never
gives any item more than it owes; what is left over is returned, never hidden in an item.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from enum import StrEnum
from typing import Final, assert_never

from finance.money import WIDE, exact

__all__ = [
    "FEES_FIRST",
    "INTEREST_FIRST",
    "Allocation",
    "DueItem",
    "Portion",
    "Precedence",
    "Share",
    "allocate",
]


class Portion(StrEnum):
    """The parts of a debt that an order of application ranks."""

    FEES = "fees"
    INTEREST = "interest"
    PRINCIPAL = "principal"


#: Fees, interest, then principal (Credit Concepts and most floor-plan lines).
FEES_FIRST: Final = (Portion.FEES, Portion.INTEREST, Portion.PRINCIPAL)
#: Interest, principal, then late and other charges (Southeast Toyota).
INTEREST_FIRST: Final = (Portion.INTEREST, Portion.PRINCIPAL, Portion.FEES)


class Precedence(StrEnum):
    """What is compared first when several items compete.

    ``DUE_DATE``: the oldest due date over all accounts, within it the order of portions.
    ``PORTION``: the order of portions over all accounts, within it the oldest due date.
    ``ACCOUNT``: one account after the other, in the order in which they are given; within it the order of portions,
    then the oldest due date.
    """

    DUE_DATE = "due_date"
    PORTION = "portion"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class DueItem:
    """Something owed: an amount of one portion of one account, due on a day.

    ``key`` names the item for the caller, ``account`` the unit or loan; among equals the item given first is filled
    first.
    """

    key: str
    account: str
    portion: Portion
    amount: Decimal
    due_on: date

    def __post_init__(self) -> None:
        if exact(self.amount) < 0:
            raise ValueError(f"Item {self.key} owes {self.amount}: what is owed cannot be negative")


@dataclass(frozen=True, slots=True)
class Share:
    """The part of a payment that goes to one item; always positive, never more than the item owes."""

    key: str
    account: str
    portion: Portion
    amount: Decimal
    due_on: date


@dataclass(frozen=True, slots=True)
class Allocation:
    """How a payment was split. The shares and the remainder add up to the payment."""

    shares: tuple[Share, ...]
    remainder: Decimal

    def of_account(self, account: str) -> dict[Portion, Decimal]:
        """Return what one account received, by portion; portions that received nothing are 0."""
        with localcontext(WIDE):
            return {
                portion: sum(
                    (
                        share.amount
                        for share in self.shares
                        if (share.account, share.portion) == (account, portion)
                    ),
                    Decimal(0),
                )
                for portion in Portion
            }


def allocate(
    amount: Decimal,
    items: Iterable[DueItem],
    *,
    order: Sequence[Portion] = FEES_FIRST,
    precedence: Precedence = Precedence.DUE_DATE,
) -> Allocation:
    """Fill ``items`` from ``amount`` by ``order`` and ``precedence``, each up to what it owes.

    Raises ``ValueError`` when ``amount`` is not positive or ``order`` does not name every portion once.
    """
    if exact(amount) <= 0:
        raise ValueError(f"A payment must be more than nothing, not {amount}")
    if sorted(order) != sorted(Portion):
        raise ValueError("The order of application must name fees, interest and principal once each")
    known = list(items)
    if len({item.key for item in known}) != len(known):
        raise ValueError("Two items have the same key")
    ranks = {portion: rank for rank, portion in enumerate(order)}
    accounts: dict[str, int] = {}
    for item in known:
        accounts.setdefault(item.account, len(accounts))

    def place(item: DueItem) -> tuple[int, int, int]:
        due, rank = item.due_on.toordinal(), ranks[item.portion]
        match precedence:
            case Precedence.DUE_DATE:
                return due, rank, accounts[item.account]
            case Precedence.PORTION:
                return rank, due, accounts[item.account]
            case Precedence.ACCOUNT:
                return accounts[item.account], rank, due
            case _:
                assert_never(precedence)

    left = amount
    shares = []
    with localcontext(WIDE):
        for item in sorted(known, key=place):
            part = min(left, item.amount)
            if part > 0:
                shares.append(Share(item.key, item.account, item.portion, part, item.due_on))
                left -= part
    return Allocation(tuple(shares), left)
