"""Every write of the accounts app, one function each."""
