"""The dealership on the screen."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST

from accounts.permissions import Access, signed_in


@require_POST
@signed_in
def switch_dealership(request: HttpRequest) -> HttpResponse:
    """Show another of one's own dealerships from now on."""
    access: Access = request.access  # type: ignore[attr-defined]
    wanted = request.POST.get("dealership", "")
    if wanted not in {str(membership.dealership.public_id) for membership in access.memberships}:
        raise Http404
    request.session["dealership"] = wanted
    return redirect("portal:dashboard")


@require_GET
@signed_in
def no_membership(request: HttpRequest) -> HttpResponse:
    """Why there is nothing to see, and whom to ask."""
    access: Access = request.access  # type: ignore[attr-defined]
    if access.kind != "dealer" or access.membership is not None:
        return redirect("portal:dashboard")
    return render(request, "accounts/no_membership.html")
