"""Gateways of the accounts app: one kind of outside I/O each."""
