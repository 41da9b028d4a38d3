"""The room on a line: decided under its lock, one advance after the other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from finance.actions.refusals import OverLimitError, RefusedError
from finance.models import CreditLine, LineTerms
from finance.queries.availability import line_availability, terms_on


def locked_line(line_id: int) -> CreditLine:
    """The line, locked until the transaction ends."""
    return CreditLine.objects.select_for_update().get(pk=line_id)


def terms_or_refusal(line: CreditLine, day: date) -> LineTerms:
    """The line's terms on a day; refused before its first."""
    try:
        return terms_on(line.pk, day)
    except LineTerms.DoesNotExist as error:
        raise RefusedError(
            _("Line %(line)s has no terms on %(day)s.") % {"line": line.number, "day": day.isoformat()}
        ) from error


def check_room(line: CreditLine, amount: Decimal, reason: str, *, held: Decimal = Decimal(0)) -> None:
    """Refuse `amount` beyond the room of a locked line; `held` is the room that its approval has taken already.

    A soft limit may be passed for a reason, a hard one not.
    """
    if line.state != CreditLine.State.OPEN:
        raise RefusedError(_("Line %(line)s is not open.") % {"line": line.number})
    room = line_availability(line).available + held
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
