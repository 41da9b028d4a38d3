"""The content of a statement as JSON, kept with it: amounts as text, days in ISO form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any, Final

from finance.queries.statements.content import (
    COLUMNS,
    AccountPart,
    Amounts,
    DueLine,
    Line,
    LineUse,
    Party,
    RateSpan,
    StatementContent,
)

VERSION: Final = 1
"""Of the JSON; a later one is read differently."""


def as_json(content: StatementContent) -> dict[str, Any]:
    """The content as it is kept."""
    return {"version": VERSION, **_plain(content)}


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return f"{value:f}"
        case date():
            return value.isoformat()
        case tuple():
            return [_plain(one) for one in value]
        case None | str() | int():
            return value
    return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}


def from_json(stored: Mapping[str, Any]) -> StatementContent:
    """The content of a statement as it was kept. Raises ValueError for a version this code does not know."""
    if stored.get("version") != VERSION:
        raise ValueError(
            f"A statement of version {stored.get('version')!r} cannot be read; expected {VERSION}."
        )
    rows = {name: value for name, value in stored.items() if name != "version"}
    return StatementContent(
        **rows
        | {
            "lender": _party(stored["lender"]),
            "dealership": _party(stored["dealership"]),
            "period_start": date.fromisoformat(stored["period_start"]),
            "period_end": date.fromisoformat(stored["period_end"]),
            "made_on": date.fromisoformat(stored["made_on"]),
            "accounts": tuple(_account(row) for row in stored["accounts"]),
            "due_on": date.fromisoformat(stored["due_on"]) if stored["due_on"] else None,
            "due": tuple(
                DueLine(**row | {"due_on": date.fromisoformat(row["due_on"])} | _decimals(row, *COLUMNS[:3]))
                for row in stored["due"]
            ),
            "credit_lines": tuple(
                LineUse(**row | _decimals(row, "limit", "used", "approved")) for row in stored["credit_lines"]
            ),
            "rates": tuple(_rate_span(row) for row in stored["rates"]),
        }
    )


def _decimals(row: Mapping[str, Any], *names: str) -> dict[str, Decimal]:
    return {name: Decimal(row[name]) for name in names}


def _amounts(row: Mapping[str, Any]) -> Amounts:
    return Amounts(**_decimals(row, *COLUMNS))


def _party(row: Mapping[str, Any]) -> Party:
    return Party(row["name"], row["number"], tuple(row["address"]))


def _account(row: dict[str, Any]) -> AccountPart:
    return AccountPart(
        **row
        | {
            "opening": _amounts(row["opening"]),
            "closing": _amounts(row["closing"]),
            "lines": tuple(
                Line(
                    **line
                    | {
                        "booked_on": date.fromisoformat(line["booked_on"]),
                        "value_on": date.fromisoformat(line["value_on"]),
                        "amounts": _amounts(line["amounts"]),
                    }
                )
                for line in row["lines"]
            ),
        }
    )


def _rate_span(row: dict[str, Any]) -> RateSpan:
    return RateSpan(
        **row
        | {"start": date.fromisoformat(row["start"]), "end": date.fromisoformat(row["end"])}
        | _decimals(row, "annual_rate", "margin")
        | {"index_rate": Decimal(row["index_rate"]) if row["index_rate"] is not None else None}
    )
