"""Fields of a form, and what is wrong with them."""

from typing import Any

from django import forms, template
from django.core.validators import MaxLengthValidator, MinLengthValidator
from django.forms.boundfield import BoundField
from django.forms.utils import ErrorList
from django.utils.translation import gettext as _

register = template.Library()

_STOCK_MESSAGES = (
    *forms.Field.default_error_messages.values(),
    MinLengthValidator.message,
    MaxLengthValidator.message,
)


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
