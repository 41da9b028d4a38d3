"""The form field for a message's files."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from support.queries.file_contents import ACCEPT, MAX_FILES, CheckedFile, FileRefusedError, check_upload


class SeveralFilesInput(forms.FileInput):
    """A file chooser that takes more than one file."""

    allow_multiple_selected = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """Every file sent under the name."""
        return files.getlist(name) if hasattr(files, "getlist") else files.get(name)


def _say_limits() -> str:
    return _("Up to %(most)s: pictures, PDF, text or CSV, %(limit)s MB each.") % {
        "most": MAX_FILES,
        "limit": settings.ATTACHMENT_MAX_BYTES // (1024 * 1024),
    }


_limits = lazy(_say_limits, str)()


class AttachmentsField(forms.FileField):
    """Up to three files, each looked into; gives a list of CheckedFile, empty when nothing was chosen."""

    widget = SeveralFilesInput

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        options.setdefault("label", gettext_lazy("Files"))
        options.setdefault("help_text", _limits)
        options.setdefault("widget", SeveralFilesInput(attrs={"accept": ACCEPT}))
        super().__init__(**options)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """Look into every file, and name all that are refused, not only the first."""
        chosen: list[UploadedFile] = list(data or [])
        if len(chosen) > MAX_FILES:
            raise ValidationError(
                _("Attach up to %(most)s files, not %(count)s. Send the others in a second message.")
                % {"most": MAX_FILES, "count": len(chosen)}
            )
        checked: list[CheckedFile] = []
        problems: list[str] = []
        for upload in chosen:
            try:
                checked.append(check_upload(upload))
            except FileRefusedError as refusal:
                problems.append(str(refusal))
        if problems:
            raise ValidationError(problems)
        return checked
