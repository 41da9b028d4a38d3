"""Pages of what is owed: parse, authorise, read, show."""
