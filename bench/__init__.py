"""`make bench`: the portal's speed beside raw counterparts, in one run; see `docs/developers/bench.md`."""
