"""The demo's page of components: each one, in every state, with values that never change."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from finance.formatting import format_date, format_money
from portal.forms import ComponentsForm

AS_OF = date(2026, 11, 20)
_MADE = [
    ("2024 Toyota Camry SE", "4T1G11AK2RU834412", "T2087"),
    ("2023 Honda CR-V EX-L", "2HKRS4H74PH417655", "T2091"),
    ("2022 Ford F-150 XLT", "1FTFW1E86NFA20318", "T2044"),
    ("2024 Subaru Outback Premium", "4S4BTACC5R3170926", "T2102"),
    ("2021 Chevrolet Silverado 1500 LT", "3GCUYDED0MG287741", "T1987"),
    ("2023 Hyundai Tucson SEL", "KM8JBCAE9PU265530", "T2079"),
    ("2022 Jeep Grand Cherokee Limited", "1C4RJKBG1N8571204", "T2013"),
    ("2024 Kia Sportage LX", "KNDPUCDF3R7231186", "T2110"),
]
_STATES = ["funded", "due", "funded", "funded", "overdue", "funded", "sold", "funded"]


@dataclass(frozen=True, slots=True)
class SampleUnit:
    """One made-up row of the sample table."""

    number: int
    vehicle: str
    vin: str
    stock: str
    state: str
    due: date
    days: int
    amount_due: Decimal
    payoff: Decimal

    @property
    def reason(self) -> str:
        """Why this row cannot be chosen, or nothing."""
        return _("A payment for it is being checked.") if self.number == 5 else ""


def sample_units() -> list[SampleUnit]:
    """Return 24 rows with fixed figures."""
    units = []
    for number in range(24):
        vehicle, vin, stock = _MADE[number % 8]
        payoff = Decimal(18250) + Decimal(1375 * (number * 7 % 11)) + Decimal(number * 37 % 100) / 100
        units.append(
            SampleUnit(
                number=number,
                vehicle=vehicle,
                vin=vin,
                stock=stock,
                state=_STATES[number % 8],
                due=AS_OF + timedelta(days=number * 5 % 29 - 4),
                days=12 + number * 13 % 140,
                amount_due=Decimal("0.00") if number % 3 else payoff / 10,
                payoff=payoff,
            )
        )
    return units


SORTS = {"vehicle", "due", "days", "payoff"}


@require_http_methods(["GET", "HEAD", "POST"])
def components_page(request: HttpRequest) -> HttpResponse:
    """Show every component; the form at its end answers with its messages and keeps what was typed."""
    lender = request.lender  # type: ignore[attr-defined]
    form = ComponentsForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
        lender=lender,
    )
    accepted = form.is_bound and form.is_valid()
    units = sample_units()
    chosen = request.GET.get("sort", "due")
    if chosen.removeprefix("-") in SORTS:
        units.sort(
            key=lambda unit: str(getattr(unit, chosen.removeprefix("-"))), reverse=chosen.startswith("-")
        )
    page = Paginator(units, 8).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "accepted": accepted,
        "sort": "due",
        "page": page,
        "payoff_of_all": sum((unit.payoff for unit in units), Decimal(0)),
        "page_total": sum((unit.payoff for unit in page), Decimal(0)),
        "as_of": AS_OF,
        "moment": datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
        "amounts": [Decimal("12340.00"), Decimal("-482.17"), Decimal("0.00"), Decimal("1250000.5")],
        "rate": Decimal("0.092500"),
        "chips": _chips(request),
        "tabs": [
            {"label": _("Schedule"), "url": "#tabs", "current": True},
            {"label": _("Interest"), "url": "#tabs", "current": False},
            {"label": _("Documents"), "url": "#tabs", "current": False, "count": 2},
        ],
        "states": [
            ("settled", "busy", "processing", "submitted"),
            ("checking", "returned", "cancelled", "draft"),
            ("funded", "due", "overdue", "sold"),
            ("open", "new", "solved", "locked"),
        ],
        "job": _job(0),
        "line_use": _line_use(lender),
        "ages": _ages(),
    }
    return render(
        request, "portal/components.html", context, status=400 if form.is_bound and not accepted else 200
    )


@require_safe
def components_progress(request: HttpRequest) -> HttpResponse:
    """Answer the sample progress part's question: a little further each time, then done."""
    asked = request.GET.get("done", "")
    done = min(40, int(asked) + 8) if asked.isdecimal() and len(asked) < 3 else 40
    return render(request, "portal/_components_progress.html", {"job": _job(done)})


def _job(done: int) -> dict[str, Any]:
    address = reverse("portal:components-progress")
    return {"done": done, "url": f"{address}?done={done}", "state": "done" if done >= 40 else "running"}


def _chips(request: HttpRequest) -> list[dict[str, Any]]:
    current = request.GET.get("show", "all")
    return [
        {"label": label, "url": f"?show={key}", "current": current == key, "count": number}
        for key, label, number in (
            ("all", _("All"), 24),
            ("due", _("Due this week"), 3),
            ("overdue", _("Overdue"), 3),
            ("sold", _("Sold, unpaid"), 3),
        )
    ]


def _line_use(lender: Any) -> dict[str, Any]:
    days = [AS_OF - timedelta(days=29 - number) for number in range(30)]
    used = [
        Decimal(612_400) + Decimal(number * 2731) - Decimal(41_000 if number > 17 else 0)
        for number in range(30)
    ]
    limit = [Decimal(900_000)] * 30

    def written(amounts: list[Decimal]) -> list[str]:
        return [format_money(amount, lender.currency, lender.locale) for amount in amounts]

    return {
        "kind": "line",
        "head": _("Day"),
        "labels": [format_date(day, lender.locale, "day") for day in days],
        "series": [
            {"label": _("Used"), "values": used, "texts": written(used)},
            {"label": _("Limit"), "values": limit, "texts": written(limit)},
        ],
    }


def _ages() -> dict[str, Any]:
    counts = [9, 6, 5, 3, 1]
    return {
        "kind": "bar",
        "head": _("Days on the floor plan"),
        "labels": ["0 to 30", "31 to 60", "61 to 90", "91 to 120", "over 120"],
        "series": [
            {
                "label": _("Units"),
                "values": [Decimal(one) for one in counts],
                "texts": [str(one) for one in counts],
            }
        ],
    }
