"""Large figures, and charts with their tables."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import template
from django.template import Context

from portal.templatetags import formats
from portal.templatetags.formats import Text

register = template.Library()


@register.inclusion_tag("components/figure.html", takes_context=True)
def figure(
    context: Context,
    *,
    label: Text,
    amount: Decimal | None = None,
    text: Text = "",
    as_of: date | None = None,
    url: str = "",
    link: Text = "",
    note: Text = "",
    tone: str = "",
) -> dict[str, Any]:
    """Draw one large figure: what it is, how much, as of when, and the way to what adds up to it.

    ``text`` replaces the amount where the figure is not money. ``tone`` (``warn``, ``bad``) adds its shape to the note.
    """
    return {
        "lender": formats.lender_of(context),
        "label": label,
        "amount": amount,
        "text": text,
        "as_of": as_of,
        "url": url,
        "link": link,
        "note": note,
        "tone": tone,
    }


@register.inclusion_tag("components/chart.html", takes_context=True)
def chart(
    context: Context,
    *,
    id: str,  # noqa: A002 - the name of the attribute it becomes
    title: Text,
    data: Mapping[str, Any],
    note: Text = "",
) -> dict[str, Any]:
    """Draw a chart with the table that says the same; without scripts the table stands alone.

    ``data``: ``kind`` ("line", "bar"), ``head`` (heading of the first column), ``labels`` (one text per point) and
    ``series``: each with ``label``, ``values`` (Decimal, for the drawing only) and ``texts`` (as people read them).
    """
    series = [
        {
            "label": str(one["label"]),
            "values": [str(value) for value in one["values"]],
            "texts": [str(text) for text in one["texts"]],
        }
        for one in data["series"]
    ]
    labels = [str(label) for label in data["labels"]]
    return {
        "id": id,
        "title": title,
        "note": note,
        "head": data["head"],
        "series": series,
        "rows": [(label, [one["texts"][row] for one in series]) for row, label in enumerate(labels)],
        "payload": {
            "kind": data["kind"],
            "labels": labels,
            "series": series,
            "title": str(title),
            "locale": formats.lender_of(context).locale.replace("_", "-"),
        },
    }
