"""The pages of acts on chosen rows (`Act`): what will be done and why, and what came of it."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions.submissions import earlier_submission, record_submission
from accounts.admin.acts import MOST_ROWS, Act, Chosen, perform_on
from accounts.admin.office.base import OfficeBase
from accounts.forms.entries import OfficeForm
from accounts.models import AuditEntry

_OUTCOME = "office.act-done"


class OfficeActs(OfficeBase):
    """An act shows its rows and asks for the reason; confirmed, it is done to each row once."""

    def act_view(self, request: HttpRequest, act_name: str) -> HttpResponse:
        """Show the chosen rows and ask why; then, once confirmed, do it and lead to what came of it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        act = next((act for act in self.acts if act.name == act_name), None)
        if act is None:
            raise Http404
        keys = self.chosen_keys(request)
        if not keys:
            messages.warning(request, _("Choose at least one row first."))
            return HttpResponseRedirect(self.address("changelist"))
        return self.run_act(request, act, self.get_page_queryset(request).filter(pk__in=keys))

    def run_act(self, request: HttpRequest, act: Act, rows: QuerySet[Any]) -> HttpResponse:
        """The page of an act on `rows`, or the act itself when the page was confirmed."""
        # In one order for everybody, so that two acts on the same rows wait for each other and do not lock up.
        found = list(rows.order_by("pk")[: MOST_ROWS + 1])
        if not found:
            raise Http404
        if len(found) > MOST_ROWS:
            messages.error(request, _("Choose at most %(most)s rows at once.") % {"most": MOST_ROWS})
            return HttpResponseRedirect(self.address("changelist"))
        chosen = Chosen(act, found)
        confirmed = request.POST.get("confirmed") == "yes"
        form = self.form_of(request, act.form_class, found[0] if len(found) == 1 else None, bound=confirmed)
        if confirmed and form.is_valid():
            return self._perform(request, chosen, form)
        writer = self.writer(request)
        columns = self.act_columns or self.columns
        return self.draw_page(
            request,
            "admin/office_act.html",
            {
                "title": act.question,
                "act": act,
                "act_url": self.address("act", act.name),
                "able": len(chosen.able),
                "total": chosen.total,
                "heads": [(column.label, column.is_figure) for column in columns],
                "lines": [
                    {
                        "key": row.pk,
                        "cells": [(writer.write(column, row), column.is_figure) for column in columns],
                        "address": writer.address(row),
                        "against": chosen.against.get(row.pk, ""),
                    }
                    for row in found
                ],
                "back_url": self.address("change", quote(found[0].pk))
                if len(found) == 1
                else self.address("changelist"),
                "form": form,
                "errors": form.errors,
                "media": str(form.media),
            },
        )

    def _perform(self, request: HttpRequest, chosen: Chosen, form: OfficeForm) -> HttpResponse:
        token: UUID = form.cleaned_data["token"]
        sent = self.what_was_sent(request, form)
        if earlier_submission(token=token, actor=sent.actor) is None:
            outcomes = perform_on(chosen, sent, self.name_of)
            record_submission(
                token=token,
                code=_OUTCOME,
                actor=sent.actor,
                reason=sent.reason,
                details={
                    "act": chosen.act.name,
                    "on": self.opts.label_lower,
                    "outcomes": [outcome.as_details() for outcome in outcomes],
                },
            )
        return HttpResponseRedirect(self.address("outcome", token))

    def outcome_view(self, request: HttpRequest, token: UUID) -> HttpResponse:
        """What came of an act, row by row; to be reloaded and sent on."""
        entry = (
            AuditEntry.objects.filter(
                subject=f"submission:{token}", code=_OUTCOME, details__on=self.opts.label_lower
            )
            .order_by("pk")
            .first()
        )
        act = next((act for act in self.acts if entry is not None and act.name == entry.details["act"]), None)
        if entry is None or act is None:
            raise Http404
        outcomes = entry.details["outcomes"]
        done = sum(outcome["done"] for outcome in outcomes)
        return self.draw_page(
            request,
            "admin/office_outcome.html",
            {
                "title": _("What came of it"),
                "act": act,
                "entry": entry,
                "done": done,
                "failed": len(outcomes) - done,
                "headline": ngettext(
                    "Done for %(done)s of %(all)s row.", "Done for %(done)s of %(all)s rows.", len(outcomes)
                )
                % {"done": done, "all": len(outcomes)},
                "outcomes": [
                    {**outcome, "address": self.address("change", quote(outcome["key"]))}
                    for outcome in outcomes
                ],
            },
        )
