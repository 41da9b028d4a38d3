"""Reads that assemble what a page of the accounts app shows."""
