"""Background work of the finance app; each task may run twice."""

from finance.tasks.days import close_business_days, sweep_business_days
from finance.tasks.statements import produce_statement, sweep_statement_batches

__all__ = ["close_business_days", "produce_statement", "sweep_business_days", "sweep_statement_batches"]
