"""The shapes of what people type in the accounts app."""
