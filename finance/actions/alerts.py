"""Mails that say what falls due: three days before, and on the day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Final

from django.db import connection
from django.urls import reverse

from accounts.actions.outbox import order_message
from accounts.models import Membership
from accounts.tenancy import current_lender_id

DAYS_AHEAD: Final = 3

_DUE = """
SELECT d.dealership_id, d.due_on, count(DISTINCT d.account_id),
       sum(d.outstanding_principal + d.outstanding_interest + d.outstanding_fees)
FROM finance_dueitem d
WHERE d.lender_id = %s AND d.due_on IN (%s, %s)
  AND (d.outstanding_principal > 0 OR d.outstanding_interest > 0 OR d.outstanding_fees > 0)
GROUP BY d.dealership_id, d.due_on
ORDER BY d.dealership_id, d.due_on
"""


def order_due_alerts(*, as_of: date) -> int:
    """Order one mail to each owner of a dealership that has something due on `as_of` or three days later.

    Returns how many people are told. The same day again orders nothing.
    """
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [current_lender_id(), as_of, as_of + timedelta(days=DAYS_AHEAD)])
        rows = cursor.fetchall()
    by_dealership: dict[int, dict[str, Any]] = {}
    for dealership_id, due_on, accounts, amount in rows:
        when = "now" if due_on == as_of else "soon"
        facts = {
            f"{when}_on": due_on.isoformat(),
            f"{when}_accounts": accounts,
            f"{when}_amount": str(amount),
        }
        by_dealership.setdefault(dealership_id, {}).update(facts)
    owners = (
        Membership.objects.filter(
            dealership_id__in=by_dealership,
            role=Membership.Role.OWNER,
            user__is_active=True,
            dealership__is_active=True,
        )
        .exclude(expires_on__lt=as_of)
        .select_related("user", "dealership")
        .order_by("dealership_id", "user_id")
    )
    told = 0
    for membership in owners:
        order_message(
            key=f"due-alert:{as_of.isoformat()}:{membership.dealership_id}:{membership.user_id}",
            template="due-alert",
            recipient=membership.user.email,
            user=membership.user,
            dealership=membership.dealership,
            context={
                "name": membership.user.get_full_name(),
                "dealership_name": membership.dealership.name,
                **by_dealership[membership.dealership_id],
                "action_path": reverse("payments:choose"),
            },
        )
        told += 1
    return told
