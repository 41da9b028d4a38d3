"""The prime rate as the Wall Street Journal published it, from 2020 on."""

from datetime import date
from decimal import Decimal

SOURCE = "WSJ prime rate, as published"

FIXINGS: tuple[tuple[date, Decimal], ...] = (
    (date(2020, 3, 16), Decimal("0.0325")),
    (date(2022, 3, 17), Decimal("0.0350")),
    (date(2022, 5, 5), Decimal("0.0400")),
    (date(2022, 6, 16), Decimal("0.0475")),
    (date(2022, 7, 28), Decimal("0.0550")),
    (date(2022, 9, 22), Decimal("0.0625")),
    (date(2022, 11, 3), Decimal("0.0700")),
    (date(2022, 12, 15), Decimal("0.0750")),
    (date(2023, 2, 2), Decimal("0.0775")),
    (date(2023, 3, 23), Decimal("0.0800")),
    (date(2023, 5, 4), Decimal("0.0825")),
    (date(2023, 7, 27), Decimal("0.0850")),
    (date(2024, 9, 19), Decimal("0.0800")),
    (date(2024, 11, 8), Decimal("0.0775")),
    (date(2024, 12, 19), Decimal("0.0750")),
    (date(2025, 9, 18), Decimal("0.0725")),
    (date(2025, 10, 30), Decimal("0.0700")),
    (date(2025, 12, 11), Decimal("0.0675")),
)
