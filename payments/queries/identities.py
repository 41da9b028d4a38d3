"""What a dealer calls a unit or loan, beside its title."""

from finance.models import Account


def identity_of(account: Account) -> str:
    """The account's number and, for a unit, the last six of its VIN and its stock number.

    The account comes with `select_related("unit")`; otherwise this asks the database.
    """
    unit = getattr(account, "unit", None)
    parts = [account.number, unit.vin_tail if unit else "", unit.stock_number if unit else ""]
    return ", ".join(part for part in parts if part)
