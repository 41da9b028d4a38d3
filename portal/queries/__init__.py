"""Reads across apps, for the pages that span them."""
