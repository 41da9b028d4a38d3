"""The test suite's settings: the demo's, with quick hashing and files in a folder of their own."""

import os
import tempfile
from pathlib import Path

os.environ["FORECOURT_ENVIRONMENT"] = "test"
os.environ["FORECOURT_PUBLIC_PORT"] = ""

from portal.settings.demo import *

MEDIA_ROOT = Path(tempfile.mkdtemp(prefix="forecourt-files-"))
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Static files come straight from their folders; nothing is collected for the suite.
STATIC_ROOT = Path(tempfile.mkdtemp(prefix="forecourt-static-"))
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
