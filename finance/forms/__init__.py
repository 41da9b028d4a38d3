"""Shapes of input that concern what is owed."""

from finance.forms.money import MoneyField

__all__ = ["MoneyField"]
