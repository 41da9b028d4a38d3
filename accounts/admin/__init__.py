"""The finance office's part on people: dealerships, logins, memberships, messages and the trail."""

from accounts.admin import dealerships, outbox, people, trail

__all__ = ["dealerships", "outbox", "people", "trail"]
