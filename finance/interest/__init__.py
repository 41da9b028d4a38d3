"""Interest: a balance is a function of its events and of the rate history, never of a nightly batch.

* :mod:`finance.interest.day_counts`: how many parts of a year lie between two days.
* :mod:`finance.interest.rates`: one annual rate per day and its cumulative sum, in memory or as rows of the database.
* :mod:`finance.interest.history`: the events of an account and what each changes.
* :mod:`finance.interest.positions`: what is owed, folded from events or advanced by one step in constant work.
* :mod:`finance.interest.payoff`: the calculation shown segment by segment, and payoff figures by value date.

Interest runs from the funding date inclusive to the value date exclusive. Nothing is rounded before it is posted.
"""

from finance.interest.day_counts import YEAR_PARTS, DayCount, money_of, parts_of
from finance.interest.history import Event, EventKind, HistoryError
from finance.interest.payoff import PayoffFigure, Segment, payoff_figures, segments
from finance.interest.positions import (
    Adjustment,
    BackdatedError,
    Position,
    RemainderRule,
    accrue,
    advance,
    billing_adjustment,
    fold,
    interest_to_bill,
    running,
)
from finance.interest.rates import (
    Compounding,
    DayRows,
    JoinedRates,
    MissingRateError,
    PlanDay,
    RateCurve,
    Rates,
    effective_annual_cost,
    per_diem,
    plan_days,
    plan_rates,
)

__all__ = [
    "YEAR_PARTS",
    "Adjustment",
    "BackdatedError",
    "Compounding",
    "DayCount",
    "DayRows",
    "Event",
    "EventKind",
    "HistoryError",
    "JoinedRates",
    "MissingRateError",
    "PayoffFigure",
    "PlanDay",
    "Position",
    "RateCurve",
    "Rates",
    "RemainderRule",
    "Segment",
    "accrue",
    "advance",
    "billing_adjustment",
    "effective_annual_cost",
    "fold",
    "interest_to_bill",
    "money_of",
    "parts_of",
    "payoff_figures",
    "per_diem",
    "plan_days",
    "plan_rates",
    "running",
    "segments",
]
