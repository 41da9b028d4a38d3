"""The demo's four lenders: invented companies and people, real vehicles, the published prime rate."""
