"""Accounts that are paid off, and accounts that owe again. Called inside the posting's transaction."""

from collections.abc import Iterable
from datetime import date

from django.db.models import Case, Value, When

from finance.models import Account, Unit


def close_accounts(account_ids: Iterable[int], *, closed_on: date) -> None:
    """Close accounts that owe nothing any more; their units are paid off."""
    ids = list(account_ids)
    Account.objects.filter(pk__in=ids, state=Account.State.OPEN).update(
        state=Account.State.CLOSED, closed_on=closed_on
    )
    Unit.objects.filter(pk__in=ids, state__in=[Unit.State.FUNDED, Unit.State.SOLD]).update(
        state=Unit.State.PAID
    )


def reopen_accounts(account_ids: Iterable[int]) -> None:
    """Reopen closed accounts that owe again; their units are floored, or sold, as they were."""
    ids = list(
        Account.objects.filter(pk__in=list(account_ids), state=Account.State.CLOSED).values_list(
            "pk", flat=True
        )
    )
    if not ids:
        return
    Account.objects.filter(pk__in=ids).update(state=Account.State.OPEN, closed_on=None)
    Unit.objects.filter(pk__in=ids, state=Unit.State.PAID).update(
        state=Case(When(sold_on__isnull=False, then=Value(Unit.State.SOLD)), default=Value(Unit.State.FUNDED))
    )
