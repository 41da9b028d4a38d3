"""News to the dealers, as finance staff write it."""

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.forms.entries import OfficeForm, ReasonField
from finance.forms.dates import DayField


class AnnouncementForm(OfficeForm):
    """A notice with its days."""

    title = forms.CharField(
        label=_("Title"),
        max_length=120,
        error_messages={"required": _("Write a title; dealers see it first.")},
    )
    body = forms.CharField(
        label=_("Text"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 8}),
        error_messages={"required": _("Write what the dealers shall know.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, label, initial in (
            ("shown_from", _("Shown from"), self.today),
            ("shown_until", _("Shown until"), self.today + timedelta(days=14)),
        ):
            self.fields[name] = DayField(
                label=label,
                lender=self.lender,
                first=self.today - timedelta(days=366),
                last=self.today + timedelta(days=366),
                initial=initial,
            )


class AnnouncementChangeForm(AnnouncementForm):
    """Another wording, or other days."""

    reason = ReasonField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("title", "body", "shown_from", "shown_until"):
            self.fields[name].initial = getattr(self.subject, name)
        self.order_fields(["title", "body", "shown_from", "shown_until", "reason"])
