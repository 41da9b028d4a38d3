"""A statement as a sheet: every line with plain numbers, for the CSV file."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Final

from finance.queries.statements.content import AccountPart, Amounts, Line, StatementContent

Cell = str | int | Decimal | date | None

HEAD: Final = (
    "statement",
    "record",
    "account",
    "title",
    "identification",
    "booked_on",
    "value_date",
    "due_on",
    "entry",
    "kind",
    "text",
    "principal",
    "interest",
    "fees",
    "credit",
    "total",
    "currency",
    "balance",
)
"""Names that never change their meaning. Per account, opening + all its charges and payments = closing: amounts are
signed by what they do to what is owed, and `credit`, which the lender holds, is negative. `balance` is what the account
owes after the line; `entry` is the number of the journal entry, which stays."""


def sheet_rows(content: StatementContent) -> Iterator[tuple[Cell, ...]]:
    """Each account with its opening, movements and closing; then the totals; then what is due."""
    for account in content.accounts:
        balance = account.opening.total
        yield _row(content, "opening", account.opening, balance, account=account, on=content.period_start)
        for line in account.lines:
            balance += line.change.total
            yield _row(
                content, line.side, line.change, balance, account=account, line=line, on=line.booked_on
            )
        yield _row(content, "closing", account.closing, balance, account=account, on=content.period_end)
    balance = content.opening.total
    yield _row(content, "total opening", content.opening, balance, on=content.period_start)
    balance += content.charges.total
    yield _row(content, "total charges", content.charges, balance)
    balance -= content.payments.total
    yield _row(content, "total payments", -content.payments, balance)
    yield _row(content, "total closing", content.closing, balance, on=content.period_end)
    for due in (*content.due_now, *content.due_later):
        yield _row(
            content,
            "due" if due in content.due_now else "due later",
            Amounts(due.principal, due.interest, due.fees),
            None,
            due_on=due.due_on,
            kind=due.kind,
        )
    if content.due_on:
        yield (
            content.number, "to be paid", "", "", "", None, None, content.due_on, None, "", "",
            None, None, None, None, content.amount_due, content.currency, None,
        )  # fmt: skip


def _row(
    content: StatementContent,
    record: str,
    amounts: Amounts,
    balance: Decimal | None,
    *,
    account: AccountPart | None = None,
    line: Line | None = None,
    on: date | None = None,
    due_on: date | None = None,
    kind: str = "",
) -> tuple[Cell, ...]:
    return (
        content.number,
        record,
        account.number if account else "",
        account.title if account else "",
        account.identification if account else "",
        on,
        line.value_on if line else None,
        due_on,
        line.entry if line else None,
        line.kind if line else kind,
        line.text if line else "",
        amounts.principal,
        amounts.interest,
        amounts.fees,
        amounts.credit,
        amounts.total,
        content.currency,
        balance,
    )
