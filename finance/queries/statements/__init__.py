"""Statements: what one says, how it is assembled, printed and listed."""
