"""The test suite's settings: the demo's, with quick hashing and files in a folder of their own."""

import os
import tempfile
from pathlib import Path

os.environ["FORECOURT_ENVIRONMENT"] = "test"
os.environ["FORECOURT_PUBLIC_PORT"] = ""

from portal.settings.demo import *

# Gone with the process that used them.
_FILES = tempfile.TemporaryDirectory(prefix="forecourt-files-")
_MAILBOX = tempfile.TemporaryDirectory(prefix="forecourt-mailbox-")
_STATIC = tempfile.TemporaryDirectory(prefix="forecourt-static-")
MEDIA_ROOT = Path(_FILES.name)
MAILBOX_DIR = Path(_MAILBOX.name)
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Static files come straight from their folders; nothing is collected for the suite.
STATIC_ROOT = Path(_STATIC.name)
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
