"""Pages that belong to no single app: brand, errors, the dashboard, the demo's components."""
