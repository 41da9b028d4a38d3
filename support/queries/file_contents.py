"""What an uploaded file is, told by its content and never by what the browser says.

Allowed: PNG, JPEG, WebP and GIF images, PDF documents, plain text and CSV tables. Everything else is refused in words
that say what to do. A file that is two formats at once (an image that opens as a page, an archive or a document, too)
is refused even though it would only ever be served as a download.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO

import filetype
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from support.queries.images import BrokenImageError, image_size

MAX_FILES = 3
"""Files that one message may carry."""

MAX_PIXELS = 250_000_000
"""Above this an image is a bomb, not a photograph; today's largest camera sensors stay below."""

# content type -> what people call it, and the endings its names may have (the first is added where one is missing)
ALLOWED: dict[str, tuple[str | Promise, tuple[str, ...]]] = {
    "image/png": (gettext_lazy("PNG image"), (".png",)),
    "image/jpeg": (gettext_lazy("JPEG image"), (".jpg", ".jpeg", ".jpe", ".jfif")),
    "image/webp": (gettext_lazy("WebP image"), (".webp",)),
    "image/gif": (gettext_lazy("GIF image"), (".gif",)),
    "application/pdf": (gettext_lazy("PDF document"), (".pdf",)),
    "text/plain": (gettext_lazy("text"), (".txt", ".log")),
    "text/csv": (gettext_lazy("table"), (".csv",)),
}
ENDINGS = frozenset(ending for _name, endings in ALLOWED.values() for ending in endings)
ACCEPT = ",".join(sorted(ENDINGS))
"""For the file chooser; a comfort only."""

_NAME_LENGTH = 120
_HEAD = 1024
# An archive's directory stands at most this far from the file's end (ZIP, APPNOTE 4.3.16).
_ARCHIVE_TAIL = 22 + 65_535
_MARKUP = re.compile(
    rb"<(?:!doctype[\s>]|html[\s>]|head[\s>]|body[\s>]|svg[\s>]|script[\s>/]|iframe[\s>]|\?php|foreignobject[\s>])",
    re.IGNORECASE,
)
_LEADING_MARKUP = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:[a-z!?])", re.IGNORECASE)
_ACTIVE_PDF = re.compile(rb"/(?:JavaScript|JS|Launch|EmbeddedFile)(?![A-Za-z])")
# Everything below the space but tab, line feed, form feed and carriage return.
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]")


class FileRefusedError(ValueError):
    """A file that may not come in; the text says why and what to do, for the person who chose it."""


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """An upload whose content was looked at: `name` is safe to show and to download under, `size` is in bytes."""

    name: str
    content_type: str
    size: int
    sha256: str
    content: IO[bytes]


def check_upload(upload: UploadedFile) -> CheckedFile:
    """Look into an upload; raises FileRefusedError."""
    name = clean_name(upload.name or "")
    if upload.size is None or upload.size > settings.ATTACHMENT_MAX_BYTES:
        raise FileRefusedError(
            _(
                "“%(name)s” is too large. A file may have up to %(limit)s MB: send a smaller picture or split it."
            )
            % {"name": name, "limit": settings.ATTACHMENT_MAX_BYTES // (1024 * 1024)}
        )
    upload.seek(0)
    data = upload.read()
    upload.seek(0)
    if not data:
        raise FileRefusedError(_("“%(name)s” is empty. Choose the file again.") % {"name": name})
    content_type = content_type_of(data, name)
    return CheckedFile(
        name=_with_ending(name, content_type),
        content_type=content_type,
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        content=upload,
    )


def content_type_of(data: bytes, name: str) -> str:
    """The content type of `data`, one of ALLOWED; raises FileRefusedError. `name` is for the message and for CSV."""
    ending = PurePosixPath(name).suffix.lower()
    if ending and ending not in ENDINGS:
        raise _not_allowed(name)
    guessed = filetype.guess_mime(data[:8192])
    if guessed in ALLOWED:
        _refuse_two_formats(data, guessed, name)
        if guessed == "application/pdf":
            _check_document(data, name)
        else:
            _check_image(data, guessed, name)
        return str(guessed)
    if _is_text(data):
        if _LEADING_MARKUP.match(data) or _MARKUP.search(data):
            raise FileRefusedError(
                _(
                    "“%(name)s” is a web page or a drawing with code in it. Send a picture or a PDF of it instead."
                )
                % {"name": name}
            )
        return "text/csv" if ending == ".csv" else "text/plain"
    raise _not_allowed(name)


def clean_name(name: str) -> str:
    """The last part of a file's name, without what could mislead the eye or a file system."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", name))[-1]
    # Cc and Cf hold control signs and the marks that turn the reading direction around; Cs cannot be stored.
    kept = "".join(sign for sign in last if unicodedata.category(sign) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    kept = re.sub(r'[<>:"|?*;%]', "_", kept).strip(" .")
    stem, ending = PurePosixPath(kept).stem, PurePosixPath(kept).suffix
    return f"{stem[: _NAME_LENGTH - len(ending)]}{ending}" if kept else _("file")


def _with_ending(name: str, content_type: str) -> str:
    endings = ALLOWED[content_type][1]
    path = PurePosixPath(name)
    if path.suffix.lower() in endings:
        return name
    # A picture saved under another picture's ending: the download gets the ending that its content has.
    return f"{path.stem if path.suffix.lower() in ENDINGS else name}{endings[0]}"


def _not_allowed(name: str) -> FileRefusedError:
    return FileRefusedError(
        _(
            "“%(name)s” cannot be attached. Send a picture (PNG, JPEG, WebP, GIF), a PDF, a text file or a CSV table."
        )
        % {"name": name}
    )


def _is_text(data: bytes) -> bool:
    if _CONTROL.search(data):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        # Older Windows programs write Western text in single bytes; these five stand for nothing there.
        return not re.search(rb"[\x81\x8d\x8f\x90\x9d]", data)
    return True


def _refuse_two_formats(data: bytes, content_type: str, name: str) -> None:
    is_document = content_type == "application/pdf"
    # A PDF may quote markup in its texts; elsewhere than at its head no browser would take it for a page.
    page = _MARKUP.search(data[:_HEAD] if is_document else data)
    archive = b"PK\x05\x06" in data[-_ARCHIVE_TAIL:]
    document = not is_document and b"%PDF-" in data[:_HEAD]
    if page or archive or document:
        raise FileRefusedError(
            _(
                "“%(name)s” holds something else besides the %(kind)s. Open it, save it again and send the new file."
            )
            % {"name": name, "kind": ALLOWED[content_type][0]}
        )


def _check_document(data: bytes, name: str) -> None:
    if not data.startswith(b"%PDF-") or b"%%EOF" not in data[-2048:]:
        raise FileRefusedError(
            _("“%(name)s” is not a whole PDF document. Save or print it to PDF again and send the new file.")
            % {"name": name}
        )
    if _ACTIVE_PDF.search(data):
        raise FileRefusedError(
            _("“%(name)s” is a PDF with a script or another file in it. Print it to a new PDF and send that.")
            % {"name": name}
        )


def _check_image(data: bytes, content_type: str, name: str) -> None:
    try:
        width, height = image_size(data, content_type)
    except BrokenImageError as error:
        raise FileRefusedError(
            _("“%(name)s” is not a whole %(kind)s. Open it, save it again and send the new file.")
            % {"name": name, "kind": ALLOWED[content_type][0]}
        ) from error
    if not 0 < width * height <= MAX_PIXELS:
        raise FileRefusedError(_("“%(name)s” has too many pixels. Send a smaller picture.") % {"name": name})
