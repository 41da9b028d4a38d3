"""Every write of the support app, one function each."""
