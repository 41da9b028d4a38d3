"""Pages of the support app."""
