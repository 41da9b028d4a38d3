"""Announcements in the finance office."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.admin.acts import Act, Entry, Sent
from accounts.admin.columns import day, text
from accounts.admin.office import OfficeAdmin
from support.actions.announcements import change_announcement, publish_announcement, withdraw_announcement
from support.forms.announcements import AnnouncementChangeForm, AnnouncementForm
from support.models import Announcement

_FIELDS = ("title", "body", "shown_from", "shown_until")


def _publish(row: None, sent: Sent) -> Announcement:
    return publish_announcement(actor=sent.actor, **{name: sent.values[name] for name in _FIELDS})


def _change(row: Announcement, sent: Sent) -> Announcement:
    values = {name: sent.values[name] for name in _FIELDS}
    return change_announcement(actor=sent.actor, announcement=row, reason=sent.reason, **values)


def _withdraw(row: Announcement, sent: Sent) -> str:
    withdraw_announcement(actor=sent.actor, announcement=row, reason=sent.reason, today=sent.today)
    return _now("Withdrawn.")


@admin.register(Announcement)
class AnnouncementAdmin(OfficeAdmin):
    """News to every dealer of the lender."""

    columns = (
        text("title", _("Title")),
        day("shown_from", _("Shown from"), order="shown_from"),
        day("shown_until", _("Shown until"), order="shown_until"),
    )
    facts = (
        day("shown_from", _("Shown from")),
        day("shown_until", _("Shown until")),
        text("body", _("Text")),
    )
    ordering = ("-shown_from", "-pk")
    search_fields = ("title",)
    adding = Entry(
        name="add",
        label=_("New announcement"),
        title=_("Tell the dealers something"),
        button=_("Publish"),
        done=_("Published."),
        form_class=AnnouncementForm,
        save=_publish,
    )
    entries = (
        Entry(
            name="change",
            label=_("Change"),
            title=_("Change the announcement"),
            button=_("Change"),
            done=_("Changed."),
            form_class=AnnouncementChangeForm,
            save=_change,
        ),
    )
    acts = (
        Act(
            name="withdraw",
            label=_("Withdraw"),
            question=_("Withdraw these announcements?"),
            effect=_("Dealers no longer see them. They stay on record."),
            button=_("Withdraw"),
            perform=_withdraw,
            is_grave=True,
        ),
    )

    def history_subjects(self, row: Any) -> list[str]:
        return [f"announcement:{row.public_id}"]
