"""Every write of the finance app, one function each."""
