"""A bank and card processor for the demo and the tests: a process of its own.

It speaks the protocols of `docs/integrators/bank-debits.md` and `docs/integrators/card-page.md`, and shares no code
with the portal, so that both sides of each are written down twice and disagree loudly. No money moves, and nothing it
stores is a real account: of an account or card number it keeps the last four.
"""
