"""Reads of the support app, one file per noun."""
