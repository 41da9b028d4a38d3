"""The room on a line: decided under its lock, one advance after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from django.db import connection
from django.utils.translation import gettext as _

from accounts.tenancy import current_lender_id
from finance.actions.refusals import OverLimitError, RefusedError
from finance.models import CreditLine, LineTerms
from finance.queries.availability import line_availability, terms_on


def locked_line(line_id: int) -> CreditLine:
    """The line, locked until the transaction ends, and its room: nobody takes any back meanwhile."""
    _call("SELECT finance_hold_room(%s, %s)", line_id)
    return CreditLine.objects.select_for_update().get(pk=line_id)


def touch_rooms(account_ids: Sequence[int]) -> None:
    """Before room is taken back on the lines of these accounts: wait for whoever decides about it.

    Without it an advance could be granted on credit that was gone when it was granted.
    """
    _call("SELECT finance_touch_rooms(%s, %s::bigint[])", list(account_ids))


def _call(statement: str, argument: int | list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [current_lender_id(), argument])


def terms_or_refusal(line: CreditLine, day: date) -> LineTerms:
    """The line's terms on a day; refused before its first."""
    try:
        return terms_on(line.pk, day)
    except LineTerms.DoesNotExist as error:
        raise RefusedError(
            _("Line %(line)s has no terms on %(day)s.") % {"line": line.number, "day": day.isoformat()}
        ) from error


def check_room(
    line: CreditLine, amount: Decimal, reason: str, *, on: date, held: Decimal = Decimal(0)
) -> None:
    """Refuse `amount` beyond the room that a locked line has on the lender's day `on`.

    `held` is the room that its approval has taken already. A soft limit may be passed for a reason, a hard one not.
    """
    if line.state != CreditLine.State.OPEN:
        raise RefusedError(_("Line %(line)s is not open.") % {"line": line.number})
    room = line_availability(line, as_of=on).available + held
    if amount <= room:
        return
    if line.limit_is_hard:
        raise OverLimitError(
            _("Line %(line)s has %(room)s %(currency)s free; %(amount)s is more.")
            % {
                "line": line.number,
                "room": max(room, Decimal(0)),
                "currency": line.currency,
                "amount": amount,
            }
        )
    if not reason.strip():
        raise OverLimitError(
            _("This takes line %(line)s over its limit: say why it is allowed.") % {"line": line.number}
        )
