"""The shape of what people type into the support pages."""
