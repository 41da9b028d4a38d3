"""The base of every part of the finance office: a list, a page, acts and forms, and no plain saving anywhere.

Django's own admin brings the lists (filters, search, paging, selection) and its look. What differs: a page only shows;
every change is an act (`Act`, `Entry`) that calls an action function of its app; nothing is deleted; the history is
what the database and the audit trail saw.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import update_wrapper
from typing import Any, ClassVar, cast
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.actions.submissions import earlier_submission, record_submission
from accounts.admin.acts import MOST_ROWS, Act, Chosen, Entry, Sent, perform_on, words_of
from accounts.admin.columns import Column, Writer
from accounts.forms.entries import OfficeForm
from accounts.models import AuditEntry, Lender
from accounts.permissions import Access
from accounts.queries.history import MOST_LINES, history_of

CHOSEN = "_selected_action"
_OUTCOME = "office.act-done"
_SAVED = "office.form-done"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows that belong to the row on the page. `url` leads to the whole list where the page shows its beginning."""

    title: Promise | str
    columns: Sequence[Column]
    rows: Iterable[Any]
    empty: Promise | str = ""
    url: str = ""
    url_label: Promise | str = ""


class OfficeAdmin(admin.ModelAdmin):
    """One table of the finance office.

    `columns` are shown in the list, `facts` on the page and `act_columns` (or else the list's) on the page of an act;
    `totals` adds columns of the database up over the list. Without `has_history` no page leads to one.
    `acts` work on chosen rows and `entries` are forms on one row; `adding` is the form for a new row.
    """

    is_office = True

    columns: ClassVar[Sequence[Column]] = ()
    facts: ClassVar[Sequence[Column]] = ()
    act_columns: ClassVar[Sequence[Column]] = ()
    totals: ClassVar[Sequence[tuple[Promise, Any]]] = ()
    acts: ClassVar[Sequence[Act]] = ()
    entries: ClassVar[Sequence[Entry]] = ()
    adding: ClassVar[Entry | None] = None
    page_related: ClassVar[Sequence[str]] = ()
    lead: ClassVar[Promise | str] = ""
    plural: ClassVar[Promise | str] = ""
    has_history: ClassVar[bool] = True

    show_full_result_count = False
    list_per_page = 50
    list_max_show_all = 0
    show_facets = admin.ShowFacets.NEVER
    ordering: ClassVar[Any] = ("-pk",)

    @property
    def list_name(self) -> str:
        """What the table is called in the office."""
        return str(self.plural or capfirst(str(self.opts.verbose_name_plural)))

    # --- who may ------------------------------------------------------------------------------------------------------

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may open the office sees all of it."""
        access: Access | None = getattr(request, "access", None)
        return bool(access and access.factor_satisfied and access.may("finance.office"))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Where there is a form for a new row."""
        return self.adding is not None and self.has_view_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """No page saves; changes are acts."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nothing is deleted."""
        return False

    # Django would keep a log of its own; the audit trail and the history of rows are ours.
    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Write nothing."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Write nothing."""

    # --- addresses ----------------------------------------------------------------------------------------------------

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

    def address(self, page: str, *args: Any) -> str:
        """The address of one of this table's pages: `changelist`, `change`, `act`, `form`, `history` ..."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    # --- the list -----------------------------------------------------------------------------------------------------

    def writer(self, request: HttpRequest) -> Writer:
        """How this request's values are written."""
        registered = self.admin_site.is_registered
        return Writer(cast(Lender, request.lender), registered)  # type: ignore[attr-defined]

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """The columns, bound to the lender of the request."""
        writer = self.writer(request)
        return [writer.for_list(column) for column in self.columns]

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """Whatever column names what it is sorted by."""
        return None

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The acts, and nothing of Django's own."""
        if IS_POPUP_VAR in request.GET or not self.has_view_permission(request):
            return {}
        return {act.name: (_open_act(act), act.name, act.label) for act in self.acts}

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with what it adds up to and the way to a new row."""
        if request.method == "POST" and len(self._keys_of(request)) != len(request.POST.getlist(CHOSEN)):
            # Django would look for the keys as they came, and a word among them is no key.
            messages.warning(request, _("Choose at least one row first."))
            return HttpResponseRedirect(request.get_full_path())
        response = super().changelist_view(
            request,
            {
                "title": self.list_name,
                "subtitle": None,
                "lead": self.lead,
                "adding": self.adding,
                **(extra_context or {}),
            },
        )
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            self._add_up(context["cl"], context)
        return response

    def _add_up(self, listed: Any, context: dict[str, Any]) -> None:
        """Totals of the whole list as filtered, not of the page; only of a list that somebody has narrowed."""
        if not self.totals or not listed.result_count:
            return
        if not (listed.query or listed.get_filters_params()):
            return
        sums = listed.queryset.order_by().aggregate(
            **{f"total_{place}": expression for place, (_label, expression) in enumerate(self.totals)}
        )
        context["list_totals"] = [
            (label, sums[f"total_{place}"] or Decimal(0))
            for place, (label, _expression) in enumerate(self.totals)
        ]

    # --- the page -----------------------------------------------------------------------------------------------------

    def get_page_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows with what their page shows."""
        rows = self.get_queryset(request)
        return rows.select_related(*self.page_related) if self.page_related else rows

    def row_or_404(self, request: HttpRequest, key: str | int) -> Any:
        """The row of this lender; whatever else is asked for does not exist."""
        if not str(key).isdecimal() or len(str(key)) > 18:
            raise Http404
        row = self.get_page_queryset(request).filter(pk=int(key)).first()
        if row is None:
            raise Http404
        return row

    def name_of(self, row: Any) -> str:
        """What the row is called at the head of its page and in messages."""
        return str(row)

    def tables(self, request: HttpRequest, row: Any) -> Sequence[Table]:
        """What else the page shows."""
        return ()

    def notices(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """Sentences at the head of the page, each with its tone (`warning`, `error`, `info`)."""
        return ()

    def links(self, request: HttpRequest, row: Any) -> Sequence[tuple[str, str]]:
        """Ways to other lists about this row: words and address."""
        return ()

    def history_rows(self, row: Any) -> dict[type[models.Model], list[int]]:
        """The rows whose changes are this row's history."""
        return {self.model: [row.pk]}

    def history_subjects(self, row: Any) -> list[str]:
        """What the audit trail calls this row."""
        return []

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one row. There is nothing to save here, so a POST is refused."""
        if request.method != "GET":
            raise PermissionDenied
        row = self.row_or_404(request, unquote(object_id))
        writer = self.writer(request)
        shown = [
            (column.label, writer.write(column, row), column.kind) for column in self.facts or self.columns
        ]
        tables = [
            {
                "title": table.title,
                "heads": [(column.label, column.is_figure) for column in table.columns],
                "rows": [
                    [(writer.write(column, line), column.is_figure) for column in table.columns]
                    for line in table.rows
                ],
                "empty": table.empty,
                "url": table.url,
                "url_label": table.url_label,
            }
            for table in self.tables(request, row)
        ]
        return self._page(
            request,
            "admin/office_page.html",
            {
                "title": self.name_of(row),
                "key": row.pk,
                "facts": shown,
                "tables": tables,
                "notices": self.notices(request, row),
                "links": self.links(request, row),
                "acts": [(act, self.address("act", act.name)) for act in self.acts if not act.why_not(row)],
                "entries": [
                    (entry, self.address("form", row.pk, entry.name))
                    for entry in self.entries
                    if entry.fits(row)
                ],
                "history_url": self.address("history", quote(row.pk)) if self.has_history else "",
            },
        )

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Every change of the row, by whom, old and new, and the acts on record."""
        row = self.row_or_404(request, unquote(object_id))
        lines = history_of(self.history_rows(row), self.history_subjects(row))
        return self._page(
            request,
            "admin/office_history.html",
            {
                "title": _("History of %(row)s") % {"row": self.name_of(row)},
                "row": self.name_of(row) if row is not None else "",
                "row_url": self.address("change", quote(row.pk)),
                "lines": lines,
                "is_cut": len(lines) >= MOST_LINES,
            },
        )

    # --- forms --------------------------------------------------------------------------------------------------------

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
        form = self._form(request, entry.form_class, row, bound=request.method == "POST")
        if request.method == "POST" and form.is_valid():
            token: UUID = form.cleaned_data["token"]
            sent = self._sent(request, form)
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
        return self._page(
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

    def _form(
        self, request: HttpRequest, form_class: type[OfficeForm], subject: Any, *, bound: bool
    ) -> OfficeForm:
        access: Access = request.access  # type: ignore[attr-defined]
        return form_class(
            request.POST if bound else None, lender=access.lender, today=access.business_date, subject=subject
        )

    def _sent(self, request: HttpRequest, form: OfficeForm) -> Sent:
        access: Access = request.access  # type: ignore[attr-defined]
        return Sent(
            actor=access.user,
            lender=access.lender,
            today=access.business_date,
            now=timezone.now(),
            values=form.cleaned_data,
        )

    # --- acts ---------------------------------------------------------------------------------------------------------

    def act_view(self, request: HttpRequest, act_name: str) -> HttpResponse:
        """Show the chosen rows and ask why; then, once confirmed, do it and lead to what came of it."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        act = next((act for act in self.acts if act.name == act_name), None)
        if act is None:
            raise Http404
        keys = self._keys_of(request)
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
        form = self._form(request, act.form_class, found[0] if len(found) == 1 else None, bound=confirmed)
        if confirmed and form.is_valid():
            return self._perform(request, chosen, form)
        writer = self.writer(request)
        columns = self.act_columns or self.columns
        return self._page(
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
        sent = self._sent(request, form)
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
        return self._page(
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

    # --- helpers ------------------------------------------------------------------------------------------------------

    def _keys_of(self, request: HttpRequest) -> list[int]:
        """The chosen keys; what cannot be a key is left out."""
        return [int(key) for key in request.POST.getlist(CHOSEN) if key.isdecimal() and len(key) <= 18]

    def _page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        request.current_app = self.admin_site.name
        return TemplateResponse(
            request,
            template,
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "list_url": self.address("changelist"),
                "list_name": self.list_name,
                "has_view_permission": True,
                **context,
            },
        )


def _open_act(act: Act) -> Callable[[OfficeAdmin, HttpRequest, QuerySet[Any]], HttpResponse]:
    """The act as Django's lists start it."""

    def start(office: OfficeAdmin, request: HttpRequest, rows: QuerySet[Any]) -> HttpResponse:
        keys = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST_ROWS + 1])
        return office.run_act(request, act, office.get_page_queryset(request).filter(pk__in=keys))

    return start


def _blame(form: forms.Form, refusal: Exception) -> None:
    """Put a refusal where it belongs in the form: at its field when it names one."""
    if isinstance(refusal, ValidationError) and hasattr(refusal, "error_dict"):
        for name, problems in refusal.error_dict.items():
            form.add_error(name if name in form.fields else None, problems)
    elif isinstance(refusal, ValidationError):
        form.add_error(None, refusal)
    else:
        form.add_error(None, words_of(refusal))
