"""Reads that assemble the pages of paying."""
