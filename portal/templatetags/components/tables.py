"""Heads, check boxes, pages and filters of tables."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.core.paginator import Page
from django.http import HttpRequest
from django.template import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.templatetags import formats
from portal.templatetags.formats import Text

register = template.Library()


@register.simple_tag(takes_context=True)
def column(
    context: Context, label: Text, *, sort: str = "", kind: str = "text", hide: str = ""
) -> SafeString:
    """Draw a column's head. With ``sort`` it is a link that sorts the whole set by ``?sort=``, and says which way.

    ``kind``: ``text``, ``money``, ``number`` (both to the right) or ``date``. ``hide="phone"`` leaves it out on narrow
    screens.
    """
    css = " ".join(
        filter(
            None, ["amount" if kind in {"money", "number"} else "", "wide-only" if hide == "phone" else ""]
        )
    )
    attributes = format_html(' class="{}"', css) if css else SafeString("")
    if not sort:
        return format_html('<th scope="col"{}>{}</th>', attributes, label)
    request: HttpRequest = context["request"]
    chosen = request.GET.get("sort", str(context.get("sort") or ""))
    state, target, arrow = "none", sort, "both"
    if chosen == sort:
        state, target, arrow = "ascending", f"-{sort}", "up"
    elif chosen == f"-{sort}":
        state, target, arrow = "descending", sort, "down"
    address = request.GET.copy()
    address["sort"] = target
    address.pop("page", None)
    return format_html(
        '<th scope="col"{} aria-sort="{}"><a class="sort" href="?{}">{}'
        '<svg class="sort__arrow" viewBox="0 0 12 12" aria-hidden="true" focusable="false"><use href="#sort-{}"/></svg>'
        "</a></th>",
        attributes,
        state,
        address.urlencode(),
        label,
        arrow,
    )


@register.inclusion_tag("components/select_all.html")
def select_all() -> dict[str, Any]:
    """Draw the head of the check-box column; the box itself appears with scripts."""
    return {}


@register.inclusion_tag("components/select_row.html", takes_context=True)
def select_row(
    context: Context,
    *,
    name: str,
    value: object,
    label: Text,
    amount: Decimal | None = None,
    reason: Text = "",
    checked: bool = False,
) -> dict[str, Any]:
    """Draw a row's check box. ``amount`` feeds the running total; ``reason`` says why a row cannot be chosen."""
    cents = formats.minor(context, amount) if amount is not None else ""
    return {
        "name": name,
        "value": value,
        "label": label,
        "minor": cents,
        "reason": reason,
        "checked": checked,
    }


@register.inclusion_tag("components/pagination.html", takes_context=True)
def pagination(context: Context, page: "Page[Any]", *, parameter: str = "page") -> dict[str, Any]:
    """Draw the way through the pages, keeping filter and sort in the address. One page draws only the count."""
    request: HttpRequest = context["request"]

    def address(number: int) -> str:
        query = request.GET.copy()
        query[parameter] = str(number)
        return f"?{query.urlencode()}"

    numbers = page.paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1)
    return {
        "lender": formats.lender_of(context),
        "page": page,
        "total": page.paginator.count,
        "previous": address(page.previous_page_number()) if page.has_previous() else "",
        "next": address(page.next_page_number()) if page.has_next() else "",
        "numbers": [
            {"number": number, "url": address(number), "current": number == page.number}
            if isinstance(number, int)
            else None
            for number in numbers
        ],
    }


@register.inclusion_tag("components/filters.html", takes_context=True)
def filters(
    context: Context,
    *,
    chips: Sequence[Mapping[str, Any]] = (),
    search: bool = False,
    label: Text = "",
    placeholder: Text = "",
    name: str = "q",
) -> dict[str, Any]:
    """Draw one line above a table: chips that are links, and a search box that keeps the other choices.

    ``chips``: ``label``, ``url``, ``current`` and, if known, ``count``. The state lives in the address.
    """
    request: HttpRequest = context["request"]
    kept = [
        (key, value) for key, values in request.GET.lists() if key not in {name, "page"} for value in values
    ]
    return {
        "chips": chips,
        "search": search,
        "label": label or _("Search"),
        "placeholder": placeholder,
        "name": name,
        "query": request.GET.get(name, ""),
        "kept": kept,
        "request": request,
        "lender": context.get("lender"),
    }
