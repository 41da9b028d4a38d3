"""The pages of forms: a new row, or an act on one row that asks for more than a reason (`Entry`)."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.actions.submissions import earlier_submission, record_submission
from accounts.admin.acts import Entry, words_of
from accounts.admin.office.base import OfficeBase

_SAVED = "office.form-done"


class OfficeForms(OfficeBase):
    """A form is checked, done once however often it is sent, and leads to the row that came of it."""

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form for a new row."""
        if self.adding is None or not self.has_add_permission(request):
            raise PermissionDenied
        return self._entry(request, self.adding, None)

    def entry_view(self, request: HttpRequest, key: int, entry_name: str) -> HttpResponse:
        """A form on one row."""
        row = self.row_or_404(request, key)
        entry = next((entry for entry in self.entries if entry.name == entry_name), None)
        if entry is None:
            raise Http404
        return self._entry(request, entry, row)

    def _entry(self, request: HttpRequest, entry: Entry, row: Any) -> HttpResponse:
        back = self.address("change", quote(row.pk)) if row is not None else self.address("changelist")
        if row is not None and not entry.fits(row):
            messages.warning(request, _("This is not possible any more."))
            return HttpResponseRedirect(back)
        form = self.form_of(request, entry.form_class, row, bound=request.method == "POST")
        if request.method == "POST" and form.is_valid():
            token: UUID = form.cleaned_data["token"]
            sent = self.what_was_sent(request, form)
            earlier = earlier_submission(token=token, actor=sent.actor)
            if earlier is not None:
                return HttpResponseRedirect(earlier.details["address"])
            try:
                with transaction.atomic():
                    shown = entry.save(row, sent)
                    address = self._address_of(shown) or back
                    record_submission(
                        token=token,
                        code=_SAVED,
                        actor=sent.actor,
                        reason=sent.reason,
                        details={"form": f"{self.opts.label_lower}:{entry.name}", "address": address},
                    )
            except entry.refusals as refusal:
                _blame(form, refusal)
            else:
                messages.success(request, str(entry.done or _("Done.")))
                return HttpResponseRedirect(address)
        return self.draw_page(
            request,
            "admin/office_form.html",
            {
                "title": entry.title,
                "row": self.name_of(row) if row is not None else "",
                "row_url": back if row is not None else "",
                "back_url": back,
                "entry": entry,
                "form": form,
                "errors": form.errors,
                "media": str(form.media),
            },
        )

    def _address_of(self, shown: Any) -> str:
        if not isinstance(shown, models.Model) or not self.admin_site.is_registered(type(shown)):
            return ""
        meta = shown._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=[quote(shown.pk)])


def _blame(form: forms.Form, refusal: Exception) -> None:
    """Put a refusal where it belongs in the form: at its field when it names one."""
    if isinstance(refusal, ValidationError) and hasattr(refusal, "error_dict"):
        for name, problems in refusal.error_dict.items():
            form.add_error(name if name in form.fields else None, problems)
    elif isinstance(refusal, ValidationError):
        form.add_error(None, refusal)
    else:
        form.add_error(None, words_of(refusal))
