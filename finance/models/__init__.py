"""What is owed: rates, lines, accounts, ledger, statements."""

from finance.models.accounts import (
    Account,
    AccountEvent,
    AccountPosition,
    DueItem,
    ExpectedPrincipal,
    Loan,
    Unit,
)
from finance.models.close import DayStep
from finance.models.ledger import JournalEntry, JournalLine, LedgerAccount
from finance.models.lines import CreditLine, CurtailmentProgramme, LineTerms
from finance.models.rates import IndexFixing, RateIndex, RatePlan, RatePlanDay
from finance.models.statements import Statement, StatementBatch
from finance.models.titles import TitleEvent, VehicleTitle

__all__ = [
    "Account",
    "AccountEvent",
    "AccountPosition",
    "CreditLine",
    "CurtailmentProgramme",
    "DayStep",
    "DueItem",
    "ExpectedPrincipal",
    "IndexFixing",
    "JournalEntry",
    "JournalLine",
    "LedgerAccount",
    "LineTerms",
    "Loan",
    "RateIndex",
    "RatePlan",
    "RatePlanDay",
    "Statement",
    "StatementBatch",
    "TitleEvent",
    "Unit",
    "VehicleTitle",
]
