"""What every page of the office stands on: what a table declares, who may see it, its addresses and its rows."""

from collections.abc import Sequence
from typing import Any, ClassVar, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import capfirst

from accounts.admin.acts import Act, Entry, Sent
from accounts.admin.columns import Column, Writer
from accounts.forms.entries import OfficeForm
from accounts.models import Lender
from accounts.permissions import Access

CHOSEN = "_selected_action"
"""The name under which Django's lists send the chosen rows."""


class OfficeBase(admin.ModelAdmin):
    """What a table of the office declares, and the parts that all its pages use.

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

    def address(self, page: str, *args: Any) -> str:
        """The address of one of this table's pages: `changelist`, `change`, `act`, `form`, `history` ..."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=args)

    # --- rows ---------------------------------------------------------------------------------------------------------

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

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row by its key and by no other column, whatever the address asks for."""
        return super().get_object(request, object_id)

    def chosen_keys(self, request: HttpRequest) -> list[int]:
        """The chosen keys; what cannot be a key is left out."""
        return [int(key) for key in request.POST.getlist(CHOSEN) if key.isdecimal() and len(key) <= 18]

    def name_of(self, row: Any) -> str:
        """What the row is called at the head of its page and in messages."""
        return str(row)

    # --- pages --------------------------------------------------------------------------------------------------------

    def writer(self, request: HttpRequest) -> Writer:
        """How this request's values are written."""
        registered = self.admin_site.is_registered
        return Writer(cast(Lender, request.lender), registered)  # type: ignore[attr-defined]

    def form_of(
        self, request: HttpRequest, form_class: type[OfficeForm], subject: Any, *, bound: bool
    ) -> OfficeForm:
        """A form of the office for `subject`; bound to what was sent, if something was."""
        access: Access = request.access  # type: ignore[attr-defined]
        return form_class(
            request.POST if bound else None, lender=access.lender, today=access.business_date, subject=subject
        )

    def what_was_sent(self, request: HttpRequest, form: OfficeForm) -> Sent:
        """What a valid form says, with who sent it and when."""
        access: Access = request.access  # type: ignore[attr-defined]
        return Sent(
            actor=access.user,
            lender=access.lender,
            today=access.business_date,
            now=timezone.now(),
            values=form.cleaned_data,
        )

    def draw_page(self, request: HttpRequest, template: str, context: dict[str, Any]) -> TemplateResponse:
        """A page in the office's frame."""
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
