"""The way of a request into its lender."""
