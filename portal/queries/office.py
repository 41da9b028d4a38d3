"""The day's figures on the first page of the finance office, read in a constant number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, F, Q, Sum
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import OutgoingMessage
from finance.models import Account, AccountPosition, DayStep, DueItem, Statement, Unit
from payments.models import GatewayEvent, Payment

ZERO: Final = Decimal(0)
RETURNS_SHOWN: Final = timedelta(days=30)

_OPEN: Final = F("outstanding_principal") + F("outstanding_interest") + F("outstanding_fees")
_IS_OPEN: Final = Q(outstanding_principal__gt=0) | Q(outstanding_interest__gt=0) | Q(outstanding_fees__gt=0)


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: an amount, or a day or text in its place, with a note and the list that adds up to it."""

    label: str | Promise
    url: str
    link: str | Promise
    amount: Decimal | None = None
    day: date | None = None
    text: str = ""
    note: str = ""
    tone: str = ""


def office_figures(*, today: date, now: datetime) -> list[Figure]:
    """What finance staff look at first, on the lender's business date `today`."""
    return [*_owed(today), *_units(), *_payments(now), *_machinery(today)]


def statement_page() -> str:
    """The page on which a month's statements are ordered; empty where there is none."""
    try:
        return reverse("finance:statement-batch")
    except NoReverseMatch:
        return ""


def _list(table: str, **narrowed: str) -> str:
    address = reverse(f"admin:{table}_changelist")
    return f"{address}?{urlencode(narrowed)}" if narrowed else address


def _owed(today: date) -> Sequence[Figure]:
    owed: Mapping[str, Any] = AccountPosition.objects.filter(account__state=Account.State.OPEN).aggregate(
        accounts=Count("pk"),
        total=Sum(F("principal") + F("billed_interest") + F("fees") - F("credit")),
    )
    late: Mapping[str, Any] = DueItem.objects.filter(_IS_OPEN, due_on__lt=today).aggregate(
        items=Count("pk"), total=Sum(_OPEN)
    )
    return [
        Figure(
            label=_("Owed by all, as posted"),
            amount=owed["total"] or ZERO,
            url=_list("finance_account", state__exact=Account.State.OPEN.value),
            link=ngettext("%(count)s open account", "%(count)s open accounts", owed["accounts"])
            % {"count": owed["accounts"]},
        ),
        Figure(
            label=_("Past due"),
            amount=late["total"] or ZERO,
            note=_("Due before today and not paid") if late["items"] else "",
            tone="bad" if late["items"] else "",
            url=_list("finance_dueitem", when="overdue"),
            link=ngettext("%(count)s due item", "%(count)s due items", late["items"])
            % {"count": late["items"]},
        ),
    ]


def _units() -> Sequence[Figure]:
    State = Unit.State  # noqa: N806 (a class)
    rows = {
        row["state"]: row
        for row in Unit.objects.filter(state__in=[State.REQUESTED, State.APPROVED, State.SOLD])
        .order_by()
        .values("state")
        .annotate(
            units=Count("pk"),
            asked=Sum("advance_amount"),
            principal=Sum("account__accountposition__principal"),
        )
    }

    def figure(state: str, label: str, column: str, tone: str) -> Figure:
        row = rows.get(state, {})
        units = row.get("units", 0)
        return Figure(
            label=label,
            amount=row.get(column) or ZERO,
            tone=tone if units else "",
            url=_list("finance_unit", state__exact=str(state)),
            link=ngettext("%(count)s unit", "%(count)s units", units) % {"count": units},
        )

    return [
        figure(State.REQUESTED.value, _("Advances to decide"), "asked", "wait"),
        figure(State.APPROVED.value, _("Advances to pay out"), "asked", "wait"),
        figure(State.SOLD.value, _("Sold and unpaid, principal"), "principal", "warn"),
    ]


def _payments(now: datetime) -> Sequence[Figure]:
    State = Payment.State  # noqa: N806 (a class)
    since = now - RETURNS_SHOWN
    found: Mapping[str, Any] = Payment.objects.filter(
        Q(state=State.CHECKING) | Q(state=State.RETURNED, returned_at__gte=since)
    ).aggregate(
        checking=Count("pk", filter=Q(state=State.CHECKING)),
        checked=Sum("amount", filter=Q(state=State.CHECKING)),
        returned=Count("pk", filter=Q(state=State.RETURNED)),
        back=Sum("amount", filter=Q(state=State.RETURNED)),
    )
    unfit = GatewayEvent.objects.exclude(problem="").filter(received_at__gte=since).count()
    return [
        Figure(
            label=_("Payments being checked"),
            amount=found["checked"] or ZERO,
            note=_("The bank has not said what became of them") if found["checking"] else "",
            tone="warn" if found["checking"] else "",
            url=_list("payments_payment", state__exact=State.CHECKING.value),
            link=ngettext("%(count)s payment", "%(count)s payments", found["checking"])
            % {"count": found["checking"]},
        ),
        Figure(
            label=_("Returned in the last 30 days"),
            amount=found["back"] or ZERO,
            url=_list(
                "payments_payment",
                state__exact=State.RETURNED.value,
                returned_at__gte=since.isoformat(timespec="seconds"),
            ),
            link=ngettext("%(count)s payment", "%(count)s payments", found["returned"])
            % {"count": found["returned"]},
        ),
        Figure(
            label=_("Messages of banks that did not fit"),
            text=str(unfit),
            note=_("Not booked; see what the bank meant") if unfit else "",
            tone="warn" if unfit else "",
            url=_list(
                "payments_gatewayevent",
                fit="does-not-fit",
                received_at__gte=since.isoformat(timespec="seconds"),
            ),
            link=_("Of the last 30 days"),
        ),
    ]


def _machinery(today: date) -> Sequence[Figure]:
    statements: Mapping[str, int] = Statement.objects.filter(
        state__in=[Statement.State.WAITING, Statement.State.FAILED]
    ).aggregate(
        waiting=Count("pk", filter=Q(state=Statement.State.WAITING)),
        failed=Count("pk", filter=Q(state=Statement.State.FAILED)),
    )
    given_up = OutgoingMessage.objects.filter(state=OutgoingMessage.State.FAILED).count()
    return [
        _end_of_day(today),
        Figure(
            label=_("Statements in work"),
            text=str(statements["waiting"]),
            note=ngettext("%(count)s failed", "%(count)s failed", statements["failed"])
            % {"count": statements["failed"]}
            if statements["failed"]
            else "",
            tone="bad" if statements["failed"] else "",
            url=_list(
                "finance_statement",
                state__exact=(
                    Statement.State.FAILED if statements["failed"] else Statement.State.WAITING
                ).value,
            ),
            link=_("Statements"),
        ),
        Figure(
            label=_("Messages given up"),
            text=str(given_up),
            note=_("They did not reach their readers") if given_up else "",
            tone="bad" if given_up else "",
            url=_list("accounts_outgoingmessage", state__exact=OutgoingMessage.State.FAILED.value),
            link=_("Outgoing messages"),
        ),
    ]


def _end_of_day(today: date) -> Figure:
    """The last business date that is closed, or what stands in the way of closing one."""
    steps = list(
        DayStep.objects.filter(business_date__gte=today - timedelta(days=35))
        .order_by("-business_date", "pk")
        .values_list("business_date", "step", "state")
    )
    failed = [step for step in steps if step[2] == DayStep.State.FAILED]
    running = {day for day, _step, state in steps if state == DayStep.State.RUNNING}
    broken = {day for day, _step, _state in failed}
    closed = next((day for day, _step, _state in steps if day not in running | broken), None)
    note, tone = "", ""
    if failed:
        note = ngettext("%(count)s step failed", "%(count)s steps failed", len(failed)) % {
            "count": len(failed)
        }
        tone = "bad"
    elif running:
        note, tone = _("Running"), "busy"
    elif closed is None or closed < today - timedelta(days=1):
        note, tone = _("Behind"), "warn"
    return Figure(
        label=_("Last day closed"),
        day=closed,
        text="–",
        note=note,
        tone=tone,
        url=_list("finance_daystep", **({"state__exact": DayStep.State.FAILED.value} if failed else {})),
        link=_("End of day"),
    )
