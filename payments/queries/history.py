"""The list of payments: filtered, counted, a page at a time."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from payments.models import Payment, PaymentMethod, PaymentShare
from payments.queries.pending import PENDING_STATES

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class PaymentFilters:
    """Which payments are wanted. `shown` is "all", "open" or a state; `person` and `method` are ids or None."""

    shown: str = "all"
    person: int | None = None
    method: str = ""
    text: str = ""
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class PaymentTotals:
    """How many payments the filters find and what they come to, and how many each state would find."""

    count: int
    amount: Decimal
    by_state: dict[str, int]

    @property
    def all(self) -> int:
        """Payments of every state."""
        return sum(self.by_state.values())

    @property
    def open(self) -> int:
        """Payments that are on their way."""
        return sum(self.by_state.get(state, 0) for state in PENDING_STATES)


def filtered_payments(
    dealership_id: int, filters: PaymentFilters
) -> tuple[PaymentTotals, "QuerySet[Payment, Any]"]:
    """The totals, and the payments, newest first. One query for the totals; the payments are read by the caller."""
    rows: QuerySet[Payment, Any] = Payment.objects.filter(dealership_id=dealership_id)
    if filters.person is not None:
        rows = rows.filter(made_by_id=filters.person)
    if filters.method:
        rows = rows.filter(method__public_id=filters.method)
    if filters.first:
        rows = rows.filter(value_date__gte=filters.first)
    if filters.last:
        rows = rows.filter(value_date__lte=filters.last)
    if filters.text:
        rows = rows.filter(_matches(dealership_id, filters.text))
    by_state = {
        row["state"]: row
        for row in rows.order_by().values("state").annotate(n=Count("pk"), sum=Sum("amount"))
    }
    if filters.shown == "open":
        wanted = list(PENDING_STATES)
    elif filters.shown == "all":
        wanted = list(Payment.State)
    else:
        wanted = [Payment.State(filters.shown)]
    found = [by_state[state] for state in wanted if state in by_state]
    totals = PaymentTotals(
        count=sum(row["n"] for row in found),
        amount=sum((row["sum"] for row in found), ZERO),
        by_state={state: row["n"] for state, row in by_state.items()},
    )
    if filters.shown != "all":
        rows = rows.filter(state__in=wanted)
    return totals, rows.select_related("method").order_by("-submitted_at", "-pk")


def payers_of(dealership_id: int) -> list[tuple[int, str]]:
    """Everybody who has made a payment for the dealership: id and name. One query."""
    rows = (
        Payment.objects.filter(dealership_id=dealership_id)
        .order_by()
        .values_list("made_by_id", "made_by_name")
    )
    return sorted(dict(rows.distinct()).items(), key=lambda row: row[1])


def used_methods_of(dealership_id: int) -> list[PaymentMethod]:
    """Every account from which the dealership pays or has paid. One query."""
    return list(PaymentMethod.objects.filter(dealership_id=dealership_id).order_by("label", "pk"))


def account_counts(payment_ids: list[int]) -> dict[int, int]:
    """How many accounts each payment pays. One query."""
    rows = (
        PaymentShare.objects.filter(payment_id__in=payment_ids).values("payment_id").annotate(n=Count("pk"))
    )
    return {row["payment_id"]: row["n"] for row in rows}


def _matches(dealership_id: int, text: str) -> Q:
    """A payment's number, or anything of a unit or loan that it paid: number, title, VIN's end, stock number."""
    upper = text.upper()
    shares = PaymentShare.objects.filter(dealership_id=dealership_id).filter(
        Q(account__number__iexact=text)
        | Q(account__title__icontains=text)
        | Q(account__unit__vin_tail=upper)
        | Q(account__unit__vin=upper)
        | Q(account__unit__stock_number__iexact=text)
    )
    return Q(number=upper) | Q(pk__in=shares.values("payment_id"))
