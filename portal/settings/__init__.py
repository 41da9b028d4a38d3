"""Settings: `base` is production, `demo` and `test` only relax it."""
