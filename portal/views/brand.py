"""The lender's brand as files: one style sheet with the accent, the logo, the icon.

Pages name them with a version in the address, so browsers keep them for a year and see a change at once. The host
decides whose they are; a copy kept by a shared cache is one per host.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.html import escape
from django.views.decorators.http import require_safe

from accounts.models import Lender
from portal.colours import INK, accent_of

_ONE_YEAR = "public, max-age=31536000, immutable"
_ONE_HOUR = "public, max-age=3600"
# A logo is drawn, never run: whatever the file says, the browser loads nothing and executes nothing for it.
_DRAWING_ONLY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@require_safe
def brand_css(request: HttpRequest) -> HttpResponse:
    """The lender's accent as custom properties, each pair of text and ground readable (WCAG 2.2, 1.4.3)."""
    lender = _lender(request)
    accent = accent_of(lender.accent_colour if lender else INK)
    body = (
        ":root {\n"
        f"  --accent: {accent.fill};\n"
        f"  --accent-hover: {accent.fill_hover};\n"
        f"  --on-accent: {accent.on_fill};\n"
        f"  --accent-text: {accent.text};\n"
        f"  --accent-soft: {accent.soft};\n"
        "}\n"
    )
    return _kept(request, HttpResponse(body, content_type="text/css; charset=utf-8"))


@require_safe
def brand_logo(request: HttpRequest) -> HttpResponse:
    """The lender's logo as a drawing; 404 for a lender without one."""
    lender = _lender(request)
    if lender is None or not lender.logo_svg:
        raise Http404
    return _kept(request, _drawing(lender.logo_svg))


@require_safe
def brand_icon(request: HttpRequest) -> HttpResponse:
    """The browser tab's icon: the first letter of the name on the accent."""
    lender = _lender(request)
    accent = accent_of(lender.accent_colour if lender else INK)
    letter = lender.name[:1].upper() if lender else "F"
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">'
        f'<rect width="32" height="32" rx="7" fill="{accent.fill}"/>'
        f'<text x="16" y="22.5" text-anchor="middle" font-family="Inter, Arial, sans-serif" font-size="18" '
        f'font-weight="600" fill="{accent.on_fill}">{escape(letter)}</text></svg>'
    )
    return _kept(request, _drawing(svg))


def _lender(request: HttpRequest) -> Lender | None:
    return getattr(request, "lender", None)


def _drawing(svg: str) -> HttpResponse:
    response = HttpResponse(svg, content_type="image/svg+xml; charset=utf-8")
    response["Content-Security-Policy"] = _DRAWING_ONLY
    return response


def _kept(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = _ONE_YEAR if request.GET.get("v") else _ONE_HOUR
    return response
