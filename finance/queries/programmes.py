"""Curtailment programmes as data: reading the shape that a programme's row holds."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from finance.curtailment import (
    AgeMonthlyWithStop,
    Base,
    DueRule,
    FollowingMonth,
    FullPayoffAtAge,
    Interval,
    NextBusinessDay,
    Programme,
    SameDay,
    StepTable,
)


def programme_of(shape: Mapping[str, Any]) -> Programme:
    """The programme that `shape` describes; raises ValueError when it describes none.

    Shapes, fractions as text: `{"kind": "interval", "days": 60, "fraction": "0.10", "base": "original", "times": 3}`,
    `{"kind": "age_monthly", "from_age": 120, "fraction": "0.10", "stop_original": "0.5", "stop_wholesale": "0.5"}`,
    `{"kind": "full_payoff", "days": 91}` or with "months", `{"kind": "steps", "table": [[270, "0.05"]]}`.
    """
    try:
        return _programme(shape)
    except (KeyError, TypeError, InvalidOperation) as error:
        raise ValueError(f"The shape does not describe a programme: {error!r}") from error


def _programme(shape: Mapping[str, Any]) -> Programme:
    match shape["kind"]:
        case "interval":
            return Interval(
                shape["days"],
                Decimal(shape["fraction"]),
                Base(shape.get("base", Base.ORIGINAL)),
                shape.get("times"),
            )
        case "age_monthly":
            stop = shape.get("stop_wholesale")
            return AgeMonthlyWithStop(
                shape["from_age"],
                Decimal(shape["fraction"]),
                Decimal(shape.get("stop_original", "0")),
                Decimal(stop) if stop is not None else None,
            )
        case "full_payoff":
            return FullPayoffAtAge(days=shape.get("days"), months=shape.get("months"))
        case "steps":
            return StepTable(tuple((int(age), Decimal(fraction)) for age, fraction in shape["table"]))
        case other:
            raise ValueError(f"There is no programme of kind {other!r}")


def due_rule_of(shape: Mapping[str, Any]) -> DueRule:
    """How the programme's target days become due dates; on the day itself unless the shape says otherwise."""
    rule = shape.get("due_rule") or {"kind": "same_day"}
    match rule.get("kind"):
        case "same_day":
            return SameDay()
        case "next_business_day":
            return NextBusinessDay()
        case "following_month":
            return FollowingMonth(rule["day"])
        case other:
            raise ValueError(f"There is no due rule of kind {other!r}")
