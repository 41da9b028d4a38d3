"""The way of a unit's title, for its page."""

from finance.models import TitleEvent


def title_steps(unit_id: int) -> list[TitleEvent]:
    """Every step of the unit's title, oldest first; none before the unit was floored. One query."""
    return list(TitleEvent.objects.filter(unit_id=unit_id))
