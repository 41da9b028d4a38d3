"""Shapes of input that concern what is owed."""

from finance.forms.dates import DayField
from finance.forms.money import MoneyField

__all__ = ["DayField", "MoneyField"]
