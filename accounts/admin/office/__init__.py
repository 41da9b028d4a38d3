"""The base of every part of the finance office: a list, a page, acts and forms, and no plain saving anywhere.

Django's own admin brings the lists (filters, search, paging, selection) and its look. What differs: a page only shows;
every change is an act (`Act`, `Entry`) that calls an action function of its app; nothing is deleted; the history is
what the database and the audit trail saw. Each kind of page has a room of its own here.
"""

from collections.abc import Callable
from functools import update_wrapper
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from accounts.admin.office.base import OfficeBase
from accounts.admin.office.forms import OfficeForms
from accounts.admin.office.lists import OfficeLists
from accounts.admin.office.pages import OfficePages, Table

__all__ = ["OfficeAdmin", "OfficeBase", "Table"]


class OfficeAdmin(OfficeLists, OfficePages, OfficeForms):
    """One table of the finance office; what it declares stands in `OfficeBase`."""

    def get_urls(self) -> list[URLPattern]:
        """Django's addresses, and those of acts, of what came of them, and of forms."""
        name = f"{self.opts.app_label}_{self.opts.model_name}"

        def guarded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
            def wrapper(*args: Any, **kwargs: Any) -> HttpResponse:
                return self.admin_site.admin_view(view)(*args, **kwargs)

            return update_wrapper(wrapper, view)

        return [
            path("act/<slug:act_name>/", guarded(self.act_view), name=f"{name}_act"),
            path("outcome/<uuid:token>/", guarded(self.outcome_view), name=f"{name}_outcome"),
            path("<int:key>/form/<slug:entry_name>/", guarded(self.entry_view), name=f"{name}_form"),
            # Django would also lead any other address below the list to a page of that name.
            *(url for url in super().get_urls() if url.name),
        ]
