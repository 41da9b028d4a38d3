"""The title of a unit: awaited, received, lent out, released after the payoff, shipped. Each step is kept.

A title is released when nothing is owed on its unit, which is so from the settlement of the payoff on.
"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record as record_act
from accounts.models import User
from finance.actions.refusals import RefusedError
from finance.models import TitleEvent, Unit, VehicleTitle

State = VehicleTitle.State

#: From which states a title comes into which; the database holds the same.
WAYS: Final[dict[str, frozenset[str]]] = {
    State.HELD: frozenset({State.AWAITED, State.LENT, State.RELEASED, State.SHIPPED}),
    State.LENT: frozenset({State.HELD}),
    State.RELEASED: frozenset({State.HELD, State.LENT}),
    State.SHIPPED: frozenset({State.RELEASED}),
}


def await_title(unit: Unit, *, since: date) -> VehicleTitle:
    """The unit is floored: its title is awaited. Part of funding it."""
    title = VehicleTitle.objects.create(unit=unit, dealership_id=unit.dealership_id, since=since)
    _keep(title)
    return title


@transaction.atomic
def record_title_received(
    *,
    unit: Unit,
    received_on: date,
    business_date: date,
    kept_at: str = "",
    reason: str = "",
    actor: User | None,
) -> VehicleTitle:
    """The paper is with the lender: it has come, or come back. `kept_at` says where it lies."""
    return _move(
        unit,
        State.HELD,
        on=received_on,
        business_date=business_date,
        code="title.received",
        reason=reason,
        actor=actor,
        kept_at=kept_at.strip(),
    )


@transaction.atomic
def lend_title(
    *, unit: Unit, lent_on: date, due_back_on: date, business_date: date, reason: str, actor: User | None
) -> VehicleTitle:
    """The dealer borrows the title for paperwork, and is to bring it back by `due_back_on`."""
    if due_back_on <= lent_on:
        raise RefusedError(_("The title has to come back after the day on which it is lent."))
    return _move(
        unit,
        State.LENT,
        on=lent_on,
        business_date=business_date,
        code="title.lent",
        reason=reason,
        actor=actor,
        due_back_on=due_back_on,
    )


@transaction.atomic
def release_title(
    *, unit: Unit, released_on: date, business_date: date, reason: str = "", actor: User | None
) -> VehicleTitle:
    """Nothing is owed on the unit any more: the title may go to the dealer."""
    # The unit first: a payoff that comes back meanwhile waits, or has come back before.
    locked = Unit.objects.select_for_update(of=("self",)).get(pk=unit.pk)
    if locked.state != Unit.State.PAID:
        raise RefusedError(_("The unit is not paid off; its title stays here."))
    return _move(
        locked,
        State.RELEASED,
        on=released_on,
        business_date=business_date,
        code="title.released",
        reason=reason,
        actor=actor,
    )


@transaction.atomic
def ship_title(
    *, unit: Unit, shipped_on: date, tracking: str, business_date: date, reason: str = "", actor: User | None
) -> VehicleTitle:
    """A released title has left the house; `tracking` is how to follow it."""
    if not tracking.strip():
        raise RefusedError(_("Say how the title can be followed: carrier and number."))
    return _move(
        unit,
        State.SHIPPED,
        on=shipped_on,
        business_date=business_date,
        code="title.shipped",
        reason=reason,
        actor=actor,
        tracking=tracking.strip(),
    )


def why_not(title: VehicleTitle | None, wanted: str) -> str:
    """Why a title cannot come into a state, in words; empty when it can."""
    if title is None:
        return _("The unit was never floored; no title is expected.")
    if title.state in WAYS[wanted]:
        return ""
    words = {"state": title.get_state_display()}
    match wanted:
        case State.HELD:
            return _("The title is “%(state)s”: it is here already.") % words
        case State.LENT:
            return _("The title is “%(state)s”; only one that is held can be lent.") % words
        case State.RELEASED:
            return _("The title is “%(state)s”; only one that is held or lent out can be released.") % words
        case _other:
            return _("The title is “%(state)s”; only a released one can be shipped.") % words


def _move(
    unit: Unit,
    state: str,
    *,
    on: date,
    business_date: date,
    code: str,
    reason: str,
    actor: User | None,
    **details: Any,
) -> VehicleTitle:
    title = VehicleTitle.objects.select_for_update(of=("self",)).filter(pk=unit.pk).first()
    against = why_not(title, state)
    if title is None or against:
        raise RefusedError(against)
    if on > business_date:
        raise RefusedError(_("The day cannot lie in the future."))
    # The paper may have come with the request, before the unit was floored.
    if on < title.since and title.state != State.AWAITED:
        raise RefusedError(
            _("The day cannot lie before %(day)s, when the title's last step was taken.")
            % {"day": title.since.isoformat()}
        )
    title.state, title.since = state, on
    title.kept_at = details.get("kept_at", "")
    title.due_back_on = details.get("due_back_on")
    title.tracking = details.get("tracking", "")
    title.save(update_fields=["state", "since", "kept_at", "due_back_on", "tracking"])
    _keep(title)
    record_act(
        code,
        actor=actor,
        subject=f"{unit.account.number} {unit.vin}",
        dealership=unit.dealership_id,
        reason=reason,
        details={"on": on.isoformat(), **{name: str(value) for name, value in details.items() if value}},
    )
    return title


def _keep(title: VehicleTitle) -> None:
    TitleEvent.objects.create(
        unit_id=title.pk,
        dealership_id=title.dealership_id,
        state=title.state,
        happened_on=title.since,
        kept_at=title.kept_at,
        due_back_on=title.due_back_on,
        tracking=title.tracking,
    )
