"""Reads that assemble a page, a statement or a report; nothing here writes."""
