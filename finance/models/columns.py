"""The three kinds of number columns of the money model."""

from typing import Any

from django.db import models


def amount_field(verbose_name: Any, **options: Any) -> "models.DecimalField[Any, Any]":
    """A posted amount in the lender's currency, whole minor units."""
    return models.DecimalField(verbose_name, max_digits=16, decimal_places=2, **options)


def rate_field(verbose_name: Any, **options: Any) -> "models.DecimalField[Any, Any]":
    """An annual rate as a fraction: 0.095 is 9.50 %."""
    return models.DecimalField(verbose_name, max_digits=9, decimal_places=6, **options)


def parts_field(verbose_name: Any, **options: Any) -> "models.DecimalField[Any, Any]":
    """An exact, never rounded interest numerator in year parts (see `finance.interest.YEAR_PARTS`)."""
    return models.DecimalField(verbose_name, max_digits=60, decimal_places=20, **options)
