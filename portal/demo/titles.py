"""The titles of the demo's units: most have come, some are awaited or lent, those of paid units are released."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Protocol

from accounts.models import User
from finance.actions.titles import lend_title, record_title_received, release_title, ship_title
from finance.calendars import calendar_named
from finance.models import Unit


class Planned(Protocol):
    """What is planned of a unit: when it is floored and, perhaps, paid off."""

    funded_on: date
    paid_off_on: date | None
    unit: Unit | None


def play_titles(plans: Sequence[Planned], *, today: date, actor: User) -> None:
    """Take the title of each unit as far as it has come by `today`."""
    dice = Random(20_020)  # noqa: S311 (sample data)
    paid = set(Unit.objects.filter(state=Unit.State.PAID).values_list("pk", flat=True))
    for place, plan in enumerate(plans):
        if plan.unit is not None:
            box = place // 50 + 1
            _play(plan.unit, plan, dice, box, is_paid=plan.unit.pk in paid, today=today, actor=actor)


def _play(
    unit: Unit, plan: Planned, dice: Random, box: int, *, is_paid: bool, today: date, actor: User
) -> None:
    calendar = calendar_named("federal-reserve")
    came_on = calendar.next_business_day(plan.funded_on + timedelta(days=dice.randrange(1, 15)))
    if plan.paid_off_on is not None:
        came_on = min(came_on, plan.paid_off_on)
    elif dice.random() < 0.04:
        return
    if came_on > today:
        return
    record_title_received(
        unit=unit,
        received_on=came_on,
        kept_at=f"Vault, box {box}",
        business_date=today,
        actor=actor,
    )
    if plan.paid_off_on is not None:
        # Some days after the payoff, when it has hardly a way to come back.
        released_on = calendar.add_business_days(plan.paid_off_on, 4)
        shipped_on = calendar.add_business_days(released_on, 1)
        if released_on > today or not is_paid:
            return
        release_title(unit=unit, released_on=released_on, business_date=today, actor=actor)
        if shipped_on <= today:
            ship_title(
                unit=unit,
                shipped_on=shipped_on,
                tracking=f"UPS 1Z{dice.randrange(10**9, 10**10)}",
                business_date=today,
                actor=actor,
            )
    elif dice.random() < 0.06 and came_on < today - timedelta(days=12):
        lent_on = today - timedelta(days=dice.randrange(1, 12))
        lend_title(
            unit=unit,
            lent_on=lent_on,
            due_back_on=lent_on + timedelta(days=10),
            business_date=today,
            reason="Paperwork for the buyer",
            actor=actor,
        )
