"""Credit lines: opening one, its terms from a day on, its limit."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import Dealership, Lender, User
from accounts.tenancy import current_lender_id
from finance.actions.refusals import RefusedError
from finance.models import CreditLine, CurtailmentProgramme, LineTerms, RatePlan


@transaction.atomic
def open_line(
    *,
    dealership: Dealership,
    name: str,
    kind: str,
    limit: Decimal,
    opened_on: date,
    limit_is_hard: bool = True,
    number: str | None = None,
    actor: User | None,
) -> CreditLine:
    """Open a line in the lender's currency; without `number` it takes the dealership's number and a serial."""
    if limit < 0:
        raise RefusedError(_("A limit cannot be negative."))
    if number is None:
        number = f"{dealership.number}-{CreditLine.objects.filter(dealership=dealership).count() + 1}"
    currency = Lender.objects.values_list("currency", flat=True).get(pk=current_lender_id())
    try:
        with transaction.atomic():
            line = CreditLine.objects.create(
                dealership=dealership,
                number=number,
                name=name,
                kind=CreditLine.Kind(kind).value,
                currency=currency,
                limit=limit,
                limit_is_hard=limit_is_hard,
                opened_on=opened_on,
            )
    except IntegrityError as error:
        raise RefusedError(
            _("There is a line with the number %(number)s already.") % {"number": number}
        ) from error
    record("line.opened", actor=actor, subject=number, dealership=dealership, details={"limit": str(limit)})
    return line


@transaction.atomic
def set_line_terms(
    *,
    line: CreditLine,
    effective_from: date,
    rate_plan: RatePlan,
    programme: CurtailmentProgramme | None = None,
    actor: User | None,
    **terms: Any,
) -> LineTerms:
    """Set the rules of a line from a day on; `terms` are the other fields of `LineTerms`.

    Accounts that are open keep their rate plan and schedule; what is charged from then on follows the new terms.
    Refused for a day that has terms already, since earlier rows stay as they were.
    """
    known = {field.name for field in LineTerms._meta.concrete_fields}
    if unknown := set(terms) - known:
        raise TypeError(f"Terms of a line have no {', '.join(sorted(unknown))}")
    try:
        with transaction.atomic():
            row = LineTerms.objects.create(
                line=line, effective_from=effective_from, rate_plan=rate_plan, programme=programme, **terms
            )
    except IntegrityError as error:
        raise RefusedError(
            _("Line %(line)s already has terms from %(day)s, or one of them is out of range.")
            % {"line": line.number, "day": effective_from.isoformat()}
        ) from error
    record(
        "line.terms-set",
        actor=actor,
        subject=line.number,
        dealership=line.dealership_id,
        details={"effective_from": effective_from.isoformat(), "rate_plan": rate_plan.code},
    )
    return row


@transaction.atomic
def change_limit(*, line: CreditLine, limit: Decimal, reason: str, actor: User | None) -> CreditLine:
    """Change a line's limit; the reason goes into the record."""
    if limit < 0:
        raise RefusedError(_("A limit cannot be negative."))
    if not reason.strip():
        raise RefusedError(_("Say why the limit changes."))
    locked = CreditLine.objects.select_for_update().get(pk=line.pk)
    before = locked.limit
    locked.limit = limit
    locked.save(update_fields=["limit"])
    record(
        "line.limit-changed",
        actor=actor,
        subject=locked.number,
        dealership=locked.dealership_id,
        reason=reason,
        details={"before": str(before), "after": str(limit)},
    )
    return locked
