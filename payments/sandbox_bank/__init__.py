"""A bank for the demo and the tests: a process of its own that speaks the protocol of `docs/integrators/bank-debits.md`.

It shares no code with the portal, so that both sides of the protocol are written down twice and disagree loudly. No
money moves, and nothing it stores is a real account: of an account number it keeps the last four characters.
"""
