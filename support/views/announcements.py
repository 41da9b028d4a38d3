"""News of the lender."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts.permissions import Access, allowed_to
from support.queries.announcements import current_announcements, past_announcements


@require_GET
@allowed_to("tickets.view")
def announcement_list(request: HttpRequest) -> HttpResponse:
    """What is current, and below it what was."""
    access: Access = request.access  # type: ignore[attr-defined]
    page = Paginator(past_announcements(access.business_date), 20).get_page(request.GET.get("page"))
    return render(
        request,
        "support/announcement_list.html",
        {"current": current_announcements(access.business_date), "page": page},
    )
