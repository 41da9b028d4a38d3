"""The finance office's part on what is owed: lines, units, loans, rates, the ledger, statements, the end of day."""

from finance.admin import accounts, close, ledger, lines, loans, programmes, rates, statements, titles, units

__all__ = [
    "accounts",
    "close",
    "ledger",
    "lines",
    "loans",
    "programmes",
    "rates",
    "statements",
    "titles",
    "units",
]
