"""Choosing a row of the lender."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteSelect
from django.db import models

from accounts.queries.history import rows_of


class FoundByTyping(AutocompleteSelect):
    """Django's own, but for a key that is none, which it would ask the database for."""

    def optgroups(self, name: str, value: Any, attr: Any = None) -> Any:
        """The chosen row alone; what was sent and cannot be a key is as if nothing were chosen."""
        keys = [key for key in value if str(key).isdecimal() and len(str(key)) <= 18]
        return super().optgroups(name, keys, attr)


class TenantChoiceField(forms.ModelChoiceField):
    """One row of a tenant table, looked up when the form is made, inside the running block's lender.

    `found_by` is a foreign key, as (model, field name), that leads to the table; with it people find the row by typing,
    in the finance office, and without it they pick from a list.
    """

    def __init__(
        self,
        model: type[models.Model],
        *,
        found_by: tuple[type[models.Model], str] | None = None,
        **kwargs: Any,
    ) -> None:
        self.model = model
        if found_by is not None:
            source = found_by[0]._meta.get_field(found_by[1])
            kwargs["widget"] = FoundByTyping(source, admin.site, attrs={"data-width": "100%"})
        super().__init__(queryset=models.QuerySet(model).none(), **kwargs)

    def __deepcopy__(self, memo: dict[int, Any]) -> "TenantChoiceField":
        copied: TenantChoiceField = super().__deepcopy__(memo)
        copied.queryset = rows_of(self.model)
        return copied
