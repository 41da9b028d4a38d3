"""The forms of the finance office: each is one act, sent once."""

import uuid
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Lender


class OfficeForm(forms.Form):
    """A form of one act. `token` is new with every page, so that a second sending of the page is known for one.

    `today` is the lender's business date, `subject` the row that the act concerns, None for a new one.
    """

    token = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, lender: Lender, today: date, subject: Any = None, **kwargs: Any) -> None:
        self.lender = lender
        self.today = today
        self.subject = subject
        super().__init__(*args, **kwargs)
        self.fields["token"].initial = uuid.uuid4()


class ReasonField(forms.CharField):
    """Why something is done; it goes into the audit trail."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            label=kwargs.pop("label", _("Reason")),
            max_length=300,
            widget=forms.Textarea(attrs={"rows": 3}),
            help_text=_("Kept in the audit trail beside your name."),
            error_messages={"required": _("Say why. It is kept in the audit trail.")},
            **kwargs,
        )


class ReasonForm(OfficeForm):
    """The form of an act that asks for nothing but the reason; others add to it."""

    reason = ReasonField()

    field_order: list[str] | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # The reason is asked for last, whatever a subclass puts before it.
        self.order_fields([name for name in self.fields if name != "reason"])
