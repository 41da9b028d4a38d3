"""The first page after signing in: what a dealer owes, has free, and must do today."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from accounts.models import Lender, User
from accounts.permissions import Access, allowed_to
from finance.calendars import calendar_named, value_date
from finance.formatting import format_clock, format_count, format_date, format_money
from finance.models import DueItem
from finance.queries.dashboard import AGE_LIMITS, SoldUnit
from portal.queries.dashboard import SOLD_SHOWN, Dashboard, dashboard_of

START_PAGES: Final[dict[str, str]] = {
    User.Kind.FINANCE: "admin:index",
    User.Kind.OPERATOR: "accounts:security",
    User.Kind.SUPPORT: "support:queue",
}
"""Where everybody who is not a dealer starts."""

SOON: Final = 7
AHEAD: Final = 30


@dataclass(frozen=True, slots=True)
class Task:
    """One line of the list of things to do; `when` is its time in words."""

    what: str
    about: str
    action: str
    url: str
    amount: Decimal | None = None
    when: str = ""
    tone: str = ""


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    """A dealer's dashboard; everybody else goes to the page they start on."""
    access: Access | None = request.access  # type: ignore[attr-defined]
    if access is not None and access.factor_satisfied and access.kind in START_PAGES:
        return redirect(START_PAGES[access.kind])
    return _dealer_dashboard(request)


@allowed_to("balances.view")
def _dealer_dashboard(request: HttpRequest) -> HttpResponse:
    access = cast(Access, request.access)  # type: ignore[attr-defined]
    dealership = cast(Any, access.dealership)
    board = dashboard_of(dealership.pk, today=access.business_date)
    lender, now = access.lender, timezone.now()
    may_pay = access.may("payments.make")
    due_url = reverse("finance:due-list")
    floor_plans = board.floor_plan_lines
    context = {
        "board": board,
        "tasks": tasks_of(board, lender, may_pay=may_pay, now=now),
        "owed_url": f"{due_url}?when=today",
        "next_url": f"{due_url}?on={board.dues.next_on.isoformat()}" if board.dues.next_on else "",
        "free_url": reverse("finance:line-detail", args=[floor_plans[0].public_id])
        if len(floor_plans) == 1
        else reverse("finance:line-list"),
        "sold_units": board.holdings.count("sold"),
        "requested_units": board.holdings.count("requested", "approved"),
        "curtailments_soon": board.dues.items_within(SOON, kind=DueItem.Kind.CURTAILMENT),
        "may_pay": may_pay,
        "cut_off": datetime.combine(access.business_date, lender.payment_cut_off, tzinfo=lender.zone),
        "counts_on": value_date(
            lender.local_time(now), lender.payment_cut_off, calendar_named(lender.calendar)
        ),
        "month_total": board.dues.within(AHEAD),
        "line_use": line_use_chart(board, lender),
        "ages": ages_chart(board, lender),
        "cash": cash_chart(board, lender),
    }
    return render(request, "portal/dashboard.html", context)


def tasks_of(board: Dashboard, lender: Lender, *, may_pay: bool, now: datetime) -> list[Task]:
    """What wants doing, the largest sum first; what is no sum comes last. Those who may not pay are shown where."""
    tasks = [
        *_overdue(board, lender, may_pay),
        *(_sold(unit, lender, may_pay, now) for unit in board.sold),
        *_soon(board, lender),
        *_returned(board, lender),
    ]
    tasks.sort(key=lambda task: task.amount or Decimal(0), reverse=True)
    more = board.holdings.count("sold") - SOLD_SHOWN
    if more > 0:
        tasks.append(
            Task(
                what=ngettext("%(count)s more sold unit", "%(count)s more sold units", more)
                % {"count": format_count(more, lender.locale)},
                about=_("unpaid"),
                action=_("See all"),
                url=reverse("finance:unit-list") + "?show=sold",
            )
        )
    tasks += [
        Task(
            what=ticket.subject,
            about=_("%(number)s waits for your answer") % {"number": ticket.number},
            action=_("Read"),
            url=reverse("support:ticket-detail", args=[ticket.public_id]),
            when=format_date(lender.local_time(ticket.updated_at).date(), lender.locale, "day"),
        )
        for ticket in board.waiting_tickets
    ]
    return tasks


def _overdue(board: Dashboard, lender: Lender, may_pay: bool) -> list[Task]:
    # A sold unit past its clock stands in the list by itself.
    days = [day for day in board.dues.days if day.is_overdue and day.kind != DueItem.Kind.PAYOFF]
    if not days:
        return []
    items = sum(day.items for day in days)
    return [
        Task(
            what=_("Overdue"),
            about=ngettext("%(count)s item", "%(count)s items", items)
            % {"count": format_count(items, lender.locale)},
            amount=sum((day.amount for day in days), Decimal(0)),
            when=_("since %(day)s") % {"day": format_date(days[0].due_on, lender.locale, "day")},
            action=_("Pay") if may_pay else _("Look"),
            url=reverse("payments:choose") + "?due=all"
            if may_pay
            else reverse("finance:due-list") + "?when=overdue",
            tone="bad",
        )
    ]


def _short_moment(moment: datetime, lender: Lender) -> str:
    """A moment of these days on the lender's clock, without its year."""
    day = format_date(lender.local_time(moment).date(), lender.locale, "day")
    return f"{day}, {format_clock(moment, lender.time_zone, lender.locale)}"


def _sold(unit: SoldUnit, lender: Lender, may_pay: bool, now: datetime) -> Task:
    ended = unit.payoff_due_at is not None and unit.payoff_due_at <= now
    return Task(
        what=unit.vehicle,
        about=(_("sold, payoff overdue") if ended else _("sold, unpaid"))
        + f" · {unit.stock_number or unit.vin_tail}",
        amount=unit.payoff,
        when=_("by %(moment)s") % {"moment": _short_moment(unit.payoff_due_at, lender)}
        if unit.payoff_due_at
        else "",
        action=_("Pay off") if may_pay else _("Look"),
        url=reverse("payments:choose") + f"?unit={unit.public_id}&pay=payoff"
        if may_pay
        else reverse("finance:unit-detail", args=[unit.public_id]),
        tone="bad" if ended else "warn",
    )


def _soon(board: Dashboard, lender: Lender) -> list[Task]:
    names = {
        DueItem.Kind.CURTAILMENT: _("Curtailments in 7 days"),
        DueItem.Kind.MATURITY: _("Units maturing in 7 days"),
        DueItem.Kind.INSTALMENT: _("Instalments in 7 days"),
    }
    tasks = []
    for kind, name in names.items():
        items = board.dues.items_within(SOON, kind=kind)
        first = board.dues.first_within(SOON, kind=kind)
        if items and first:
            tasks.append(
                Task(
                    what=name,
                    about=ngettext("%(count)s item", "%(count)s items", items)
                    % {"count": format_count(items, lender.locale)},
                    amount=board.dues.within(SOON, kind=kind),
                    when=_("from %(day)s") % {"day": format_date(first, lender.locale, "day")},
                    action=_("See them"),
                    url=reverse("finance:due-list") + f"?when=week&kind={kind.value}",
                )
            )
    return tasks


def _returned(board: Dashboard, lender: Lender) -> list[Task]:
    return [
        Task(
            what=_("Payment %(number)s was returned") % {"number": payment.number},
            about=payment.return_reason,
            amount=payment.amount,
            when=format_date(lender.local_time(payment.returned_at).date(), lender.locale, "day"),
            action=_("See why"),
            url=reverse("payments:receipt", args=[payment.public_id]),
            tone="bad",
        )
        for payment in board.returned
        if payment.returned_at
    ]


Chart = dict[str, Any]


def _money_series(label: str | Promise, amounts: Sequence[Decimal], lender: Lender) -> Chart:
    texts = [format_money(amount, lender.currency, lender.locale) for amount in amounts]
    return {"label": label, "values": list(amounts), "texts": texts}


def line_use_chart(board: Dashboard, lender: Lender) -> Chart:
    """Principal on floor-plan units at the end of each day, beside today's limit."""
    amounts = [amount for _day, amount in board.use]
    series = [_money_series(_("Used"), amounts, lender)]
    if board.limit:
        series.append(_money_series(_("Limit today"), [board.limit] * len(amounts), lender))
    return {
        "kind": "line",
        "head": _("End of day"),
        "labels": [format_date(day, lender.locale, "day") for day, _amount in board.use],
        "series": series,
    }


def ages_chart(board: Dashboard, lender: Lender) -> Chart:
    """Principal by days on the floor plan, and how many units that is."""
    lower = (0, *(limit + 1 for limit in AGE_LIMITS))
    labels = [f"{first}-{last}" for first, last in zip(lower, AGE_LIMITS, strict=False)]
    ages = board.holdings.ages
    return {
        "kind": "bar",
        "head": _("Days"),
        "labels": [*labels, _("over %(days)s") % {"days": AGE_LIMITS[-1]}],
        "series": [
            {
                "label": _("Units"),
                "values": [Decimal(count) for count in ages.units],
                "texts": [
                    f"{format_count(count, lender.locale)} · {format_money(amount, lender.currency, lender.locale)}"
                    for count, amount in zip(ages.units, ages.principal, strict=True)
                ],
            }
        ],
    }


def cash_chart(board: Dashboard, lender: Lender) -> Chart:
    """What falls due on each of the next 30 days, as far as it is billed or scheduled today."""
    days = board.dues.by_day(AHEAD)
    return {
        "kind": "bar",
        "head": _("Day"),
        "labels": [format_date(day, lender.locale, "day") for day, _amount in days],
        "series": [_money_series(_("Falls due"), [amount for _day, amount in days], lender)],
    }
