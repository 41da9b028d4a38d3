"""News to the dealers: published, corrected, withdrawn."""

from datetime import date

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record
from accounts.models import User
from support.models import Announcement


def _check(shown_from: date, shown_until: date) -> None:
    if shown_until < shown_from:
        raise ValidationError({"shown_until": _("The last day lies before the first.")})


@transaction.atomic
def publish_announcement(
    *, actor: User, title: str, body: str, shown_from: date, shown_until: date
) -> Announcement:
    """Show every dealer a notice from one day to another, both included. Raises ValidationError, keyed by field."""
    _check(shown_from, shown_until)
    announcement = Announcement.objects.create(
        title=title.strip(), body=body.strip(), shown_from=shown_from, shown_until=shown_until
    )
    record(
        "announcement.published",
        actor=actor,
        subject=f"announcement:{announcement.public_id}",
        details={
            "title": announcement.title,
            "from": shown_from.isoformat(),
            "until": shown_until.isoformat(),
        },
    )
    return announcement


@transaction.atomic
def change_announcement(
    *,
    actor: User,
    announcement: Announcement,
    title: str,
    body: str,
    shown_from: date,
    shown_until: date,
    reason: str,
) -> Announcement:
    """Correct a notice, or move its days. Raises ValidationError, keyed by field."""
    _check(shown_from, shown_until)
    locked: Announcement = Announcement.objects.select_for_update().get(pk=announcement.pk)
    locked.title, locked.body = title.strip(), body.strip()
    locked.shown_from, locked.shown_until = shown_from, shown_until
    locked.save(update_fields=["title", "body", "shown_from", "shown_until"])
    record(
        "announcement.changed",
        actor=actor,
        subject=f"announcement:{locked.public_id}",
        reason=reason,
        details={"title": locked.title, "from": shown_from.isoformat(), "until": shown_until.isoformat()},
    )
    return locked


@transaction.atomic
def withdraw_announcement(
    *, actor: User, announcement: Announcement, reason: str, today: date
) -> Announcement:
    """Show a notice no longer, from today on; it stays on record. Raises ValidationError when that is so already."""
    locked: Announcement = Announcement.objects.select_for_update().get(pk=announcement.pk)
    yesterday = date.fromordinal(today.toordinal() - 1)
    if locked.shown_until <= yesterday:
        raise ValidationError(_("It is not shown any more."))
    locked.shown_until = yesterday
    locked.shown_from = min(locked.shown_from, yesterday)
    locked.save(update_fields=["shown_from", "shown_until"])
    record(
        "announcement.withdrawn",
        actor=actor,
        subject=f"announcement:{locked.public_id}",
        reason=reason,
        details={"title": locked.title},
    )
    return locked
