"""Template tags for the parts that pages are made of. One load brings all: ``{% load components %}``.

Each draws one template of `templates/components/` from plain values that the view prepared; none of them reads the
database. The page `/components/` of the demo shows every one in every state.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms, template
from django.core.paginator import Page
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.forms.boundfield import BoundField
from django.forms.utils import ErrorList
from django.http import HttpRequest
from django.template import Context
from django.template.base import FilterExpression, NodeList, Parser, Token, token_kwargs
from django.template.loader import render_to_string
from django.template.loader_tags import BLOCK_CONTEXT_KEY
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.templatetags import formats

register = template.Library()
register.tags.update(formats.register.tags)
register.filters.update(formats.register.filters)

Text = str | Promise
_STOCK_MESSAGES = (
    *forms.Field.default_error_messages.values(),
    MinLengthValidator.message,
    MaxLengthValidator.message,
)
FINISHED_STATES = frozenset({"done", "ready", "failed", "cancelled", "expired"})


@register.simple_tag(takes_context=True)
def repeat_block(context: Context, name: str) -> SafeString:
    """Draw a block of the page once more, so that its title and its heading are written once."""
    blocks = context.render_context.get(BLOCK_CONTEXT_KEY)
    block = blocks.get_block(name) if blocks else None
    return SafeString(block.nodelist.render(context).strip()) if block else SafeString("")


# --- forms -----------------------------------------------------------------------------------------------------------


@register.inclusion_tag("components/error_summary.html")
def error_summary(*checked: forms.BaseForm | None) -> dict[str, Any]:
    """List everything that is wrong with the forms, each line a link to its field.

    Draws nothing while there is nothing wrong. The script moves the focus here after a refused submission.
    """
    problems: list[dict[str, str]] = []
    for form in checked:
        if form is None or not form.is_bound:
            continue
        problems += [{"text": str(error), "target": ""} for error in form.non_field_errors()]
        for bound in form:
            target = _focus_target(bound)
            problems += [{"text": text, "target": target} for text in problems_of(bound)]
    return {"problems": problems}


def problems_of(bound: BoundField) -> list[str]:
    """Return what is wrong with one field, in words that make sense away from the field too.

    Django's own messages for missing and short input do not name the field; ours do. A field's own message stays.
    """
    texts = []
    for error in bound.form.errors.get(bound.name, ErrorList()).as_data():
        params = {**(error.params or {}), "label": bound.label}
        stock = any(error.message is message for message in _STOCK_MESSAGES)
        if (
            error.code == "required"
            and stock
            and isinstance(bound.field, forms.ChoiceField | forms.BooleanField)
        ):
            texts.append(_("Choose an answer for \u201c%(label)s\u201d.") % params)
        elif error.code == "required" and stock:
            texts.append(_("Fill in \u201c%(label)s\u201d.") % params)
        elif error.code == "min_length" and stock:
            texts.append(
                _(
                    "\u201c%(label)s\u201d needs at least %(limit_value)d characters; you entered %(show_value)d."
                )
                % params
            )
        elif error.code == "max_length" and stock:
            texts.append(
                _(
                    "\u201c%(label)s\u201d takes at most %(limit_value)d characters; you entered %(show_value)d."
                )
                % params
            )
        else:
            texts += [str(message) for message in error]
    return texts


def _focus_target(bound: BoundField) -> str:
    """Return the id of the control that a link to this field should reach (the first of a group of choices)."""
    base = bound.auto_id or bound.html_name
    return (
        f"{base}_0"
        if isinstance(bound.field.widget, forms.RadioSelect | forms.CheckboxSelectMultiple)
        else str(base)
    )


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, *, width: str = "") -> dict[str, Any]:
    """Draw one form field: label, hint, error, control, tied together for screen readers.

    ``width``: ``short`` (a code, a day), ``medium`` (an amount, a date) or nothing for the column's width. Password
    fields get a show button and a Caps Lock hint; the type of control decides the rest.
    """
    widget = bound.field.widget
    base = bound.auto_id or bound.html_name
    described = [f"{base}_hint"] if bound.help_text else []
    if bound.errors:
        described.append(f"{base}_error")
    kind = _kind_of(widget)
    attributes: dict[str, str | bool] = {}
    if described:
        attributes["aria-describedby"] = " ".join(described)
    if bound.errors:
        attributes["aria-invalid"] = "true"
    css = [str(widget.attrs.get("class", ""))]
    if kind in {"text", "password", "code", "select", "file", "area"}:
        css.append("input")
    if width:
        css.append(f"input--{width}")
    if kind == "code":
        css.append("input--code")
        attributes |= {"inputmode": "numeric", "autocapitalize": "off", "spellcheck": "false"}
    if kind == "password":
        described.append(f"{base}_caps")
        attributes["aria-describedby"] = " ".join(described)
        attributes |= {"autocapitalize": "off", "spellcheck": "false"}
    if css_text := " ".join(filter(None, css)):
        attributes["class"] = css_text
    # Bubbles of the browser would speak before the page does, and differently in each browser.
    control = bound.as_widget(attrs=attributes)
    return {
        "field": bound,
        "control": control,
        "kind": kind,
        "base": base,
        "optional": not bound.field.required,
        "problems": problems_of(bound),
    }


# Asked in this order: each control is the first kind of which it is an instance.
_KINDS: tuple[tuple[type[forms.Widget], str], ...] = (
    (forms.HiddenInput, "hidden"),
    (forms.PasswordInput, "password"),
    (forms.CheckboxSelectMultiple, "choices"),
    (forms.RadioSelect, "choices"),
    (forms.CheckboxInput, "checkbox"),
    (forms.Select, "select"),
    (forms.FileInput, "file"),
    (forms.Textarea, "area"),
)


def _kind_of(widget: forms.Widget) -> str:
    if widget.attrs.get("autocomplete") == "one-time-code":
        return "code"
    return next((kind for family, kind in _KINDS if isinstance(widget, family)), "text")


@register.inclusion_tag("components/fields.html")
def fields(form: forms.BaseForm) -> dict[str, Any]:
    """Draw every field of a form in its order, hidden ones included."""
    return {"form": form}


# --- figures and facts -----------------------------------------------------------------------------------------------


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
        "payload": {"kind": data["kind"], "labels": labels, "series": series, "title": str(title)},
        "lender": context.get("lender"),
    }


# --- tables ----------------------------------------------------------------------------------------------------------


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


# --- states of a place -----------------------------------------------------------------------------------------------


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


# --- tags with an end ------------------------------------------------------------------------------------------------


class FrameNode(template.Node):
    """Draws a component template around what stands between the tag and its end."""

    def __init__(
        self,
        template_name: str,
        positions: list[FilterExpression],
        names: dict[str, FilterExpression],
        inner: NodeList,
    ) -> None:
        self.template_name = template_name
        self.positions = positions
        self.names = names
        self.nodelist = inner

    def render(self, context: Context) -> SafeString:
        """Draw the frame with the inner part as ``inner``."""
        values = {name: expression.resolve(context) for name, expression in self.names.items()}
        values |= {f"position_{number}": part.resolve(context) for number, part in enumerate(self.positions)}
        with context.push():
            values["inner"] = self.nodelist.render(context)
        values["lender"] = context.get("lender")
        return render_to_string(self.template_name, values)


def _frame_tag(name: str, template_name: str) -> None:
    def compile_frame(parser: Parser, token: Token) -> FrameNode:
        bits = token.split_contents()[1:]
        positions: list[FilterExpression] = []
        names: dict[str, FilterExpression] = {}
        for bit in bits:
            named = token_kwargs([bit], parser)
            if named:
                names |= named
            else:
                positions.append(parser.compile_filter(bit))
        inner = parser.parse((f"end{name}",))
        parser.delete_first_token()
        return FrameNode(template_name, positions, names, inner)

    register.tag(name, compile_frame)


# {% notice "warn" _("Title") %}...{% endnotice %}: tones plain, good, warn, bad.
_frame_tag("notice", "components/notice.html")
# {% tableframe caption=_("Units") id="units" code=lender.currency %}<thead>...</tbody>{% endtableframe %}
_frame_tag("tableframe", "components/tableframe.html")
# {% actionbar %}<button ...>{% endactionbar %}: the bar at the foot of a form whose table has check boxes.
_frame_tag("actionbar", "components/actionbar.html")
