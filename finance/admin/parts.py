"""What several pages of the finance office show of an account."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from django.db.models import F, Min, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.admin.columns import Column, choice, day, link, money, text
from accounts.admin.office import Table
from finance.models import Account, AccountEvent, DueItem
from finance.queries.payoff import payoffs_on

MOST_EVENTS: Final = 100

#: What of a due item is still open.
OPEN: Final = F("outstanding_principal") + F("outstanding_interest") + F("outstanding_fees")
IS_OPEN: Final = Q(outstanding_principal__gt=0) | Q(outstanding_interest__gt=0) | Q(outstanding_fees__gt=0)

POSITION: Final = (
    money("principal", _("Principal"), "position.principal"),
    money("billed_interest", _("Billed interest"), "position.billed_interest"),
    money("fees", _("Fees"), "position.fees"),
    money("credit", _("Credit"), "position.credit"),
    money("payoff", _("Payoff today"), "payoff"),
)


def next_due() -> Subquery:
    """The first open due date of the account that a row's key names."""
    return Subquery(
        DueItem.objects.filter(IS_OPEN, account_id=OuterRef("pk"))
        .order_by()
        .values("account_id")
        .annotate(first=Min("due_on"))
        .values("first")
    )


def balance(position: Any) -> Any:
    """What is owed as posted: principal, billed interest and fees, less credit."""
    if position is None:
        return None
    return position.principal + position.billed_interest + position.fees - position.credit


def know_payoff(account: Account, today: date) -> None:
    """Give an account what POSITION shows: its position and what would pay it off today."""
    account.position = getattr(account, "accountposition", None)  # type: ignore[attr-defined]
    account.payoff = None  # type: ignore[attr-defined]
    if account.state == Account.State.OPEN:
        account.payoff = payoffs_on([account.pk], today).get(account.pk)  # type: ignore[attr-defined]


def prefixed(columns: Sequence[Column], prefix: str) -> tuple[Column, ...]:
    """Columns of an account, on a row that leads to it by `prefix`."""
    return tuple(
        Column(
            column.name, column.label, column.kind, f"{prefix}.{column.value or column.name}", column.order
        )
        for column in columns
    )


def account_tables(account: Account) -> list[Table]:
    """What falls due, and what happened, with the entry of each."""
    dues = (
        DueItem.objects.filter(account_id=account.pk)
        .filter(Q(principal__gt=0) | Q(interest__gt=0) | Q(fees__gt=0))
        .annotate(open=OPEN)
        .order_by("due_on", "pk")
    )
    events = (
        AccountEvent.objects.filter(account_id=account.pk)
        .select_related("entry")
        .order_by("-effective_on", "-sequence")[:MOST_EVENTS]
    )
    return [
        Table(
            title=_("Falls due"),
            columns=(
                day("due_on", _("Due")),
                choice("kind", _("What")),
                money("principal", _("Principal")),
                money("interest", _("Interest")),
                money("fees", _("Fees")),
                money("open", _("Open")),
                text("rule", _("Rule")),
            ),
            rows=dues,
            empty=_("Nothing falls due yet."),
        ),
        Table(
            title=_("What happened"),
            columns=(
                day("effective_on", _("Counts on")),
                choice("kind", _("What")),
                link("entry", _("Journal entry")),
                money("principal", _("Principal")),
                money("billed", _("Billed")),
                money("interest", _("Interest")),
                money("fees", _("Fees")),
                money("credit", _("Credit")),
            ),
            rows=events,
            empty=_("Nothing was posted yet."),
            url=f"{reverse('admin:finance_journalline_changelist')}?account__id__exact={account.pk}",
            url_label=_("Journal lines of this account"),
        ),
    ]
