"""Outside services that the support app talks to."""
