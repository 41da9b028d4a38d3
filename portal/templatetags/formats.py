"""Template tags that write one value: money, a date, a rate, a state.

Each reads `lender` (its currency, locale and time zone) from the context, so a page, a mail and a PDF of one lender
write alike. Pages load `components`, which carries these tags too.
"""

import re
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any

from django import template
from django.template import Context
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from finance import formatting

register = template.Library()

Text = str | Promise
"""Words, translated now or when they are drawn."""

NOTHING = "\u2013"
"""Stands where a value is not known or does not apply, so that a cell is never mistaken for zero."""

_ISO_DAY = re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b")

TONES = frozenset({"good", "busy", "wait", "warn", "bad", "off"})

# What each stored state is called and how it looks: a word, a shape, and only then a colour.
STATES: dict[str, tuple[str, Promise]] = {
    # payments
    "draft": ("off", _("Draft")),
    "submitted": ("wait", _("Submitted")),
    "processing": ("busy", _("Processing")),
    "checking": ("warn", _("Being checked")),
    "settled": ("good", _("Settled")),
    "declined": ("bad", _("Declined")),
    "returned": ("bad", _("Returned")),
    "cancelled": ("off", _("Cancelled")),
    # units, loans and what is due on them
    "requested": ("wait", _("Requested")),
    "approved": ("busy", _("Approved")),
    "refused": ("bad", _("Refused")),
    "pending": ("wait", _("Not yet funded")),
    "funded": ("good", _("Floored")),
    "sold": ("warn", _("Sold, unpaid")),
    "paid": ("good", _("Paid")),
    "open": ("busy", _("Open")),
    "paid_off": ("good", _("Paid off")),
    "current": ("good", _("Current")),
    "closed": ("off", _("Closed")),
    "due": ("warn", _("Due")),
    "overdue": ("bad", _("Overdue")),
    "scheduled": ("wait", _("Scheduled")),
    "reversed": ("off", _("Reversed")),
    # accounts and methods
    "active": ("good", _("Active")),
    "suspended": ("off", _("Not to be used")),
    "locked": ("bad", _("Locked")),
    "expired": ("off", _("Expired")),
    # long jobs and documents
    "waiting": ("wait", _("Waiting")),
    "running": ("busy", _("Running")),
    "ready": ("good", _("Ready")),
    "done": ("good", _("Done")),
    "failed": ("bad", _("Failed")),
    # tickets
    "new": ("wait", _("New")),
    "solved": ("good", _("Solved")),
}


def lender_of(context: Context) -> Any:
    """Return the context's lender, or say plainly which variable the template is missing."""
    lender = context.get("lender")
    if lender is None:
        raise template.TemplateSyntaxError(
            "This tag writes in the lender's way: put `lender` into the context."
        )
    return lender


@register.simple_tag(takes_context=True)
def money(
    context: Context,
    amount: Decimal | None,
    currency: str | None = None,
    *,
    decimals: int | None = None,
    code: bool = False,
) -> str:
    """Write an amount: ``{% money unit.payoff %}``; None becomes a dash."""
    if amount is None or amount == "":
        return NOTHING
    lender = lender_of(context)
    return formatting.format_money(
        amount, str(currency or lender.currency), str(lender.locale), decimals=decimals, code=code
    )


@register.simple_tag(takes_context=True)
def minor(context: Context, amount: Decimal, currency: str | None = None) -> str:
    """Write an amount in whole minor units (cents), for scripts that add up exactly."""
    places = formatting.decimals_of(str(currency or lender_of(context).currency))
    return str(int(amount.scaleb(places).to_integral_value(rounding=ROUND_HALF_UP)))


@register.simple_tag(takes_context=True)
def money_marks(context: Context, currency: str | None = None) -> SafeString:
    """Write the lender's money marks as data attributes, for scripts that show a running total."""
    lender = lender_of(context)
    marks = formatting.money_marks(str(currency or lender.currency), str(lender.locale))
    return format_html(
        'data-prefix="{}" data-suffix="{}" data-group="{}" data-point="{}" data-decimals="{}"',
        marks.prefix,
        marks.suffix,
        marks.group,
        marks.point,
        marks.decimals,
    )


@register.simple_tag(takes_context=True, name="date")
def date_tag(context: Context, value: date | None, style: str = "medium") -> str:
    """Write a date with its month in letters, in a ``<time>`` element; None becomes a dash."""
    if not value:
        return NOTHING
    day = _day_of(context, value)
    return format_html(
        '<time datetime="{}">{}</time>',
        day.isoformat(),
        formatting.format_date(day, str(lender_of(context).locale), style),
    )


@register.simple_tag(takes_context=True)
def date_text(context: Context, value: date | None, style: str = "medium") -> str:
    """Write a date without markup, for mails and attributes."""
    if not value:
        return NOTHING
    return formatting.format_date(_day_of(context, value), str(lender_of(context).locale), style)


@register.simple_tag(takes_context=True)
def with_dates(context: Context, sentence: str) -> str:
    """Write a stored sentence with its ISO days as dates: ``{% with_dates item.rule %}``; a day that is none stays."""
    locale = str(lender_of(context).locale)

    def written(match: re.Match[str]) -> str:
        try:
            return formatting.format_date(date.fromisoformat(match[0]), locale)
        except ValueError:
            return match[0]

    return _ISO_DAY.sub(written, sentence)


def _day_of(context: Context, value: date) -> date:
    """Return the lender's calendar day of a date or of an instant."""
    if isinstance(value, datetime):
        return formatting.local_moment(value, str(lender_of(context).time_zone)).date()
    return value


@register.simple_tag(takes_context=True)
def moment(context: Context, value: datetime | None) -> str:
    """Write an instant in the lender's time zone, the zone named; None becomes a dash."""
    if not value:
        return NOTHING
    return format_html(
        '<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), _moment_text(context, value)
    )


@register.simple_tag(takes_context=True)
def moment_text(context: Context, value: datetime | None) -> str:
    """Write an instant without markup, for mails and attributes."""
    return _moment_text(context, value) if value else NOTHING


def _moment_text(context: Context, value: datetime) -> str:
    lender = lender_of(context)
    return formatting.format_moment(value, str(lender.time_zone), str(lender.locale))


@register.simple_tag(takes_context=True)
def clock(context: Context, value: datetime | None) -> str:
    """Write the time of day of an instant in the lender's time zone, the zone named."""
    if not value:
        return NOTHING
    lender = lender_of(context)
    return formatting.format_clock(value, str(lender.time_zone), str(lender.locale))


@register.simple_tag(takes_context=True)
def rate(context: Context, value: Decimal | None, *, decimals: int = 2) -> str:
    """Write a rate given as a fraction in per cent: 0.0675 is ``6.75%``; None becomes a dash."""
    if value is None:
        return NOTHING
    return formatting.format_rate(value, str(lender_of(context).locale), decimals=decimals)


@register.simple_tag(takes_context=True)
def count(context: Context, value: int) -> str:
    """Write a whole number with the locale's grouping."""
    return formatting.format_count(value, str(lender_of(context).locale))


@register.simple_tag
def status(code: str, label: str | Promise | None = None, tone: str | None = None) -> SafeString:
    """Write a state as a word with a shape; colour only repeats what both say.

    ``code`` is a stored state. A state this table does not know needs ``label`` and ``tone``.
    """
    return _state(str(code), str(label) if label else "", tone or "", get_language() or "")


# A list shows the same few states hundreds of times; the language is part of the key because the words are.
@lru_cache(maxsize=512)
def _state(code: str, label: str, tone: str, language: str) -> SafeString:
    known_tone, known_label = STATES.get(code, ("off", None))
    tone = tone or known_tone
    if tone not in TONES:
        raise template.TemplateSyntaxError(
            f"A state's tone is one of {', '.join(sorted(TONES))}, not {tone!r}."
        )
    word = label or known_label or code.replace("_", " ").capitalize()
    return format_html('<span class="status status--{}">{}{}</span>', tone, shape(tone), word)


@register.simple_tag
def shape(tone: str) -> SafeString:
    """Draw the shape of a tone; decoration to the ear, since the word stands beside it."""
    return format_html(
        '<svg class="shape shape--{}" viewBox="0 0 12 12" aria-hidden="true" focusable="false">'
        '<use href="#shape-{}"/></svg>',
        tone,
        tone,
    )
