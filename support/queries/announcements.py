"""News of the lender, as dealers see it."""

from datetime import date

from django.db.models import QuerySet

from support.models import Announcement


def current_announcements(on: date) -> QuerySet[Announcement]:
    """What is shown on the lender's day `on`, newest first; the dashboard takes the first few."""
    return Announcement.objects.filter(shown_from__lte=on, shown_until__gte=on).order_by("-shown_from", "-pk")


def past_announcements(on: date) -> QuerySet[Announcement]:
    """What was shown before the day `on` and is no longer."""
    return Announcement.objects.filter(shown_until__lt=on).order_by("-shown_from", "-pk")
