"""Which month's statements are asked for."""

import re
from datetime import date, timedelta


def month_end(text: str) -> date | None:
    """The last day of a month written `2025-03`; None for anything else."""
    found = re.fullmatch(r"([0-9]{4})-(0[1-9]|1[0-2])", text)
    if not found or not 1900 <= int(found[1]) <= 2200:
        return None
    first = date(int(found[1]), int(found[2]), 1)
    return (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
