"""Where one is and what is there: empty places, jobs under way, tabs, steps, and small buttons."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import template
from django.utils.translation import gettext as _

from portal.templatetags.formats import Text

register = template.Library()

FINISHED_STATES = frozenset({"done", "ready", "failed", "cancelled", "expired"})


@register.inclusion_tag("components/empty.html")
def empty(*, title: Text, text: Text = "", url: str = "", action: Text = "") -> dict[str, Any]:
    """Draw an empty place: what will be here, and the next step."""
    return {"title": title, "text": text, "url": url, "action": action}


@register.inclusion_tag("components/progress.html")
def progress(
    *,
    id: str,  # noqa: A002 - the name of the attribute it becomes
    url: str,
    label: Text,
    state: str = "running",
    done: int = 0,
    total: int = 0,
    note: Text = "",
    result_url: str = "",
    result: Text = "",
) -> dict[str, Any]:
    """Draw a long job that is a row in the database: how far it is, then where its result is.

    While it runs, the part asks ``url`` every two seconds for itself again; that view draws this tag. A reload shows
    the same, and without scripts a link does.
    """
    return {
        "id": id,
        "url": url,
        "label": label,
        "state": state,
        "done": done,
        "total": total,
        "finished": state in FINISHED_STATES,
        "note": note,
        "result_url": result_url,
        "result": result,
    }


@register.inclusion_tag("components/tabs.html")
def tabs(items: Sequence[Mapping[str, Any]], label: Text) -> dict[str, Any]:
    """Draw links between the sides of one thing. ``items``: ``label``, ``url``, ``current``, ``count`` if any."""
    return {"items": items, "label": label}


@register.inclusion_tag("components/steps.html")
def steps(*, current: int, labels: Sequence[Text] = ()) -> dict[str, Any]:
    """Draw where one is on a short way. Without labels it is the way of paying: choose, check, done."""
    names = [str(label) for label in labels] or [_("Choose"), _("Check"), _("Done")]
    return {
        "current": current,
        "total": len(names),
        "steps": [
            {
                "number": number,
                "label": name,
                "state": "now" if number == current else "past" if number < current else "next",
            }
            for number, name in enumerate(names, start=1)
        ],
    }


@register.inclusion_tag("components/copy.html")
def copy(*, text: str, label: Text = "") -> dict[str, Any]:
    """Draw a button that copies ``text``; it is shown only where scripts run."""
    return {"text": text, "label": label or _("Copy")}


@register.inclusion_tag("components/print_button.html")
def print_button(*, label: Text = "") -> dict[str, Any]:
    """Draw a button that prints the page; it is shown only where scripts run."""
    return {"label": label or _("Print")}
