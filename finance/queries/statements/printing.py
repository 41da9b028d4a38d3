"""A statement in words and formatted figures: what the PDF and the page both show.

Amounts are written once, here, by the lender's locale; templates only place them. Call it inside the reader's language.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from finance.formatting import format_count, format_date, format_rate, format_share, money_formatter
from finance.models import AccountEvent, DueItem, RatePlan
from finance.queries.statements.content import (
    COLUMNS,
    AccountPart,
    Amounts,
    DueLine,
    Posting,
    RateSpan,
    Side,
    StatementContent,
)

Kind = AccountEvent.Kind

_COLUMN_LABELS: Final[dict[str, Promise]] = {
    "principal": _("Principal"),
    "interest": _("Interest"),
    "fees": _("Fees"),
    "credit": _("Credit held"),
    "total": _("Total"),
}

_MOVEMENTS: Final[dict[str, Promise]] = {
    Kind.ADVANCE: _("Advance"),
    Kind.INTEREST_BILLED: _("Interest"),
    Kind.FEE_ASSESSED: _("Fee"),
    Kind.ADJUSTMENT: _("Correction"),
    Kind.CREDIT: _("Credit"),
    Kind.CURTAILMENT: _("Curtailment"),
    Kind.PAYMENT: _("Payment"),
    Kind.INTEREST_PAYMENT: _("Interest paid"),
    Kind.FEE_PAYMENT: _("Fee paid"),
    Kind.PAYOFF: _("Payoff"),
    Kind.REVERSAL: _("Reversal"),
}

_DUE_KINDS: Final[dict[str, Promise]] = {
    DueItem.Kind.INTEREST: _("Interest billed"),
    DueItem.Kind.FEE: _("Fees"),
    DueItem.Kind.CURTAILMENT: _("Curtailments"),
    DueItem.Kind.INSTALMENT: _("Instalments"),
    DueItem.Kind.MATURITY: _("Units at the end of their term"),
    DueItem.Kind.PAYOFF: _("Payoff of sold units, interest to the day of payment not included"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of figures: what it is, a quieter remark, and a text for each column."""

    label: str
    note: str
    cells: tuple[str, ...]
    day: str = ""
    entry: str = ""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One unit or loan: opening, charges, payments, closing, then the closing by column."""

    title: str
    identification: str
    number: str
    kind: str
    public_id: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DueRow:
    """What falls due on a day."""

    day: str
    label: str
    count: str
    amount: str
    is_overdue: bool


@dataclass(frozen=True, slots=True)
class UseRow:
    """A credit line at the end of the period."""

    label: str
    number: str
    limit: str
    used: str
    approved: str
    available: str
    share: str
    share_with_approved: str


@dataclass(frozen=True, slots=True)
class RateRow:
    """A rate and its days."""

    days: str
    rate: str
    made_of: str
    source: str


@dataclass(frozen=True, slots=True)
class RateBlock:
    """How one plan reckons, and its rates in the period."""

    name: str
    rule: str
    rows: tuple[RateRow, ...]


@dataclass(frozen=True, slots=True)
class Printed:
    """Everything that a statement shows, as text."""

    title: str
    month: str
    period: str
    account_word: str
    columns: tuple[str, ...]
    opening: Row
    movements: tuple[Row, ...]
    closing: Row
    charges: Row
    payments: Row
    account_columns: tuple[str, ...]
    closing_columns: tuple[str, ...]
    accounts: tuple[AccountRow, ...]
    leaves_accounts: bool
    accounts_total: AccountRow
    amount_due: str
    due_on: str
    overdue: str
    has_due: bool
    due_now: tuple[DueRow, ...]
    due_later: tuple[DueRow, ...]
    due_later_total: str
    uses: tuple[UseRow, ...]
    rates: tuple[RateBlock, ...]
    made_on: str
    figures: tuple[tuple[str, str], ...]


def printed(content: StatementContent, *, locale: str, longest: int | None = None) -> Printed:
    """The statement as text of `locale` (and, in its words, of the active language).

    Above `longest` rows it leaves the rows of the accounts to the sheet, and above that sums the movements by day and
    kind: the PDF engine holds every row in memory until the last is drawn.
    """
    rows = len(content.postings)
    leaves_accounts = longest is not None and rows + len(content.accounts) > longest
    postings = by_day(content.postings) if longest is not None and rows > longest else content.postings
    money = money_formatter(content.currency, locale)
    columns = [name for name in COLUMNS if name != "credit" or content.holds_credit]
    word = account_word(content)

    def day(value: date | None, style: str = "medium") -> str:
        return format_date(value, locale, style) if value else ""

    def row(label: str, amounts: Amounts, *, on: date | None = None) -> Row:
        return Row(label, "", _cells(amounts, columns, money), day(on))

    def account_row(account: AccountPart) -> AccountRow:
        return AccountRow(
            account.title,
            account.identification,
            account.number,
            account.kind,
            account.public_id,
            _account_cells(account, columns, money),
        )

    return Printed(
        title=gettext("Statement %(number)s") % {"number": content.number},
        month=day(content.period_end, "month"),
        period=gettext("%(start)s to %(end)s")
        % {"start": day(content.period_start), "end": day(content.period_end)},
        account_word=word,
        columns=tuple(str(_COLUMN_LABELS[name]) for name in (*columns, "total")),
        opening=row(gettext("Opening"), content.opening, on=content.period_start),
        movements=tuple(
            Row(
                _movement(posting),
                _note(posting, content, locale),
                _cells(posting.change, columns, money, blank=True),
                day(posting.booked_on),
                str(posting.entry or ""),
            )
            for posting in postings
        ),
        closing=row(gettext("Closing"), content.closing, on=content.period_end),
        charges=row(gettext("Charges"), content.charges),
        payments=row(gettext("Payments"), content.payments),
        account_columns=(gettext("Opening"), gettext("Charges"), gettext("Payments"), gettext("Closing")),
        closing_columns=tuple(str(_COLUMN_LABELS[name]) for name in columns),
        accounts=() if leaves_accounts else tuple(account_row(account) for account in content.accounts),
        leaves_accounts=leaves_accounts,
        accounts_total=AccountRow(
            accounts_counted(content, len(content.accounts), locale),
            "",
            "",
            "",
            "",
            _account_cells(content, columns, money),
        ),
        amount_due=money(content.amount_due),
        due_on=day(content.due_on, "long"),
        overdue=money(content.overdue) if content.overdue else "",
        has_due=bool(content.amount_due),
        due_now=tuple(_due_row(line, content, money, day, locale) for line in content.due_now),
        due_later=tuple(_due_row(line, content, money, day, locale) for line in content.due_later),
        due_later_total=money(sum((line.total for line in content.due_later), Decimal(0))),
        uses=tuple(
            UseRow(
                line.name,
                line.number,
                money(line.limit),
                money(line.used),
                money(line.approved),
                money(line.available),
                _share(line.used, line.limit, locale),
                _share(line.used + line.approved, line.limit, locale) if line.approved else "",
            )
            for line in content.credit_lines
        ),
        rates=_rate_blocks(content.rates, locale, day),
        made_on=day(content.made_on),
        figures=(
            (gettext("Opening"), money(content.opening.total)),
            (gettext("Charges"), money(content.charges.total)),
            (gettext("Payments"), money(-content.payments.total)),
            (gettext("Closing"), money(content.closing.total)),
        ),
    )


def by_day(postings: Sequence[Posting]) -> tuple[Posting, ...]:
    """Movements summed by business date, side and kind, without entry numbers."""
    sums: dict[tuple[date, str, Side], Posting] = {}
    for posting in postings:
        key = (posting.booked_on, posting.kind, posting.side)
        known = sums.get(key)
        sums[key] = replace(
            posting,
            text="",
            entry=0,
            accounts=posting.accounts + (known.accounts if known else 0),
            amounts=posting.amounts + (known.amounts if known else Amounts()),
        )
    return tuple(sums[key] for key in sorted(sums))


def account_word(content: StatementContent) -> str:
    """What one account of this statement is called."""
    match sorted(content.kinds):
        case ["loan"]:
            return gettext("Loan")
        case ["loan", "unit"]:
            return gettext("Unit or loan")
    return gettext("Unit")


def accounts_counted(content: StatementContent, count: int, locale: str) -> str:
    """So many accounts of this statement, in words."""
    number = {"count": format_count(count, locale)}
    match sorted(content.kinds):
        case ["loan"]:
            return ngettext("%(count)s loan", "%(count)s loans", count) % number
        case ["loan", "unit"]:
            return ngettext("%(count)s unit or loan", "%(count)s units and loans", count) % number
    return ngettext("%(count)s unit", "%(count)s units", count) % number


def _cells(
    amounts: Amounts, columns: Sequence[str], money: Callable[[Decimal], str], *, blank: bool = False
) -> tuple[str, ...]:
    """A text for each column and the total; `blank` leaves columns empty in which nothing moved."""
    found = [getattr(amounts, name) for name in columns]
    return (*(money(amount) if amount or not blank else "" for amount in found), money(amounts.total))


def _account_cells(
    part: AccountPart | StatementContent, columns: Sequence[str], money: Callable[[Decimal], str]
) -> tuple[str, ...]:
    """Opening, charges, payments, closing; then the closing by column. Of one account, or of all of them."""
    totals = (part.opening.total, part.charges.total, -part.payments.total, part.closing.total)
    return tuple(money(amount) for amount in (*totals, *(getattr(part.closing, name) for name in columns)))


def _movement(posting: Posting) -> str:
    return str(_MOVEMENTS.get(posting.kind, posting.kind))


def _note(posting: Posting, content: StatementContent, locale: str) -> str:
    """What the ledger says of it, unless that repeats the label; else how many accounts it touched."""
    label, text = _movement(posting), posting.text
    if text.startswith(label):
        text = text[len(label) :].strip(" :")
    if month := re.fullmatch(r"([0-9]{4})-([0-9]{2})", text):
        text = format_date(date(int(month[1]), int(month[2]), 1), locale, "month")
    if posting.accounts > 1:
        word = (
            ngettext("%(count)s loan", "%(count)s loans", posting.accounts)
            if content.kinds == {"loan"}
            else ngettext("%(count)s unit", "%(count)s units", posting.accounts)
            if content.kinds == {"unit"}
            else ngettext("%(count)s account", "%(count)s accounts", posting.accounts)
        ) % {"count": posting.accounts}
        return f"{text}, {word}" if text else word
    return text


def _due_row(
    line: DueLine,
    content: StatementContent,
    money: Callable[[Decimal], str],
    day: Callable[..., str],
    locale: str,
) -> DueRow:
    return DueRow(
        day=day(line.due_on),
        label=str(_DUE_KINDS.get(line.kind, line.kind)),
        count=accounts_counted(content, line.accounts, locale),
        amount=money(line.total),
        is_overdue=line.due_on <= content.period_end,
    )


def _share(part: Decimal, whole: Decimal, locale: str) -> str:
    return format_share(part / whole, locale) if whole else ""


def _rate_blocks(spans: Sequence[RateSpan], locale: str, day: Callable[..., str]) -> tuple[RateBlock, ...]:
    blocks: dict[tuple[str, str, str], list[RateRow]] = {}
    for span in spans:
        made_of = source = ""
        if span.index_rate is not None:
            made_of = gettext("%(index)s %(rate)s + %(margin)s") % {
                "index": span.index_name,
                "rate": format_rate(span.index_rate, locale),
                "margin": format_rate(span.margin, locale),
            }
            source = span.source
        blocks.setdefault((span.plan, span.day_count, span.compounding), []).append(
            RateRow(
                gettext("%(start)s to %(end)s") % {"start": day(span.start), "end": day(span.end)},
                format_rate(span.annual_rate, locale),
                made_of or gettext("fixed"),
                source,
            )
        )
    return tuple(
        RateBlock(name, _rule(day_count, compounding), tuple(rows))
        for (name, day_count, compounding), rows in blocks.items()
    )


def _rule(day_count: str, compounding: str) -> str:
    if compounding == RatePlan.Compounding.DAILY:
        return gettext("%(day_count)s, compounded daily") % {"day_count": day_count}
    return gettext("%(day_count)s, simple interest") % {"day_count": day_count}
