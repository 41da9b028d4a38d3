"""Every write of the payments app, one function each."""
